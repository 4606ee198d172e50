"""The servers that are measured, each started as its users start it, on loopback and on one processor.

`run.py` enters one context for each; what they write goes to a file in the bench's temporary directory.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.workload import Workload

HERE = Path(__file__).parent
START_SECONDS = 30
STOP_SECONDS = 30
ITEMS_A_POST = 1000


class BenchError(Exception):
    """The bench cannot go on; the text says why in one line or shows the server's last words."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what it is called, where it listens, and the process whose CPU time counts."""

    name: str
    port: int
    pid: int
    path: str = "/announce"

    def cpu_ns(self) -> int:
        """Return the CPU time of all its threads so far, user and system, in nanoseconds.

        The process's own CPU clock, by the number that clock_getcpuclockid(3) makes of its id.
        """
        return time.clock_gettime_ns(~self.pid << 3 | 2)

    def first_thread_ns(self) -> int:
        """Return the CPU time of its first thread alone: of mika, the reactor."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0])


def processors() -> tuple[list[str], list[str]]:
    """Return what to put before the command of a server and of the load, so that neither takes the other's time."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2 or not shutil.which("taskset"):
        return [], []
    return ["taskset", "-c", str(usable[0])], ["taskset", "-c", str(usable[1])]


@contextmanager
def floor(folder: Path, *, closes: bool) -> Iterator[Server]:
    """Compile and run `floor.c`, which answers without reading, and closes after each answer or never."""
    binary = HERE / "bin" / "floor"
    binary.parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", binary, HERE / "floor.c"], check=True)
    port = free_port()
    command = [str(binary), str(port), *(["close"] if closes else [])]
    with _running(command, folder / "floor.log") as process:
        _wait_until_listening(process, port, folder / "floor.log")
        yield Server("floor", port, process.pid)


@contextmanager
def opentracker(folder: Path, workload: Workload) -> Iterator[Server]:
    """Run Debian's opentracker, which serves the torrents of a whitelist, read from the directory it locks itself in.

    It gives up root for `nobody`, so what it reads must be readable to all.
    """
    root = folder / "opentracker"
    root.mkdir()
    root.chmod(0o755)
    whitelist = root / "whitelist"
    whitelist.write_text("".join(f"{info_hash.hex()}\n" for info_hash in workload.info_hashes))
    whitelist.chmod(0o644)
    config = root / "opentracker.conf"
    config.write_text(
        f"tracker.rootdir {root}\naccess.whitelist {whitelist.name if os.geteuid() == 0 else whitelist}\n"
    )
    config.chmod(0o644)
    port = free_port()
    command = ["opentracker", "-f", str(config), "-i", "127.0.0.1", "-p", str(port), "-P", str(port)]
    with _running(command, folder / "opentracker.log") as process:
        _wait_until_listening(process, port, folder / "opentracker.log")
        yield Server("opentracker", port, process.pid)


@contextmanager
def mika(folder: Path, workload: Workload, options: tuple[str, ...] = ()) -> Iterator[Server]:
    """Run `twistd mika` with its default stores, and make the users and torrents through its API.

    `options` are twistd's own, such as those of its profiler.
    """
    state = folder / "mika-state"
    port, api_port = free_port(), free_port()
    environment = os.environ | {
        "MIKA_GENERAL__STATE_DIR": str(state),
        "MIKA_TRACKER__LISTEN": f"127.0.0.1:{port}",
        "MIKA_API__LISTEN": f"127.0.0.1:{api_port}",
        "MIKA_TRACKER__ALLOW_NON_ROUTABLE": "true",
    }
    twistd = Path(sys.executable).with_name("twistd")
    command = [str(twistd), "-n", "--pidfile=", *options, "mika"]
    with _running(command, folder / "mika.log", environment) as process:
        _wait_until_listening(process, port, folder / "mika.log")
        _wait_until_listening(process, api_port, folder / "mika.log")
        _fill(state, api_port, workload)
        yield Server("mika", port, process.pid, "/{passkey}/announce")


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*processors()[0], *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    last_words = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise BenchError(f"{log.stem} does not listen on port {port}. Its last words:\n{last_words}")


def _fill(state: Path, api_port: int, workload: Workload) -> None:
    users = [{"name": f"user {number}", "passkey": passkey} for number, passkey in enumerate(workload.passkeys)]
    torrents = [
        {"info_hash": info_hash.hex(), "name": f"torrent {number}", "size": 734003200}
        for number, info_hash in enumerate(workload.info_hashes)
    ]
    token = (state / "api-token").read_text().strip()
    context = ssl.create_default_context(cafile=str(state / "api-certificate.pem"))
    for path, items in (("/v1/users", users), ("/v1/torrents", torrents)):
        for start in range(0, len(items), ITEMS_A_POST):
            connection = http.client.HTTPSConnection("127.0.0.1", api_port, context=context, timeout=60)
            body = json.dumps(items[start : start + ITEMS_A_POST])
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            connection.close()
            if answer.status != http.client.CREATED:
                raise BenchError(f"mika answered {answer.status} to POST {path}: {text[:500]}")
