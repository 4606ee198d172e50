"""The load at a steady rate is served by a real server; what it waits for counts from when it was due."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from bench.servers import compiled, free_port

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")

REQUEST = b"GET /announce HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Return what starts a server with one answer for each request, the first of which is held for some time."""
    listeners = []

    def start(answer: bytes = ANSWER, *, keeps: bool = False, held: float = 0) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def talk(connection: socket.socket, held: float) -> None:
            with connection, suppress(OSError):  # a load that ends does not wait
                while connection.recv(4096):
                    time.sleep(held)
                    held = 0
                    connection.sendall(answer[:10])
                    connection.sendall(answer[10:])
                    if not keeps:
                        return

        def accept() -> None:
            wait = held
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection, wait), daemon=True).start()
                wait = 0

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def load(port: int, requests: int, rate: int, connections: int) -> subprocess.CompletedProcess[bytes]:
    """Run it."""
    command = [compiled("paced"), "127.0.0.1", str(port), str(rate), str(connections)]
    return subprocess.run(command, input=REQUEST * requests, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("connections", [0, 1, 8])
def test_every_request_is_answered(serve, connections):
    """On a connection each, and on kept ones; an answer in two pieces is one."""
    ended = load(serve(keeps=connections > 0), 100, 1000, connections)
    assert (ended.returncode, ended.stderr) == (0, b"")
    both = array("Q", ended.stdout)
    assert len(both) == 200
    assert all(0 < sent < answered for sent, answered in zip(both[::2], both[1::2], strict=True))


def test_what_a_slow_answer_keeps_waiting_counts_as_waiting(serve):
    """One of ten is held for 300 ms; those behind it on the same connection were due long before they were sent."""
    both = array("Q", load(serve(keeps=True, held=0.3), 10, 100, 1).stdout)
    last_sent, last_answered = both[-2:]
    assert 200_000_000 < last_sent < last_answered


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 500 Oh no\r\nContent-Length: 0\r\n\r\n", b"the answer was HTTP/1.1 500"),
        (ANSWER.replace(b": 3", b": 14").replace(b"abc", b"failure reason"), b"failure reason"),
        (ANSWER[:-1], b"closed before its answer"),
    ],
)
def test_what_is_no_success_ends_the_load(serve, answer, words):
    """Latencies of refusals are worth nothing."""
    ended = load(serve(answer), 10, 1000, 0)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert ended.stdout == b""


def test_a_server_that_is_not_there_is_said_to_be_not_there():
    """In one line."""
    ended = load(free_port(), 1, 10, 0)
    assert ended.returncode == 1
    assert ended.stderr.decode().splitlines() == ["paced: cannot send: Connection refused"]
