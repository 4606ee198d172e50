"""Bad input for every command, made from the tree of commands itself: clear error, right status, nothing changed.

A command that is not in `GOOD` fails `test_no_command_is_forgotten`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import click
import pytest

from mika.cli.command import InfoHash, Pair, PrefixCommand
from mika.cli.peers import Length, Place
from mika.cli.program import mika
from mika.cli.rewards import Amount, Until

HASH = "ab" * 20

GOOD = {
    "check": ["http://127.0.0.1:1/x/announce"],
    "completion": ["bash"],
    "db check": [],
    "db upgrade": [],
    "geo update": [],
    "geo look": ["81.2.69.142"],
    "client ping": [],
    "client status": [],
    "client stats": [],
    "client top": ["--once"],
    "client events": ["--count", "1"],
    "client torrent add": ["cd" * 20],
    "client torrent get": [HASH],
    "client torrent set": [HASH, "name=x"],
    "client torrent delete": [HASH],
    "client torrent list": [],
    "client user add": ["bob"],
    "client user get": ["1"],
    "client user set": ["1", "name=x"],
    "client user delete": ["1"],
    "client user passkey": ["1"],
    "client user list": [],
    "client user key": ["1", HASH, "--new"],
    "client user by-key": ["k" * 64],
    "client torrent peers": [HASH, "--near", "52.5,13.4", "--within", "100"],
    "client user peers": ["1", "--flush", "--idle", "1h"],
    "client user torrents": ["1", "--state", "owing"],
    "client debt list": ["--state", "hit_and_run", "--user", "1", "--torrent", HASH],
    "client user bonus": ["1"],
    "client user give": ["1", "10", "a good upload"],
    "client user freeleech add": ["1", HASH, "7d"],
    "client user freeleech delete": ["1", HASH],
    "client user freeleech list": ["1"],
    "client role add": ["vip"],
    "client role get": ["2"],
    "client role set": ["2", "name=x"],
    "client role delete": ["2"],
    "client role list": [],
    "client whitelist add": ["-TR40", "Transmission"],
    "client whitelist delete": ["-qB"],
    "client whitelist list": [],
    "client suspicion list": ["--state", "open", "--user", "1", "--score", "0"],
    "client suspicion get": ["1"],
    "client suspicion set": ["1", "dismissed"],
    "client config get": ["tracker"],
    "client config set": ["tracker.numwant_max=70"],
    "token add": ["site", "--scope", "read"],
    "token list": [],
    "token revoke": ["other"],
}
"""Arguments that each command takes, in the order of its parameters."""

HERE = ("check", "completion", "db", "geo")
"""What asks no tracker through its API."""


def leaves(group: click.Group = mika, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by its words."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from leaves(command, words)
        else:
            yield words, command


COMMANDS = dict(leaves())


def groups(group: click.Group = mika, path: str = "") -> Iterator[str]:
    """Yield every group of commands."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from groups(command, f"{path} {name}".strip())


def test_no_command_is_forgotten() -> None:
    """Each has arguments here that are good, from which the bad ones are made."""
    assert set(COMMANDS) == set(GOOD)


def bad_values(kind: click.ParamType) -> list[str]:
    """Return what is no value of a type."""
    if isinstance(kind, click.IntRange):
        return ["x", "", "1.5", "0x10"] + (["-1"] if kind.min is not None else [])
    if isinstance(kind, InfoHash):
        return ["", "xyz", HASH + "00", HASH[:-1] + "g"]
    if isinstance(kind, Pair):
        return ["novalue", "=1", ""]
    if isinstance(kind, click.Choice):
        return ["zzz", ""]
    if isinstance(kind, Place):
        return ["", "52.5", "91,0", "0,181", "a,b", "1,2,3"]
    if isinstance(kind, Length):
        return ["", "1", "h", "1y", "1.5h"]
    if isinstance(kind, click.FloatRange):
        return ["x", "-1"]
    if isinstance(kind, Amount):
        return ["much", "", "1e3", "0.1234567890", "nan"]
    if isinstance(kind, Until):
        return ["tomorrow", "", "7", "99999999d", "2027-01-31", "2027-13-01T00:00:00Z"]
    return []


def bad_lines() -> Iterator[tuple[str, list[str]]]:
    """Yield command lines with one thing wrong, for each command."""
    for words, command in COMMANDS.items():
        good = GOOD[words]
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        required = [each for each in arguments if each.required]
        if required:
            yield words, good[: len(required) - 1]
        if not any(each.nargs == -1 for each in arguments):
            yield words, [*good, *(["x"] * (1 + len(arguments) - len(required)))]
        if not isinstance(command, PrefixCommand):
            yield words, [*good, "--no-such-option"]
        for place, argument in enumerate(arguments):
            for bad in bad_values(argument.type):
                if place < len(good):
                    yield (
                        words,
                        ["--", *good[:place], bad, *good[place + 1 :]]
                        if bad[:1] == "-"
                        else [
                            *good[:place],
                            bad,
                            *good[place + 1 :],
                        ],
                    )
        for option in command.params:
            for bad in bad_values(option.type) if isinstance(option, click.Option) else ():
                yield words, [*good, option.opts[0], bad]


@pytest.fixture
def tracker(run, monkeypatch):
    """Put something of each kind into a tracker; return a function that shows all of it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    for line in (
        ["client", "torrent", "add", HASH],
        ["client", "user", "add", "ann"],
        ["client", "role", "add", "power"],
        ["client", "whitelist", "add", "-qB", "qBittorrent"],
        ["token", "add", "other", "--scope", "read"],
    ):
        assert run(*line).status == 0

    def everything() -> str:
        kinds = ("client torrent", "client user", "client role", "client whitelist", "token")
        return json.dumps([run(*kind.split(), "list", "--json").json for kind in kinds])

    return everything


def test_bad_lines(run, tracker) -> None:
    """One line that begins with the program's name, status 2, and nothing is changed by any of them."""
    before = tracker()
    lines = list(bad_lines())
    assert len(lines) > 3 * len(COMMANDS)
    for words, arguments in lines:
        outcome = run(*words.split(), *arguments)
        assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1), (words, arguments, outcome)
        assert outcome.err.startswith("mika: "), (words, arguments, outcome)
    assert tracker() == before


@pytest.mark.parametrize("words", [words for words in GOOD if not words.startswith(HERE)])
def test_token_that_is_refused(run, tracker, state, words) -> None:
    """Status 1 and one line that names where the token is from; nothing is changed."""
    before, token = tracker(), (state / "api-token").read_text()
    (state / "api-token").write_text("x" * 43)
    outcome = run(*words.split(), *GOOD[words])
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "refuses the token of mika-state/api-token" in outcome.err
    (state / "api-token").write_text(token)
    assert tracker() == before


@pytest.mark.parametrize("words", [words for words in GOOD if not words.startswith(HERE)])
def test_no_tracker(run, tmp_path, monkeypatch, words) -> None:
    """Status 2 and one line that says how to name one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    outcome = run(*words.split(), *GOOD[words])
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "which tracker? There is no ./mika-state here" in outcome.err


@pytest.mark.parametrize("words", GOOD)
def test_help_and_json(run, words) -> None:
    """Each says what it is for, and takes --json; none takes a token."""
    outcome = run(*words.split(), "-h")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: mika {words} ")
    options = {name for param in COMMANDS[words].params for name in param.opts}
    assert ("--json" in options) == (words != "completion")
    assert not any("token" in name or "passkey" in name for name in options)


@pytest.mark.parametrize("words", sorted(groups()))
def test_groups(run, words) -> None:
    """Alone, a group shows its help as an error; a command that it does not have is one line."""
    alone = run(*words.split())
    assert (alone.status, alone.out) == (2, "")
    assert alone.err.startswith("Usage: mika")
    wrong = run(*words.split(), "no-such-command")
    assert (wrong.status, wrong.out, wrong.err.count("\n")) == (2, "", 1)
    assert "No such command 'no-such-command'" in wrong.err
