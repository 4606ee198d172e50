"""A tracker that all clients share, and the TypeScript client as its users build it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clients.programs import CLIENTS, environment, run
from functional.content import Content, make_content
from functional.tracker_process import TrackerProcess


@pytest.fixture(scope="session")
def tracker(tmp_path_factory):
    """Return a tracker that runs; its log must show neither a fault nor a secret, whatever the clients did."""
    process = TrackerProcess(tmp_path_factory.mktemp("tracker"))
    try:
        process.start()
        yield process
        process.secrets |= {user["passkey"] for user in process.api("GET", "/v1/users?limit=1000")["items"]}
    finally:
        process.stop()
    process.check_log()


@pytest.fixture(scope="session")
def contents(tmp_path_factory) -> dict[str, Content]:
    """Return something to share, as a v1 torrent and as a hybrid one."""
    directory = tmp_path_factory.mktemp("contents")
    return {kind: make_content(directory / kind, hybrid=kind == "hybrid") for kind in ("v1", "hybrid")}


@pytest.fixture(scope="session")
def typescript(tmp_path_factory) -> Path:
    """Build a copy of the TypeScript client from its lock file, and return its folder."""
    folder = tmp_path_factory.mktemp("clients") / "typescript"
    shutil.copytree(CLIENTS / "typescript", folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    run("npm", "ci", "--no-audit", "--no-fund", cwd=folder, env=environment())
    run("npm", "run", "build", cwd=folder, env=environment())
    return folder


@pytest.fixture
def deleted(tracker):
    """Return a check that a day's work left the right words for members who still have the deleted torrent."""

    def check(base: int) -> None:
        # The member whom the day's work disabled is still one: 2 is the torrent that it deleted.
        url = tracker.announce_url(tracker.user(base + 1))
        answer = tracker.announce(url, bytes.fromhex(f"{base + 2:040}"), b"-XX0001-%012d" % base)
        assert answer[b"failure reason"].decode() == "Unregistered torrent: Ersetzt: größer & schöner?"

    return check
