"""`mika client whitelist` against the real API: prefixes begin with a dash, and are taken as they are."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "prefix",
    ["-TR40", "-TR40-", "-h1", "-hh", "-j", "--json=", "-", "M7-", "a/b", "%2D", "-?#", "..", "-UT3&", "-lt0D"],
)
def test_prefix_is_taken_as_it_is(run, prefix) -> None:
    """Whatever a peer id begins with is added, listed and deleted under that very spelling."""
    assert run("client", "whitelist", "add", prefix, "Some client").status == 0
    listed = run("client", "whitelist", "list", "--json").json
    assert [{"prefix": prefix, "name": "Some client"}] == listed["items"]
    assert f"deleted {prefix}\n" == run("client", "whitelist", "delete", prefix).out
    assert run("client", "whitelist", "list", "--json").json["items"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["client", "--json", "whitelist", "add", "-TR40", "Transmission"],
        ["client", "whitelist", "--json", "add", "-TR40", "Transmission"],
        ["client", "whitelist", "add", "--json", "-TR40", "Transmission"],
        ["client", "whitelist", "add", "-TR40", "--json", "Transmission"],
        ["client", "whitelist", "add", "-TR40", "Transmission", "--json"],
        ["client", "whitelist", "add", "--json", "--", "-TR40", "Transmission"],
    ],
)
def test_json_stands_anywhere(run, arguments) -> None:
    """`--json` means the same before the prefix, after it, and before the command."""
    assert run(*arguments).json == {"prefix": "-TR40", "name": "Transmission"}


def test_after_two_dashes_nothing_is_an_option(run) -> None:
    """The usual way to say so works here, too."""
    assert run("client", "whitelist", "add", "--", "--json", "-h").status == 0
    listed = run("client", "whitelist", "list", "--json").json
    assert listed["items"] == [{"prefix": "--json", "name": "-h"}]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_help(run, option) -> None:
    """Asking for help is no prefix."""
    outcome = run("client", "whitelist", "add", option)
    assert outcome.status == 0
    assert "PREFIX NAME" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["add", "-TR40"], 2, "Missing argument 'NAME'"),
        (["add", "-TR40", "Transmission", "4"], 2, "unexpected extra argument"),
        (["delete"], 2, "Missing argument 'PREFIX'"),
        (["delete", "-TR40"], 1, "-TR40 is not on the whitelist"),
        (["add", "-TR 40", "Transmission"], 1, "prefix: "),
        (["add", "-" * 21, "Transmission"], 1, "prefix: "),
        (["add", "-TR40", ""], 1, "name: "),
    ],
)
def test_refusals(run, arguments, status, words) -> None:
    """What is refused is one line on stderr that names what is wrong."""
    outcome = run("client", "whitelist", *arguments)
    assert (status, "", 1) == (outcome.status, outcome.out, outcome.err.count("\n"))
    assert words in outcome.err
