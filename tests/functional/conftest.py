"""Trackers and clients for the tests of this directory; each test ends with a look into the tracker's log."""

from __future__ import annotations

import pytest
from functional.tracker_process import TrackerProcess


@pytest.fixture
def tracker(tmp_path):
    """Return a tracker that runs; its log must show neither a fault nor a secret, whatever the test did to it."""
    directory = tmp_path / "tracker"
    directory.mkdir()
    process = TrackerProcess(directory)
    try:
        process.start()
        yield process
    finally:
        process.stop()
    process.check_log()
