"""`mika client torrent add FOLDER` against the real API: all is read first, and what is there already is left."""

from __future__ import annotations

import os

import pytest
from cli.test_torrents import write_torrent

from mika.cli import bulk


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make a folder of seven torrents at different depths, sent three at a time; return it and their hashes."""
    monkeypatch.setattr(bulk, "CHUNK", 3)
    top = tmp_path / "library"
    hashes = []
    for number in range(7):
        directory = top / f"{number % 2}" / f"{number % 3}"
        directory.mkdir(parents=True, exist_ok=True)
        hashes.append(write_torrent(directory / f"film {number}.{'TORRENT' if number == 5 else 'torrent'}"))
    (top / "readme.txt").write_text("no torrent")
    return top, hashes


def kept(run):
    """Return the info hashes that the tracker has."""
    return {item["info_hash"] for item in run("client", "torrent", "list", "--json").json["items"]}


def test_folder_is_added(run, folder) -> None:
    """Every .torrent file below it, and nothing else; no bar where there is no terminal."""
    outcome = run("client", "torrent", "add", "library")
    assert (outcome.status, outcome.out, outcome.err) == (0, "7 of 7 torrents were added\n", "")
    assert kept(run) == set(folder[1])


@pytest.mark.parametrize("before", [[0], [6], [0, 3, 6], range(7)])
def test_what_is_there_is_left(run, folder, before) -> None:
    """Told apart from what is new, and not changed; so the same command goes on where one ended."""
    present = [folder[1][number] for number in before]
    run("client", "torrent", "add", *present)
    run("client", "torrent", "set", present[0], "name=kept")
    added = run("client", "torrent", "add", "library", "--json")
    assert added.status == 0
    assert set(added.json["already_there"]) == set(present)
    assert {item["info_hash"] for item in added.json["added"]} == set(folder[1]) - set(present)
    assert run("client", "torrent", "get", present[0], "--json").json["name"] == "kept"
    again = run("client", "torrent", "add", "library")
    assert again.out == "0 of 7 torrents were added, 7 were there already\n"


def test_bad_files_stop_all(run, folder) -> None:
    """Each is named on a line of its own, and nothing was sent."""
    (folder[0] / "a.torrent").write_text("<html>")
    (folder[0] / "0" / "b.torrent").write_text("")
    outcome = run("client", "torrent", "add", "library")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "mika: library/a.torrent: it is not bencoded, or damaged",
        "mika: library/0/b.torrent: it is empty",
        "mika: 2 of 9 files cannot be added, so nothing was sent: take them away, or leave them out by --skip-bad",
    ]
    assert kept(run) == set()


def test_bad_files_are_left_out(run, folder) -> None:
    """On demand; the status says that something was."""
    (folder[0] / "a.torrent").write_text("<html>")
    outcome = run("client", "torrent", "add", "library", "--skip-bad")
    assert (outcome.status, outcome.out) == (1, "7 of 7 torrents were added, 1 files were left out\n")
    found = run("client", "torrent", "add", "library", "--skip-bad", "--json").json
    assert found["bad"] == [{"file": "library/a.torrent", "problem": "it is not bencoded, or damaged"}]
    assert kept(run) == set(folder[1])


def test_copies_count_once(run, folder) -> None:
    """The same torrent in two places is one, and so is one that is given by its hash, too."""
    (folder[0] / "copy.torrent").write_bytes((folder[0] / "0" / "0" / "film 0.torrent").read_bytes())
    outcome = run("client", "torrent", "add", "library", folder[1][3])
    assert outcome.out == "7 of 7 torrents were added, 2 files were copies of others\n"


def test_links_in_a_circle(run, folder) -> None:
    """A link to a folder is not followed."""
    (folder[0] / "again").symlink_to(folder[0])
    assert run("client", "torrent", "add", "library").out == "7 of 7 torrents were added\n"


def test_warnings_are_said_once(run, folder) -> None:
    """A library of public torrents is one line, not one for each."""
    for number in range(3):
        write_torrent(folder[0] / f"public {number}.torrent", private=0, name=f"p{number}")
    outcome = run("client", "torrent", "add", "library")
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("mika: library/public 0.torrent and 2 more: warning: it is not private")


def test_item_that_the_tracker_refuses(run, folder) -> None:
    """The file is named, with how far it came; the parts before stay."""
    write_torrent(folder[0] / "1" / "2" / "z.torrent", name="x" * 2000)
    outcome = run("client", "torrent", "add", "library")
    assert outcome.status == 1
    assert outcome.err.startswith("mika: library/1/2/z.torrent: name: ")
    assert outcome.err.endswith("; 6 of 8 torrents were added before; the same command goes on from here\n")
    assert len(kept(run)) == 6


@pytest.mark.parametrize("after", [0, 1, 2])
def test_interrupted(run, folder, monkeypatch, after) -> None:
    """Ctrl-C says what is done and what is unsure; the same command then does the rest."""
    send_chunk, calls = bulk._send_chunk, []

    async def interrupted(ask, chunk, sent, gathered):
        calls.append(chunk)
        if len(calls) > after:
            sent.under_way = len(chunk)
            raise KeyboardInterrupt
        await send_chunk(ask, chunk, sent, gathered)

    monkeypatch.setattr(bulk, "_send_chunk", interrupted)
    outcome = run("client", "torrent", "add", "library")
    unsure = "whether the next 3 were is not known" if after < 2 else "whether the next 1 were is not known"
    assert outcome.status == 130
    assert outcome.err == (
        f"mika: interrupted: {after * 3} of 7 torrents were added; {unsure}; the same command goes on from here\n"
    )
    monkeypatch.setattr(bulk, "_send_chunk", send_chunk)
    rest = run("client", "torrent", "add", "library")
    assert rest.out.startswith(f"{7 - after * 3} of 7 torrents were added")


def test_folder_that_cannot_be_read(run, folder, monkeypatch) -> None:
    """It is named, and nothing is sent."""

    def denied(_top, onerror):
        onerror(PermissionError(13, "Permission denied", "library/0"))

    monkeypatch.setattr(os, "walk", denied)
    outcome = run("client", "torrent", "add", "library")
    assert (outcome.status, outcome.err) == (2, "mika: library/0: cannot be read: Permission denied\n")
