"""`mika client role` against the real API."""

from __future__ import annotations


def test_a_role_lives(run) -> None:
    """A role is added, shown, changed, listed and deleted."""
    added = run("client", "role", "add", "vip", "multiplier_up=2", "download_slots=3", "--json").json
    role_id = str(added["id"])
    assert (added["name"], added["multiplier_up"], added["download_slots"]) == ("vip", 2, 3)
    changed = run("client", "role", "set", role_id, "download_slots=null", "name=123", "--json").json
    assert changed == run("client", "role", "get", role_id, "--json").json
    assert (changed["name"], changed["download_slots"]) == ("123", None)
    assert [role["name"] for role in run("client", "role", "list", "--json").json["items"]] == ["member", "123"]
    assert f"deleted role {role_id}\n" == run("client", "role", "delete", role_id).out
    gone = run("client", "role", "get", role_id)
    assert (gone.status, gone.err.count("\n")) == (1, 1)


def test_default_role_stays(run) -> None:
    """The role that every user starts with is refused in words."""
    outcome = run("client", "role", "delete", "1")
    assert (outcome.status, outcome.err) == (1, "mika: The default role cannot be removed.\n")
