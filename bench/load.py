"""The load on one server, and what it cost: wrk with `announce.lua`, and the CPU clock of the server's process.

Nothing is measured before a real answer with peers was seen, and what is not such an answer ends the bench: figures of
refusals are worth nothing.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import bencodepy

from bench.servers import HERE, BenchError, Server, processors
from bench.workload import BYTES_PER_ANNOUNCE, HEADERS, Announce, Workload

CONNECTIONS = 64
REST_SECONDS = 1.5
"""Longer than mika's flush interval of 1 s. A server is at rest when it did next to nothing for so long."""

REST_NS = 15_000_000
"""Next to nothing: one hundredth of `REST_SECONDS`."""

CLOSED, KEPT = "connection each", "kept alive"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of the load: announces answered, and the CPU time of the server, in nanoseconds."""

    server: str
    mode: str
    announces: int
    seconds: float
    cpu_ns: int
    first_thread_ns: int
    answer_bytes: float
    errors: dict[str, int]

    @property
    def microseconds(self) -> float:
        """CPU time an announce."""
        return self.cpu_ns / self.announces / 1000


class Clocks(NamedTuple):
    """What the clocks of a server show."""

    cpu_ns: int
    first_thread_ns: int


class Load:
    """The announces on their way to one server. Their counters grow from run to run, as a client's do."""

    def __init__(self, server: Server, workload: Workload, announces: Path) -> None:
        self.server = server
        self._announces = workload.announces
        self._file = announces
        self._number = 0

    def fill(self) -> None:
        """Send each announce once and look at its answer: then all peers are in their swarms. The floor has none."""
        if self.server.name == "floor":
            return
        print(f"filling {self.server.name} with {len(self._announces):,} peers ...", file=sys.stderr)
        for announce in self._announces:
            _check(self.server, self._ask(announce), peers_wanted=False)

    def measure(self, mode: str, seconds: float) -> Sample:
        """See a real answer, load the server for `seconds`, and tell what that cost until it was at rest again."""
        answer = self._ask(self._announces[self._number % len(self._announces)])
        if self.server.name != "floor":
            _check(self.server, answer, peers_wanted=True)
        before = self._clocks_at_rest()
        report = self._wrk(mode, seconds)
        after = self._clocks_at_rest()
        self._number = report["next"]
        announces = report["answers"]
        if not announces:
            raise BenchError(f"{self.server.name} answered no announce: {report['errors']}")
        answer_bytes = report["bytes"] / announces
        if abs(answer_bytes - len(answer)) > len(answer) / 10:
            raise BenchError(
                f"{self.server.name} gave answers of {answer_bytes:.0f} bytes under load, but {len(answer)} by hand"
            )
        return Sample(
            server=self.server.name,
            mode=mode,
            announces=announces,
            seconds=report["seconds"],
            cpu_ns=after.cpu_ns - before.cpu_ns,
            first_thread_ns=after.first_thread_ns - before.first_thread_ns,
            answer_bytes=answer_bytes,
            errors=report["errors"],
        )

    def _clocks_at_rest(self) -> Clocks:
        """Read the clocks when the server has done what it put off: that counts for the run that left it."""
        before = 0
        while (now := self.server.cpu_ns()) - before > REST_NS:
            before = now
            time.sleep(REST_SECONDS)
        return Clocks(now, self.server.first_thread_ns())

    def _ask(self, announce: Announce) -> bytes:
        """Send one announce over a connection of its own and return the whole answer, head and body."""
        self._number += 1
        request = announce.request(self.server.path, self._number * BYTES_PER_ANNOUNCE, keep_alive=False)
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as connection:
            connection.sendall(request)
            answer = b""
            while not _is_whole(answer) and (more := connection.recv(65536)):
                answer += more
        return answer

    def _wrk(self, mode: str, seconds: float) -> dict[str, Any]:
        environment = os.environ | {
            "ANNOUNCES": str(self._file),
            "HEADERS": HEADERS,
            "URL_PATH": self.server.path,
            "KEEP": "1" if mode == KEPT else "0",
            "START": str(self._number),
            "STEP": str(BYTES_PER_ANNOUNCE),
        }
        command = [
            *processors()[1],
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "-s",
            str(HERE / "announce.lua"),
        ]
        command.append(f"http://127.0.0.1:{self.server.port}")
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
        if result.returncode or not lines:
            raise BenchError(f"wrk failed: {result.stderr.strip() or result.stdout.strip()}")
        report: dict[str, Any] = json.loads(lines[-1])
        return report


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


def _check(server: Server, answer: bytes, *, peers_wanted: bool) -> None:
    """Raise `BenchError` unless this is a success with seeders and leechers in it, and with peers where wanted."""
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        values = bencodepy.decode(body)
    except bencodepy.BencodeDecodeError:
        values = {}
    counted = min(values.get(b"complete", -1), values.get(b"incomplete", -1))
    whole = counted > 0 and len(values.get(b"peers", b"")) >= 6 if peers_wanted else counted >= 0
    if b" 200 " not in head[:15] or b"failure reason" in values or not whole:
        raise BenchError(f"{server.name} does not answer announces with peers: {answer[:600]!r}")
