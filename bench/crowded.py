"""How long a good client waits while others do what they should not: idle, slow and sudden connections.

`python -m bench.crowded` starts mika, announces over a connection each, and prints the latency of that client alone,
beside 10,000 idle connections, beside 500 that send their request a byte at a time as well, and through bursts of 5,000
new connections. `make bench` calls it. The others are a process of their own.
"""

from __future__ import annotations

import multiprocessing
import resource
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from bench.results import keep, others
from bench.servers import Server, end_cleanly, mika, scratch
from bench.workload import Workload, make_workload

IDLE, SLOW, BURST, BURSTS = 10_000, 500, 5_000, 5
SECONDS = 10.0
PACE = 0.005
"""Seconds between two announces of the good client."""


def main() -> None:
    """Measure each situation after the one before it."""
    end_cleanly()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + SLOW + BURST + 500:
        sys.exit(f"bench: {IDLE + SLOW + BURST + 500} open files are needed (ulimit -Hn), and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load = others()
    workload = make_workload(100, 10, 50)
    with scratch() as folder, mika(folder, workload) as server:
        ours, theirs = multiprocessing.Pipe()
        crowd = multiprocessing.Process(target=_misbehave, args=(server.port, workload, theirs), daemon=True)
        crowd.start()
        figures = {}
        for situation, order in (
            ("alone", ""),
            (f"and {IDLE:,} idle connections", "idle"),
            (f"and {SLOW} that send a byte a second", "slow"),
            (f"and {BURSTS} bursts of {BURST:,} new ones", "burst"),
        ):
            if order:
                ours.send(order)
                ours.recv()  # it is so
            figures[situation] = _latencies(server, workload, ours.poll if order == "burst" else None)
        crowd.kill()
    print(f"{'milliseconds that a good client waits':<45}{'p50':>8}{'p99':>8}{'p99.9':>8}{'most':>8}")
    for situation, latencies in figures.items():
        cuts = statistics.quantiles(latencies, n=1000)
        print(
            f"{situation:<45}" + "".join(f"{each:>8.2f}" for each in (cuts[499], cuts[989], cuts[998], latencies[-1]))
        )
    print(f"kept in {keep('crowded', {}, figures, load)}")


def _latencies(server: Server, workload: Workload, done: Callable[[], bool] | None) -> list[float]:
    """Announce for `SECONDS`, and until the others are `done`; return what each announce took, in ms, sorted."""
    latencies = []
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end or (done is not None and not done()):
        announce = workload.announces[number % len(workload.announces)]
        number += 1
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(announce.request(server.path, number, keep_alive=False))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        latencies.append((time.perf_counter() - began) * 1000)
        if b"8:complete" not in answer:
            sys.exit(f"bench: a good client was not served: {answer[:300]!r}")
        time.sleep(PACE)
    return sorted(latencies)


def _misbehave(port: int, workload: Workload, orders: Connection) -> None:
    """Do what is ordered, and say when it is so; go on with what was begun."""
    request = workload.announces[0].request("/{passkey}/announce", 0, keep_alive=True)
    silent: list[socket.socket] = []
    slow: list[tuple[socket.socket, int]] = []
    while True:
        if orders.poll(1.0):
            order = orders.recv()
            if order == "idle":
                silent += [_connect(port) for _ in range(IDLE)]
            elif order == "slow":
                slow = [(_connect(port), 0) for _ in range(SLOW)]
            orders.send("it is so")
            if order == "burst":
                for _ in range(BURSTS):
                    _burst(port, request)
                    time.sleep(1)
                orders.send("they are over")
        slow = [_one_byte_more(port, request, *each) for each in slow]


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def _one_byte_more(port: int, request: bytes, connection: socket.socket, sent: int) -> tuple[socket.socket, int]:
    """Send the next byte of a request; begin anew on a connection that was cut off."""
    try:
        connection.sendall(request[sent : sent + 1])
    except OSError:
        connection.close()
        return _connect(port), 0
    return connection, (sent + 1) % len(request)


def _burst(port: int, request: bytes) -> None:
    """Connect and ask, all at once, and leave when all are answered."""
    selector = selectors.DefaultSelector()
    for _ in range(BURST):
        connection = _connect(port)
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            connection = key.fileobj  # type: ignore[assignment]  # what was registered
            connection.recv(65536)
            selector.unregister(connection)
            connection.close()


if __name__ == "__main__":
    main()
