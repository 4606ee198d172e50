"""The load on one server, and what it cost: wrk with `announce.lua`, and the CPU clock of the server's process.

Nothing is measured before a real answer of the kind that is meant was seen, and what is not such an answer ends the
bench: figures of refusals are worth nothing where announces are meant.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import bencodepy

from bench.scenarios import CLOSED, FLOOR, IPV4, KEPT, REFUSED, SCRAPE, TLS
from bench.servers import HERE, BenchError, Server, processors
from bench.workload import BYTES_PER_ANNOUNCE, HEADERS, Announce, Workload

__all__ = ["CLOSED", "KEPT", "Load", "Numbers", "Sample"]

CONNECTIONS = 64
BY_HAND = 20
"""Answers that are looked at before each measurement: a leecher's is longer than a seeder's."""

REST_SECONDS = 1.5
"""Longer than mika's flush interval of 1 s. A server is at rest when it did next to nothing for so long."""

REST_NS = 15_000_000
"""Next to nothing: one hundredth of `REST_SECONDS`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of the load: requests answered, and the CPU time of the server, in nanoseconds."""

    announces: int
    seconds: float
    cpu_ns: int
    first_thread_ns: int
    answer_bytes: float
    errors: dict[str, int]

    @property
    def microseconds(self) -> float:
        """CPU time an announce, or whatever was asked."""
        return self.cpu_ns / self.announces / 1000


class Clocks(NamedTuple):
    """What the clocks of a server show."""

    cpu_ns: int
    first_thread_ns: int


@dataclass
class Numbers:
    """Numbers the announces of all loads on a server, so that a peer's counters grow, whichever load it is in."""

    next: int = 1


class Load:
    """Requests of one kind on their way to one server."""

    def __init__(self, server: Server, workload: Workload, file: Path, numbers: Numbers, asks: int | str = 50) -> None:
        self.server = server
        self.workload = workload
        self.asks = asks
        self.path = server.path.replace("announce", "scrape") if asks == SCRAPE else server.path
        self._file = file
        self._numbers = numbers

    def fill(self, over: str = IPV4) -> None:
        """Send each announce once and look at its answer: then all peers are in their swarms. The floor has none."""
        if self.server.name == FLOOR:
            return
        print(f"filling {self.server.name} with {len(self.workload.announces):,} peers ...", file=sys.stderr)
        for announce in self.workload.announces:
            self._check(self._ask(announce, over), peers_wanted=False)

    def see_answers(self, over: str = IPV4) -> float:
        """Ask some times by hand and return the mean size; raise `BenchError` when it is not what is to be measured."""
        announces = self.workload.announces
        answers = [self._ask(announces[self._numbers.next % len(announces)], over) for _ in range(BY_HAND)]
        if self.server.name != FLOOR:
            for answer in answers:
                self._check(answer, peers_wanted=self.asks != 0)
        return sum(map(len, answers)) / BY_HAND

    def measure(self, mode: str, seconds: float, over: str = IPV4) -> Sample:
        """See real answers, load the server for `seconds`, and tell what that cost until it was at rest again."""
        size = self.see_answers(over)
        before = self.clocks_at_rest()
        report = self._wrk(mode, seconds, over)
        after = self.clocks_at_rest()
        self._numbers.next = report["next"]
        announces = report["answers"]
        if not announces:
            raise BenchError(f"{self.server.name} answered nothing: {report['errors']}")
        answer_bytes = report["bytes"] / announces
        if abs(answer_bytes - size) > size / 5:
            raise BenchError(
                f"{self.server.name} gave answers of {answer_bytes:.0f} bytes under load, but of {size:.0f} by hand"
            )
        return Sample(
            announces=announces,
            seconds=report["seconds"],
            cpu_ns=after.cpu_ns - before.cpu_ns,
            first_thread_ns=after.first_thread_ns - before.first_thread_ns,
            answer_bytes=answer_bytes,
            errors=report["errors"],
        )

    def requests(self, count: int, *, keep_alive: bool) -> list[bytes]:
        """Return the next so many requests, as `paced.c` sends them."""
        first = self._numbers.next
        self._numbers.next += count
        announces = self.workload.announces
        return [
            announces[number % len(announces)].request(self.path, number * BYTES_PER_ANNOUNCE, keep_alive=keep_alive)
            for number in range(first, first + count)
        ]

    def clocks_at_rest(self) -> Clocks:
        """Read the clocks when the server has done what it put off: that counts for the run that left it."""
        before = 0
        while self.server.rests and (now := self.server.cpu_ns()) - before > REST_NS:
            before = now
            time.sleep(REST_SECONDS)
        return Clocks(self.server.cpu_ns(), self.server.first_thread_ns())

    def _ask(self, announce: Announce, over: str) -> bytes:
        """Send one request over a connection of its own and return the whole answer, head and body."""
        request = announce.request(self.path, self._numbers.next * BYTES_PER_ANNOUNCE, keep_alive=False)
        self._numbers.next += 1
        with socket.create_connection(self.server.at(over), 10) as raw:
            connection = _encrypted(raw) if over == TLS else raw
            connection.sendall(request)
            answer = b""
            while not _is_whole(answer) and (more := connection.recv(65536)):
                answer += more
        return answer

    def _check(self, answer: bytes, *, peers_wanted: bool) -> None:
        """Raise `BenchError` unless this is what was asked for, and a success where one is meant."""
        head, _, body = answer.partition(b"\r\n\r\n")
        try:
            values = bencodepy.decode(body)
        except bencodepy.BencodeDecodeError:
            values = {}
        if b" 200 " not in head[:15] or not is_meant(values, self.asks, peers_wanted=peers_wanted):
            meant = f"{self.asks} peers wanted" if isinstance(self.asks, int) else self.asks
            raise BenchError(f"{self.server.name} does not answer as it should ({meant}): {answer[:600]!r}")

    def _wrk(self, mode: str, seconds: float, over: str) -> dict[str, Any]:
        environment = os.environ | {
            "ANNOUNCES": str(self._file),
            "HEADERS": HEADERS,
            "URL_PATH": self.path,
            "KEEP": "1" if mode == KEPT else "0",
            "START": str(self._numbers.next),
            "STEP": str(BYTES_PER_ANNOUNCE),
        }
        host, port = self.server.at(over)
        url = f"{'https' if over == TLS else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        script = str(HERE / "announce.lua")
        command = [*processors()[1], "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, url]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
        if result.returncode or not lines:
            raise BenchError(f"wrk failed: {result.stderr.strip() or result.stdout.strip()}")
        report: dict[str, Any] = json.loads(lines[-1])
        return report


def is_meant(values: dict[bytes, Any], asks: int | str, *, peers_wanted: bool) -> bool:
    """Say whether a decoded answer is of the kind that is measured: peers in the swarms, and in it where wanted."""
    if asks == REFUSED:
        return b"failure reason" in values
    if b"failure reason" in values:
        return False
    if asks == SCRAPE:
        files: dict[bytes, Any] = values.get(b"files") or {}
        return len(files) > 0 and all(each[b"complete"] > 0 for each in files.values())
    counted: int = min(values.get(b"complete", -1), values.get(b"incomplete", -1))
    if not peers_wanted:
        return counted >= 0
    peers: bytes = values.get(b"peers6") or values.get(b"peers", b"")
    return counted > 0 and len(peers) >= 6


def _encrypted(raw: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False  # as wrk does: what is measured is the server
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw)


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)
