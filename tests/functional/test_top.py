"""`mika client top` in a real terminal, beside a real tracker."""

from __future__ import annotations

import json

import pytest
from functional.terminal import terminal
from functional.tracker_process import wait_until

HASH = bytes(range(20))


def announce(tracker, count: int) -> None:
    """Have so many clients of a user announce."""
    url = tracker.announce_url(tracker.add_user("ann", role=1))
    tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
    for number in range(count):
        tracker.announce(url, HASH, b"-TR4060-" + bytes([97 + number]) * 12)


@pytest.mark.parametrize("end", ["q", "Q", "\x03"])
def test_figures_are_live(tracker, end) -> None:
    """What changes is seen without a key; q and Ctrl-C end it, and the terminal is as it was."""
    with terminal(tracker, "client", "top", "--interval", "1") as shown:
        shown.wait_for("0 in 0 swarms")
        announce(tracker, 3)
        shown.wait_for("3 in 1 swarms")
        assert "torrents                     ok" in shown.text
        shown.press("x")
        shown.press(end)
        assert shown.ended() == 0
        assert shown.text
        for begin, end_ in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):  # the screen, the cursor
            assert shown.written.rfind(begin) < shown.written.rfind(end_)


@pytest.mark.parametrize(("rows", "columns"), [(8, 30), (2, 10), (1, 1)])
def test_small_terminal(tracker, rows, columns) -> None:
    """What does not fit is cut off, the less important first; a terminal that grows shows more."""
    with terminal(tracker, "client", "top", "--interval", "1", rows=rows, columns=columns) as shown:
        shown.wait_for("mika"[:columns])
        shown.resize(40, 100)
        shown.wait_for("0 in 0 swarms")
        shown.press("q")
        assert shown.ended() == 0


def test_tracker_that_goes_and_comes_back(tracker) -> None:
    """The last figures stay with what is the matter, until there are new ones."""
    with terminal(tracker, "client", "top", "--interval", "1") as shown:
        shown.wait_for("0 in 0 swarms")
        port = tracker.settings["MIKA_API__LISTEN"]
        assert port == "127.0.0.1:0"
        url = (tracker.state / "api-url").read_text().strip()
        tracker.settings["MIKA_API__LISTEN"] = url.removeprefix("https://")
        tracker.stop()
        shown.wait_for("no tracker answers at")
        assert "0 in 0 swarms" in shown.text
        tracker.start()
        announce(tracker, 2)
        shown.wait_for("2 in 1 swarms")
        assert "no tracker answers at" not in shown.text
        shown.press("q")
        assert shown.ended() == 0


def test_not_a_terminal(tracker) -> None:
    """Text without colours, once; or with --json a document."""
    announce(tracker, 1)
    once = tracker.client("top", "--once")
    assert (once.returncode, once.stderr) == (0, "")
    assert "1 in 1 swarms" in once.stdout
    assert "\x1b" not in once.stdout
    assert json.loads(tracker.client("top", "--once", "--json").stdout)["swarms"]["peers"] == 1


def test_terminal_that_can_do_nothing(tracker) -> None:
    """It is written to as a file is: block after block, until Ctrl-C."""
    with terminal(tracker, "client", "top", "--interval", "1", kind="dumb") as shown:
        wait_until("two blocks are there", lambda: shown.text and shown.written.count(b"in 0 swarms") > 1)
        shown.press("\x03")
        assert shown.ended() == 0
    assert b"\x1b" not in shown.written


def test_error_at_the_first_look(tracker) -> None:
    """Nothing is taken over, and it is one line."""
    with terminal(tracker, "client", "--url", "https://127.0.0.1:1", "top") as shown:
        assert shown.ended() == 1
        assert shown.text.strip().startswith("mika: no tracker answers at https://127.0.0.1:1: is it running?")
