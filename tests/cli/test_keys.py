"""`mika client user key` and `by-key`: an announce URL of one torrent, and whose one is."""

from __future__ import annotations

import io

import pytest

HASH = "ab" * 20


@pytest.fixture(autouse=True)
def _user_and_torrent(run):
    """Add a user and a torrent."""
    run("client", "user", "add", "ann")
    run("client", "torrent", "add", HASH)


def test_key_ends_with_its_announce_url(run) -> None:
    """It is the same until another one is asked for."""
    shown = run("client", "user", "key", "1", HASH.upper())
    key = run("client", "user", "key", "1", HASH, "--json").json["key"]
    assert shown.out.endswith(f"announce URL: http://tracker.example:34000/{key}/announce\n")
    new = run("client", "user", "key", "1", HASH, "--new", "--json").json
    assert (new["key"] != key, new["replaced"]) == (True, 1)


def test_owner_of_a_key(run, monkeypatch) -> None:
    """From the command line or from standard input, where nobody sees it."""
    key = run("client", "user", "key", "1", HASH, "--json").json["key"]
    for given in (key, "-"):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        found = run("client", "user", "by-key", given, "--json").json
        assert (found["user_id"], found["info_hash"], found["good"]) == (1, HASH, True)
    outcome = run("client", "user", "by-key", "x" * 64)
    assert (outcome.status, outcome.out, outcome.err) == (1, "", "mika: This is no key of this site.\n")
