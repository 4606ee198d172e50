"""More connections than anybody should have: good clients are answered, descriptors come back, the log is short."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from functional.tracker_process import PATIENCE, TrackerProcess, wait_until

INFO_HASH = b"\0" * 20
IDLE, SLOW, BURST = 10_000, 500, 5_000


@pytest.fixture(autouse=True)
def _many_descriptors():
    """Let this process, and the tracker that it starts, have as many connections as it takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= IDLE + SLOW + BURST + 500, f"raise the hard limit of open files (ulimit -Hn), which is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Guest:
    """A tracker with a torrent and a user, and what a good client says."""

    def __init__(self, tracker):
        """Add both."""
        self.tracker = tracker
        tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex()})
        self.passkey = tracker.add_user("ann")["passkey"].encode()

    def connect(self):
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.tracker.port()), PATIENCE)

    def request(self, number=0, *, close=True):
        """Return an announce of one of this user's clients."""
        return (
            b"GET /%s/announce?info_hash=%s&peer_id=-XX0001-%012d&port=7001&uploaded=0&downloaded=0&left=0 HTTP/1.1\r\n"
            b"Host: x\r\n%s\r\n" % (self.passkey, b"%00" * 20, number, b"Connection: close\r\n" if close else b"")
        )

    def is_served(self):
        """Announce once over a connection of its own."""
        with self.connect() as connection:
            connection.sendall(self.request())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"8:completei" in answer, answer

    def descriptors(self):
        """Return how many files the tracker has open."""
        return len(list(Path(f"/proc/{self.tracker.pid}/fd").iterdir()))


def test_idle_slow_and_sudden_connections_cost_a_good_client_nothing(tracker):
    """All of them are there at once, all who ask are answered, and afterwards every descriptor is back."""
    guest = Guest(tracker)
    before = guest.descriptors()
    with ExitStack() as stack:
        for number in range(IDLE):
            connection = stack.enter_context(guest.connect())
            if number % 100 == 0:  # the others never say a word
                connection.sendall(guest.request(number % 3, close=False))
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        slow = [stack.enter_context(guest.connect()) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(guest.request()[:30])
        guest.is_served()
        burst = [stack.enter_context(guest.connect()) for _ in range(BURST)]
        for connection in burst:
            connection.sendall(guest.request())
        for connection in slow:
            connection.sendall(guest.request()[30:31])
        guest.is_served()
        for connection in burst:
            assert b"8:complete" in connection.recv(65536)
        guest.is_served()
    wait_until("every descriptor is back", lambda: guest.descriptors() <= before + 2)
    tracker.check_log()


def test_too_few_descriptors_cost_the_idle_their_connections_and_nobody_an_answer(tmp_path):
    """With 256 open files, 600 connections that stay do not keep others out; one line a minute says so."""
    tracker = TrackerProcess(tmp_path)
    tracker.prefix = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"']
    tracker.start()
    try:
        guest = Guest(tracker)
        with ExitStack() as stack:
            for number in range(600):
                connection = stack.enter_context(guest.connect())
                connection.sendall(guest.request(number % 3, close=False))
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                if number % 50 == 0:
                    guest.is_served()
                    assert tracker.user(1)["announces"] > number  # the API and the stores have what they need
            assert guest.descriptors() < 256
        guest.is_served()
        wait_until("the descriptors are back", lambda: guest.descriptors() < 100)
        assert tracker.log.count("too few open files are allowed (256)") == 1
        tracker.check_log()
    finally:
        tracker.stop()
