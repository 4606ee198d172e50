"""Trackers and clients for the tests of this directory; each test ends with a look into the tracker's log."""

from __future__ import annotations

import contextlib

import pytest
from functional.torrent_clients import Client, Libtorrent
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


@pytest.fixture
def start_client(tmp_path):
    """Return a function that starts a client, which ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(kind: type, name: str, hosts: tuple[str, ...]) -> Client:
            client = kind(*hosts) if kind is Libtorrent else kind(tmp_path / name)
            stack.callback(client.close)
            return client

        yield start
