"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import globalLogPublisher


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
