"""Many .torrent files to a real tracker, in a real terminal: the bar, Ctrl-C in the middle, and going on."""

from __future__ import annotations

import re

import bencodepy
import pytest
from functional.terminal import terminal

COUNT = 10_000


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Make a folder of ten thousand small .torrent files, a hundred to a directory."""
    top = tmp_path_factory.mktemp("library")
    for number in range(COUNT):
        directory = top / str(number // 100)
        directory.mkdir(exist_ok=True)
        info = {"name": f"film {number}", "piece length": 16384, "pieces": bytes(20), "length": 5000, "private": 1}
        (directory / f"{number}.torrent").write_bytes(bencodepy.encode({"info": info}))
    return top


def test_interrupted_and_given_again(tracker, library) -> None:
    """What was said to be added is there, and the second time does exactly the rest."""
    with terminal(tracker, "client", "torrent", "add", str(library), columns=200) as shown:
        shown.wait_for("sending")
        shown.press("\x03")
        assert shown.ended() == 130
        said = re.search(r"interrupted: (\d+) of 10000 torrents were added(; whether the next (\d+))?", shown.text)
    assert said, shown.text
    added, unsure = int(said[1]), int(said[3] or 0)
    there = tracker.api("GET", "/v1/status")["torrents"]
    assert there in (added, added + unsure)
    assert there < COUNT
    again = tracker.client("torrent", "add", str(library))
    assert (again.returncode, again.stderr) == (0, "")
    words = f"{COUNT - there} of {COUNT} torrents were added"
    assert again.stdout == words + (f", {there} were there already\n" if there else "\n")
    assert tracker.api("GET", "/v1/status")["torrents"] == COUNT


def test_bar_in_a_terminal(tracker, library) -> None:
    """It counts, and leaves only the result behind."""
    folder = library / "7"
    with terminal(tracker, "client", "torrent", "add", str(folder), str(library / "8")) as shown:
        assert shown.ended() == 0
        assert shown.text.strip() == "200 of 200 torrents were added"
        assert b"200/200" in shown.written
