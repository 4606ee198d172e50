"""`mika client user bonus|give|freeleech` against the real API: what members are given, and what they spend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

HASH = "ab" * 20


@pytest.fixture(autouse=True)
def _user_and_torrent(run):
    """Add a user and a torrent."""
    run("client", "user", "add", "ann")
    run("client", "torrent", "add", HASH)


def test_points_are_given_and_taken(run) -> None:
    """Exactly; the ledger shows the latest first, and a negative amount needs no trick."""
    assert run("client", "user", "give", "1", "10.000000001", "a good upload").status == 0
    assert run("client", "user", "give", "1", "-2.5", "an invite").status == 0
    assert run("client", "user", "give", "1", "--", "-1", "another").status == 0
    assert run("client", "user", "get", "1", "--json").json["bonus"] == "6.500000001"
    listed = run("client", "user", "bonus", "1", "--json").json["items"]
    assert [(item["amount"], item["reason"]) for item in listed] == [
        ("-1", "another"),
        ("-2.5", "an invite"),
        ("10.000000001", "a good upload"),
    ]
    assert len(run("client", "user", "bonus", "1", "--limit", "1").out.splitlines()) == 2 + 1


def test_key_counts_once(run) -> None:
    """A script that is run again gives nothing twice."""
    for _again in range(2):
        assert run("client", "user", "give", "1", "5", "a prize", "--key", "prize-7").status == 0
    assert run("client", "user", "get", "1", "--json").json["bonus"] == "5"


def test_more_than_there_is(run) -> None:
    """It is refused in one line, and nothing is taken."""
    outcome = run("client", "user", "give", "1", "-5", "an invite")
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert run("client", "user", "bonus", "1", "--json").json["items"] == []


@pytest.mark.parametrize("until", ["2031-01-31T00:00:00Z", "2031-01-31T01:00:00+01:00"])
def test_freeleech(run, until) -> None:
    """A token is given until a time, listed, and taken away."""
    given = run("client", "user", "freeleech", "add", "1", HASH.upper(), until, "--json")
    assert given.json == {"info_hash": HASH, "until": "2031-01-31T00:00:00Z"}
    assert run("client", "user", "freeleech", "list", "1", "--json").json["items"] == [given.json]
    deleted = run("client", "user", "freeleech", "delete", "1", HASH)
    assert deleted.out == f"deleted the token of user 1 for {HASH}\n"
    assert run("client", "user", "freeleech", "list", "1", "--json").json["items"] == []


@pytest.mark.parametrize(("length", "days"), [("90000m", 62.5), ("2400h", 100), ("100d", 100), ("200w", 1400)])
def test_length_from_now(run, length, days) -> None:
    """A length is counted from this moment."""
    expected = datetime.now(UTC) + timedelta(days=days)
    given = run("client", "user", "freeleech", "add", "1", HASH, length, "--json")
    assert abs(datetime.fromisoformat(given.json["until"]) - expected) < timedelta(minutes=5)
