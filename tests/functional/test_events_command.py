"""`mika client events` beside a real tracker: a line for each thing that happens."""

from __future__ import annotations

import itertools
import json
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from functional.tracker_process import MIKA, PATIENCE, TrackerProcess, clean_environment, wait_until

HASH = bytes(range(20))


@contextmanager
def watching(tracker: TrackerProcess, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start to watch, and go on when the first event is there; what is left at the end is killed."""
    with subprocess.Popen(
        [MIKA, "client", "events", *options],
        cwd=tracker.directory,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        numbers = itertools.count()

        def heard() -> bool:
            tracker.api("POST", "/v1/torrents", {"info_hash": f"{next(numbers):040x}"})
            return bool(select.select([process.stdout], [], [], 0.2)[0])

        try:
            wait_until("the watcher hears of a torrent", heard)
            yield process
        finally:
            process.kill()


def test_lines(tracker) -> None:
    """What is done is seen, in the order in which it is done, without the passkey; Ctrl-C is the end."""
    with watching(tracker) as process:
        user = tracker.add_user("ann")
        tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex(), "name": "film"})
        tracker.announce(tracker.announce_url(user), HASH, b"-TR4060-abcdefghijkl")
        lines = []
        while not any(" announce " in line for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
    kinds = [line.split(" ")[1] for line in lines]
    assert kinds[0] == "torrent"
    assert {"torrent", "user", "announce"} <= set(kinds)
    assert user["passkey"] not in "".join(lines)


def test_json_of_one_type(tracker) -> None:
    """A document a line, of that type alone, and an end after so many."""
    with watching(tracker, "--type", "torrent", "--count", "2", "--json") as process:
        tracker.add_user("ann")
        tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex(), "name": "film"})
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["torrent", "torrent"]


def test_tracker_that_stops(tracker) -> None:
    """It is said in one line, with status 1."""
    with watching(tracker) as process:
        tracker.stop()
        _out, err = process.communicate(timeout=PATIENCE)
    tracker.start()
    assert process.returncode == 1
    assert err.count("\n") == 1
    assert "has ended the events" in err


def test_question_that_is_refused(tracker) -> None:
    """What the tracker does not take is one line."""
    wrong = tracker.client("events", "--type", "torrent", "--sample", "nan", "--count", "1")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (1, "", 1)
