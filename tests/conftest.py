"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from twisted.logger import globalLogPublisher

# How fast a machine is that runs other tests beside is no property of what is tested.
settings.register_profile("mika", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mika")


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path, monkeypatch):
    """Run every test where it may leave files: `mktemp` of trial's TestCase makes them in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def log() -> Iterator[list[dict[str, Any]]]:
    """Collect what is logged; a traceback that a test leaves in it fails the test."""
    events: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)
    assert [event["log_failure"] for event in events if "log_failure" in event] == []
