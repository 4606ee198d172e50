"""The configuration of a running tracker changes, by SIGHUP and through the API, and no peer is lost."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from functional.tracker_process import PATIENCE, TWISTD, TrackerProcess, clean_environment, wait_until

HASH = bytes(range(20))
PEERS = [b"-TR4060-%012d" % number for number in range(4)]


@pytest.fixture
def tracker(tmp_path):
    """Return a tracker with a configuration file, and four clients of one member in a swarm."""
    process = TrackerProcess(tmp_path)
    file = tmp_path / "mika.toml"
    file.write_text('[tracker]\nannounce_interval = "20m"\ninterval_jitter = "0s"\n')
    process.options = ["--config=mika.toml"]
    try:
        process.start()
        process.file = file
        process.member = process.add_user("anna")
        process.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
        for peer_id in PEERS:
            announce(process, peer_id)
        yield process
    finally:
        process.stop()
    process.check_log()


def announce(tracker, peer_id=PEERS[0], **parameters):
    """Announce one of the clients."""
    return tracker.announce(tracker.announce_url(tracker.member), HASH, peer_id, **parameters)


def test_file_is_read_again_by_sighup(tracker):
    """New intervals and limits count, what needs a restart is named in one line, and every peer is there."""
    tracker.file.write_text(
        '[tracker]\nannounce_interval = "10m"\ninterval_jitter = "0s"\npeers_per_user_torrent = 4\nipv6 = false\n'
        "[flush]\nbatch = 7\n[credit]\nmultiplier_up = 2\n"
    )
    tracker.reload()
    assert "these keys changed, and wait for a restart: tracker.ipv6, flush.batch" in tracker.log
    answer = announce(tracker, uploaded=1000)
    assert (answer[b"interval"], answer[b"incomplete"]) == (600, 4)
    assert tracker.user(tracker.member["id"])["uploaded"] == 2000
    assert announce(tracker, b"-TR4060-one-too-many")[b"failure code"] == b"too_many_peers"
    shown = tracker.api("GET", "/v1/config")
    assert (shown["tracker"]["peers_per_user_torrent"], shown["tracker"]["ipv6"]) == (4, True)


@pytest.mark.parametrize("text", ["[tracker", '[tracker]\nannounce_interval = "soon"\n', "[tracker]\nno_such = 1\n"])
def test_broken_file_keeps_what_is_in_force(tracker, text):
    """One line says what is wrong with it; a file that is mended is taken."""
    tracker.file.write_text(text)
    begun = len(tracker.log)
    tracker.reload()
    lines = [line for line in tracker.log[begun:].splitlines() if "read again" in line]
    assert len(lines) == 1
    assert "nothing was read again, all stays as it is" in lines[0]
    assert (announce(tracker)[b"interval"], announce(tracker)[b"incomplete"]) == (1200, 4)
    tracker.file.write_text('[tracker]\nannounce_interval = "5m"\ninterval_jitter = "0s"\n')
    tracker.reload()
    assert announce(tracker)[b"interval"] == 300


def test_api_changes_what_it_may_until_the_file_is_read_again(tracker):
    """All or nothing; the file wins."""
    changed = tracker.api("PATCH", "/v1/config", {"tracker": {"announce_interval": "7m", "numwant_max": 2}})
    assert changed == tracker.api("GET", "/v1/config")
    assert (changed["tracker"]["announce_interval"], changed["tracker"]["numwant_max"]) == ("7m", 2)
    assert announce(tracker)[b"interval"] == 420
    for body, status, field in (
        ({"tracker": {"announce_interval": "8m", "listen": ["127.0.0.1:1"]}}, 409, "tracker.listen"),
        ({"tracker": {"announce_interval": "8m", "numwant_max": -1}}, 422, "tracker.numwant_max"),
    ):
        refused = tracker.ask("PATCH", "/v1/config", body)
        assert (refused.status, [each["field"] for each in refused.body["errors"]]) == (status, [field])
    assert tracker.api("GET", "/v1/config") == changed
    assert tracker.api("PATCH", "/v1/config", changed) == changed
    tracker.reload()
    assert announce(tracker)[b"interval"] == 1200
    assert tracker.api("GET", "/v1/config")["tracker"]["numwant_max"] == 200


@pytest.mark.parametrize("nohup", [False, True])
def test_terminal_that_closes_ends_the_tracker(tmp_path, nohup):
    """SIGHUP comes from there too, and means what it always meant; unless it was started with nohup."""
    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    under = ["nohup"] if nohup else ["env", "--default-signal=HUP"]  # the tests may run under nohup themselves
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setsid", "--ctty", *under, TWISTD, "-n", "--pidfile=", "mika"],
            cwd=tmp_path,
            env=clean_environment(MIKA_TRACKER__LISTEN="127.0.0.1:0", MIKA_API__LISTEN="127.0.0.1:0"),
            stdin=theirs,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    os.close(theirs)
    try:
        wait_until("the tracker is ready", lambda: b"mika is ready" in log.read_bytes())
        os.close(ours)
        if nohup:
            wait_until("everything is read again", lambda: b"read again" in log.read_bytes())
            process.terminate()
        process.wait(PATIENCE)
    finally:
        process.kill()
    assert b"last batch written" in log.read_bytes()
    assert (b"read again" in log.read_bytes()) == nohup
