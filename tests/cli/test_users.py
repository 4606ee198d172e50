"""`mika client user` against the real API."""

from __future__ import annotations

import io
import re

import pytest


def test_added_user_gets_an_announce_url(run) -> None:
    """`user add` prints the account, its passkey, and what the member types into a client."""
    outcome = run("client", "user", "add", "Ann")
    [key] = re.findall(r"^passkey +([0-9a-f]{32})$", outcome.out, re.MULTILINE)
    assert outcome.status == 0
    assert outcome.out.endswith(f"\nannounce URL: http://tracker.example:34000/{key}/announce\n")


def test_announce_url_of_a_tracker_elsewhere(run, state) -> None:
    """Where the tracker's address is not known, the path alone is printed."""
    (state / "announce-url").unlink()
    outcome = run("client", "user", "add", "Ann")
    assert re.search(r"announce URL: the address of your tracker, then /[0-9a-f]{32}/announce\n$", outcome.out)


def test_new_passkey(run) -> None:
    """`user passkey` prints the new announce URL."""
    before = run("client", "user", "add", "Ann", "--json").json["passkey"]
    outcome = run("client", "user", "passkey", "1")
    after = run("client", "user", "get", "1", "--json").json["passkey"]
    assert before != after
    assert outcome.out.endswith(f"/{after}/announce\n")


def test_values_are_typed_by_their_field(run) -> None:
    """A name of digits stays a name; the others are what they look like."""
    run("client", "user", "add", "Ann")
    pairs = ["name=123", "uploaded=1610612736", "multiplier_up=1.25", "enabled=false", "bonus=2.50", "remote_id=true"]
    user = run("client", "user", "set", "1", *pairs, "--json").json
    expected = {"name": "123", "uploaded": 1610612736, "multiplier_up": 1.25, "enabled": False, "bonus": "2.5"}
    assert expected | {"remote_id": "true"} == {key: user[key] for key in (*expected, "remote_id")}


def test_fields_are_set_while_adding(run) -> None:
    """What belongs to a new account is set in the same request."""
    user = run("client", "user", "add", "123", "enabled=false", "remote_id=4711", "--json").json
    assert (user["name"], user["enabled"], user["remote_id"]) == ("123", False, "4711")


def test_passkey_from_standard_input(run, monkeypatch) -> None:
    """A passkey that a site brings need not be on the command line."""
    monkeypatch.setattr("sys.stdin", io.StringIO("from-the-old-site\n"))
    assert run("client", "user", "add", "Ann", "passkey=-", "--json").json["passkey"] == "from-the-old-site"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["get", "7"], 1, "There is no user with the id 7"),
        (["delete", "7"], 1, "There is no user with the id 7"),
        (["passkey", "7"], 1, "There is no user with the id 7"),
        (["get", "Ann"], 2, "'Ann' is not a valid integer range"),
        (["get", "0"], 2, "Invalid value for 'ID'"),
        (["set", "1"], 2, "Missing argument 'KEY=VALUE...'"),
        (["set", "1", "enabled"], 2, "'enabled' is not written KEY=VALUE"),
        (["set", "1", "=true"], 2, "'=true' is not written KEY=VALUE"),
        (["set", "1", "role=1", "role=2"], 2, "role is given twice"),
        (["set", "1", "nickname=x"], 1, "nickname: there is no such field"),
        (["set", "1", "enabled=maybe"], 1, "enabled: "),
        (["set", "1", "uploaded=-1"], 1, "uploaded: "),
        (["set", "1", "passkey=short"], 1, "passkey: "),
        (["set", "1", "role=9"], 1, "role"),
        (["add"], 2, "Missing argument 'NAME'"),
        (["add", "Bob", "passkey=annannann"], 1, "passkey"),
        (["add", ""], 1, "name: "),
        (["ad", "Bob"], 2, "No such command 'ad'"),
        (["list", "--limit", "0"], 2, "Invalid value for '--limit'"),
        (["list", "--token", "x"], 2, "No such option"),
    ],
)
def test_refusals(run, arguments, status, words) -> None:
    """What is refused is one line on stderr that names what is wrong; nothing on stdout."""
    run("client", "user", "add", "Ann", "passkey=annannann")
    outcome = run("client", "user", *arguments)
    assert (status, "", 1) == (outcome.status, outcome.out, outcome.err.count("\n"))
    assert outcome.err.startswith("mika: ")
    assert words in outcome.err


def test_list_and_delete(run) -> None:
    """A list hides passkeys; a deleted user is no longer in it."""
    for name in ("Ann", "Bob"):
        run("client", "user", "add", name, f"passkey={name}{name}{name}")
    listed = run("client", "user", "list").out
    assert "Ann" in listed
    assert "AnnAnnAnn" not in listed
    assert run("client", "user", "delete", "1").out == "deleted user 1\n"
    assert [user["name"] for user in run("client", "user", "list", "--json").json["items"]] == ["Bob"]
