"""`mika token` against the real API: a token is printed once, and counts until it is revoked."""

from __future__ import annotations

import pytest


def test_token_is_printed_alone(run) -> None:
    """On standard output there is nothing else; what to do with it is said beside it."""
    made = run("token", "add", "site", "--scope", "write")
    assert (made.status, made.err) == (0, "mika: keep it now: it is not shown again\n")
    assert made.out.startswith("mika_")
    assert len(made.out.split()) == 1


def test_token_is_listed_and_revoked(run, monkeypatch) -> None:
    """By its name and scopes, never by itself; revoked, it is refused at once."""
    made = run("token", "add", "site", "--scope", "read", "--scope", "write", "--scope", "read", "--json").json
    listed = run("token", "list", "--json")
    assert {"name": "site", "scopes": ["read", "write"]}.items() <= listed.json["items"][1].items()
    assert made["token"] not in listed.out + run("token", "list").out

    def ping():
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("MIKA_TOKEN", made["token"])
            return run("client", "--url", "https://t.example", "ping")

    assert ping().out.endswith("answers at https://t.example\n")
    assert run("token", "revoke", "site").out == "revoked site\n"
    assert "refuses the token of MIKA_TOKEN" in ping().err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["add"], 2, "Missing argument 'NAME'"),
        (["add", "site"], 2, "Missing option '--scope'"),
        (["add", "site", "--scope", "root"], 2, "'root' is not one of 'read', 'write', 'admin'"),
        (["add", "a site", "--scope", "read"], 1, "name: "),
        (["add", "local", "--scope", "read"], 1, "There is a token named local already"),
        (["revoke", "nobody"], 1, "nobody"),
        (["revoke", "../x"], 1, "name: "),
        (["revoke", "local"], 1, "token of the tracker's own machine"),
    ],
)
def test_refusals(run, arguments, status, words) -> None:
    """One line, and the tokens stay as they are."""
    outcome = run("token", *arguments)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (status, "", 1)
    assert words in outcome.err
    assert [item["name"] for item in run("token", "list", "--json").json["items"]] == ["local"]
