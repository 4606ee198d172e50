"""The examples of docs/command-line.md are typed one after the other, and each does what the page says: it works."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cli.test_every_command import COMMANDS
from cli.test_torrents import write_torrent

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
EXAMPLES = [
    line.removeprefix("    $ mika ") for line in PAGE.read_text().splitlines() if line.startswith("    $ mika ")
]

NOT_HERE = (
    *("check ", "db ", "geo ", "client config set", "client top", "client stats", "client events"),
    *("client user by-key", "client suspicion get", "client suspicion set"),
)
"""What needs more than the API in this process, or something to be suspicious of; their own tests run them."""


def command_of(line: str) -> str:
    """Return the command of an example, by its words."""
    words = shlex.split(line)
    return next(" ".join(words[:count]) for count in (4, 3, 2, 1) if " ".join(words[:count]) in COMMANDS)


def test_every_command_has_an_example() -> None:
    """None is left out of the page."""
    assert {command_of(line) for line in EXAMPLES} == set(COMMANDS)


@pytest.fixture
def files(run, tmp_path):
    """Make what the examples name."""
    write_torrent(tmp_path / "film.torrent")
    (tmp_path / "library").mkdir()
    run("client", "torrent", "add", "89abcdef0123456789abcdef0123456789abcdef")
    write_torrent(tmp_path / "library" / "another.torrent")


def test_examples_work(run, files) -> None:
    """Each ends with status 0, from the first to the last."""
    for line in EXAMPLES:
        if not line.startswith(NOT_HERE):
            outcome = run(*shlex.split(line))
            assert outcome.status == 0, (line, outcome)
