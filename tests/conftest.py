"""What all tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path, monkeypatch):
    """Run every test where it may leave files: `mktemp` of trial's TestCase makes them in the working directory."""
    monkeypatch.chdir(tmp_path)
