"""`mika client torrent` against the real API."""

from __future__ import annotations

from hashlib import sha1

import bencodepy
import pytest

HASH = "ab" * 20


def write_torrent(path, **changes) -> str:
    """Write a private .torrent file of 5,000 bytes; return its info hash."""
    info = {"name": path.stem, "piece length": 16384, "pieces": bytes(20), "length": 5000, "private": 1} | changes
    path.write_bytes(bencodepy.encode({"info": info}))
    return sha1(bencodepy.encode(info)).hexdigest()


def test_file_is_added(run, tmp_path) -> None:
    """A .torrent file brings its hash, name and size."""
    info_hash = write_torrent(tmp_path / "film.torrent")
    outcome = run("client", "torrent", "add", "film.torrent")
    assert (outcome.status, outcome.err) == (0, "")
    added = run("client", "torrent", "get", info_hash, "--json").json
    assert (info_hash, "film", 5000) == (added["info_hash"], added["name"], added["size"])


def test_hash_is_added_with_name_and_size(run) -> None:
    """A hash, in either case, may be given a name and a size."""
    outcome = run("client", "torrent", "add", HASH.upper(), "--name", "123", "--size", "1610612736")
    assert outcome.status == 0
    lines = dict(line.split(None, 1) for line in outcome.out.splitlines() if " " in line)
    assert (lines["info_hash"], lines["name"], lines["size"]) == (HASH, "123", "1.5 GiB (1610612736)")


def test_several_are_one_request(run, tmp_path) -> None:
    """Files and hashes mix; the answer is a line each, or the API's array."""
    info_hash = write_torrent(tmp_path / "film.torrent")
    outcome = run("client", "torrent", "add", "film.torrent", HASH, "--json")
    assert [info_hash, HASH] == [item["info_hash"] for item in outcome.json]
    assert "c" * 40 in run("client", "torrent", "add", "c" * 40, "d" * 40).out


def test_all_or_none(run, tmp_path) -> None:
    """When one is refused, its file is named and none is added."""
    run("client", "torrent", "add", HASH)
    new = write_torrent(tmp_path / "film.torrent")
    outcome = run("client", "torrent", "add", "film.torrent", HASH)
    assert outcome.status == 1
    assert outcome.err.startswith(f"mika: {HASH}: There is already")
    assert outcome.err.endswith("; none of the 2 was added\n")
    assert run("client", "torrent", "get", new).status == 1


def test_item_that_the_api_refuses_is_named(run, tmp_path) -> None:
    """A 422 names the file, not the index."""
    write_torrent(tmp_path / "film.torrent", name="x" * 2000)
    outcome = run("client", "torrent", "add", HASH, "film.torrent")
    assert outcome.status == 1
    assert outcome.err.startswith("mika: film.torrent: name: ")


def test_bad_file_stops_all(run, tmp_path) -> None:
    """A file that cannot be read as a torrent is named, and nothing is sent."""
    (tmp_path / "page.torrent").write_text("<html>")
    outcome = run("client", "torrent", "add", HASH, "page.torrent")
    assert (outcome.status, outcome.err) == (2, "mika: page.torrent: it is not bencoded, or damaged\n")
    assert run("client", "torrent", "list", "--json").json["items"] == []


def test_public_file_is_added_with_a_warning(run, tmp_path) -> None:
    """A file without the private flag is the operator's choice."""
    info_hash = write_torrent(tmp_path / "film.torrent", private=0)
    outcome = run("client", "torrent", "add", "film.torrent", "--json")
    assert (0, info_hash) == (outcome.status, outcome.json["info_hash"])
    assert outcome.err.startswith("mika: film.torrent: warning: it is not private")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.torrent"], "nowhere.torrent: there is no such file"),
        ([HASH[:-1]], "an info hash is 40 hex digits"),
        (["empty"], "empty: there is no .torrent file in it, or below it"),
        ([".", "--name", "x"], "belong to one HASH"),
        ([HASH, "--skip-bad"], "--skip-bad belongs to a FOLDER"),
        (["a\0b"], "cannot be read"),
        (["film.torrent", "copy.torrent"], "film.torrent and copy.torrent are the same torrent"),
        ([HASH, HASH.upper()], "are the same torrent"),
        ([], "Missing argument 'FILE|HASH|FOLDER...'"),
        (["film.torrent", "--name", "x"], "belong to one HASH"),
        ([HASH, "c" * 40, "--size", "5"], "belong to one HASH"),
        ([HASH, "--size", "-5"], "Invalid value for '--size'"),
    ],
)
def test_what_cannot_be_added(run, tmp_path, arguments, words) -> None:
    """What is wrong before anything is sent is one line, and status 2."""
    write_torrent(tmp_path / "film.torrent")
    (tmp_path / "empty").mkdir()
    (tmp_path / "copy.torrent").write_bytes((tmp_path / "film.torrent").read_bytes())
    outcome = run("client", "torrent", "add", *arguments)
    assert (outcome.status, outcome.err.count("\n"), outcome.out) == (2, 1, "")
    assert outcome.err.startswith("mika: ")
    assert words in outcome.err


def test_set_and_delete(run) -> None:
    """Fields are set by their names; a deleted torrent is gone, with its reason."""
    run("client", "torrent", "add", HASH)
    outcome = run("client", "torrent", "set", HASH, "multiplier_down=0.5", "enabled=false", "reason=123", "--json")
    changed = outcome.json
    assert (changed["multiplier_down"], changed["enabled"], changed["reason"]) == (0.5, False, "123")
    deleted = run("client", "torrent", "delete", HASH, "--reason", "a repack & more")
    assert (0, f"deleted torrent {HASH}\n") == (deleted.status, deleted.out)
    gone = run("client", "torrent", "get", HASH)
    assert (gone.status, gone.err.count("\n")) == (1, 1)


@pytest.mark.parametrize("command", ["get", "set", "delete"])
def test_hash_is_checked_first(run, command) -> None:
    """A hash of the wrong length is a usage error."""
    outcome = run("client", "torrent", command, HASH + "00", *["size=1"] * (command == "set"))
    assert outcome.status == 2
    assert "is not an info hash, which is 40 hex digits" in outcome.err


def test_list_goes_through_all_pages(run) -> None:
    """A list is whole, whatever the API's page; --limit cuts it and says where to go on."""
    hashes = [f"{number:040x}" for number in range(1, 2502)]
    run("client", "torrent", "add", *hashes)
    whole = run("client", "torrent", "list", "--json").json
    assert (hashes, None) == ([item["info_hash"] for item in whole["items"]], whole["next"])
    cut = run("client", "torrent", "list", "--limit", "1001", "--json").json
    assert (hashes[:1001], hashes[1000]) == ([item["info_hash"] for item in cut["items"]], cut["next"])
    assert len(run("client", "torrent", "list", "--limit", "3").out.splitlines()) == 2 + 3


def test_name_cannot_reach_the_terminal(run, tmp_path) -> None:
    """Names come from strangers: neither rich's markup nor control sequences act."""
    write_torrent(tmp_path / "film.torrent", name="[red]x[/] \x9b31m\u202e \x1b[0m")
    run("client", "torrent", "add", "film.torrent")
    assert "[red]x[/] \\x9b31m\\u202e \ufffd[0m" in run("client", "torrent", "list").out
