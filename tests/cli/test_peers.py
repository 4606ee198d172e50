"""`mika client torrent peers` and `user peers`: what is asked of the API."""

from __future__ import annotations

import pytest

HASH = "ab" * 20


@pytest.fixture(autouse=True)
def _user_and_torrent(run):
    """Add a user and a torrent."""
    run("client", "user", "add", "ann")
    run("client", "torrent", "add", HASH)


def test_nobody_is_there(run) -> None:
    """A list without items is a list."""
    for arguments in (("torrent", "peers", HASH), ("user", "peers", "1"), ("user", "peers", "1", "--idle", "30m")):
        outcome = run("client", *arguments, "--json")
        assert (outcome.status, outcome.json) == (0, {"items": [], "next": None})


def test_flush(run) -> None:
    """What was done is said, as nothing is answered."""
    assert run("client", "user", "peers", "1", "--flush").out == "flushed the peers of user 1\n"
    outcome = run("client", "user", "peers", "1", "--flush", "--idle", "1h")
    assert outcome.out == "flushed the peers of user 1 that were silent for 1h\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["torrent", "peers", HASH, "--near", "1,2"], 2, "--near and --within are given together"),
        (["torrent", "peers", HASH, "--within", "5"], 2, "--near and --within are given together"),
        (["torrent", "peers", HASH, "--near", "1,2", "--within", "0"], 2, "Invalid value for '--within'"),
        (["torrent", "peers", "cd" * 20], 1, "There is no torrent"),
        (["user", "peers", "2"], 1, "There is no user"),
        (["user", "peers", "2", "--flush"], 1, "There is no user"),
        (["user", "peers", "1", "--flush", "--limit", "1"], 2, "--limit and --flush do not go together"),
    ],
)
def test_refusals(run, arguments, status, words) -> None:
    """One line on stderr."""
    outcome = run("client", *arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (status, "", 1)
    assert words in outcome.err
