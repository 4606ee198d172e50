"""The servers that are measured, each started as its users start it, on loopback and on one processor.

`run.py` and others enter one context for each; what they write goes to a file in the bench's temporary directory.
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
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.workload import CLIENT, Workload
from mika.compiled import plain

HERE = Path(__file__).parent
START_SECONDS = 60
FILL_SECONDS = 600
STOP_SECONDS = 30
ITEMS_A_POST = 1000


class BenchError(Exception):
    """The bench cannot go on; the text says why in one line or shows the server's last words."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what it is called, where it listens, and the process whose CPU time counts.

    A port is 0 where it does not listen; `rests` is false for one that never puts work off.
    """

    name: str
    port: int
    pid: int
    path: str = "/announce"
    port6: int = 0
    port_tls: int = 0
    rests: bool = False

    def at(self, over: str) -> tuple[str, int]:
        """Return host and port for "IPv4", "IPv6" or "TLS"."""
        return {"IPv4": ("127.0.0.1", self.port), "IPv6": ("::1", self.port6), "TLS": ("127.0.0.1", self.port_tls)}[
            over
        ]

    def cpu_ns(self) -> int:
        """Return the CPU time of all its threads so far, user and system, in nanoseconds.

        The process's own CPU clock, by the number that clock_getcpuclockid(3) makes of its id.
        """
        return time.clock_gettime_ns(~self.pid << 3 | 2)

    def first_thread_ns(self) -> int:
        """Return the CPU time of its first thread alone: of mika, the reactor."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0])


@contextmanager
def scratch() -> Iterator[Path]:
    """Lend a directory; end with one line when the bench cannot go on, and then keep what the servers wrote."""
    folder = Path(tempfile.mkdtemp(prefix="mika-bench-"))
    kept = False
    try:
        yield folder
    except BenchError as error:
        kept = any(folder.iterdir())
        sys.exit(f"bench: {error}" + f"\nbench: what the servers wrote is in {folder}" * kept)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def need(*commands: str) -> None:
    """Raise `BenchError` when a program is missing."""
    if missing := [command for command in commands if not shutil.which(command)]:
        raise BenchError(f"not installed: {', '.join(missing)}; `make bench` installs what it needs on Debian")


def need_compiled() -> None:
    """Raise `BenchError` when mika would not run as fast as it can."""
    if modules := plain():
        raise BenchError(
            f"{modules[0]} and {len(modules) - 1} more run uncompiled, or were edited since: "
            "`pip install -e .` with a C compiler mends that"
        )


def end_cleanly() -> None:
    """Let the first signal that asks for it end this process by `SystemExit`, so that no server is left behind.

    What comes after it does not disturb the end: Ctrl-C reaches a part of the bench twice, from the terminal and from
    `python -m bench`.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: Any) -> None:
        for each in numbers:
            signal.signal(each, lambda *_: None)  # SIG_IGN would be told of in words when two come at once
        sys.exit(f"bench: ended by {signal.Signals(number).name}")

    for each in numbers:
        signal.signal(each, end)


def processors() -> tuple[list[str], list[str]]:
    """Return what to put before the command of a server and of the load, so that neither takes the other's time."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2 or not shutil.which("taskset"):
        return [], []
    return ["taskset", "-c", str(usable[0])], ["taskset", "-c", str(usable[1])]


def compiled(name: str) -> Path:
    """Compile a program in C of this folder, and return it."""
    source, binary = HERE / f"{name}.c", HERE / "bin" / name
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        binary.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", binary, source], check=True)
    return binary


@contextmanager
def floor(folder: Path, *, closes: bool, ipv6: bool = False) -> Iterator[Server]:
    """Run `floor.c`, which answers without reading, and closes after each answer or never."""
    host = "::1" if ipv6 else "127.0.0.1"
    port = free_port(host)
    command = [str(compiled("floor")), host, str(port), *(["close"] if closes else [])]
    with _running(command, folder / "floor.log") as process:
        _wait_until_listening(process, (host, port), folder / "floor.log")
        yield Server("floor", 0 if ipv6 else port, process.pid, port6=port if ipv6 else 0)


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
        _wait_until_listening(process, ("127.0.0.1", port), folder / "opentracker.log")
        yield Server("opentracker", port, process.pid)


@contextmanager
def mika(
    folder: Path, workload: Workload, options: tuple[str, ...] = (), settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run `twistd mika` with its default stores, and make the users, the torrents and a whitelist through its API.

    `options` are twistd's own, such as those of its profiler; `settings` are mika's, as its environment.
    """
    state = folder / "mika-state"
    port, tls_port, api_port = free_port(), free_port(), free_port()
    port6 = free_port("::1") if has_ipv6() else 0
    listen = [f"127.0.0.1:{port}", *([f"[::1]:{port6}"] if port6 else [])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIKA_")} | {
        "MIKA_PURE": os.environ.get("MIKA_PURE", "0"),
        "MIKA_GENERAL__STATE_DIR": str(state),
        "MIKA_TRACKER__LISTEN": ", ".join(listen),
        "MIKA_TRACKER__LISTEN_TLS": f"127.0.0.1:{tls_port}",
        "MIKA_API__LISTEN": f"127.0.0.1:{api_port}",
        "MIKA_TRACKER__ALLOW_NON_ROUTABLE": "true",
        **(settings or {}),
    }
    twistd = Path(sys.executable).with_name("twistd")
    command = [str(twistd), "-n", "--pidfile=", *options, "mika"]
    with _running(command, folder / "mika.log", environment) as process:
        for each in (port, tls_port, api_port):
            _wait_until_listening(process, ("127.0.0.1", each), folder / "mika.log")
        _fill(state, api_port, workload)
        yield Server("mika", port, process.pid, "/{passkey}/announce", port6, tls_port, rests=True)


@contextmanager
def populated(folder: Path, peers: int, swarm: int) -> Iterator[tuple[Server, Path]]:
    """Run `populated.py` with so many peers; the file says whom to announce as."""
    port, file = free_port(), folder / f"{peers}-in-swarms-of-{swarm}"
    module = [sys.executable, "-m", "bench.populated"]
    command = [*module, f"--peers={peers}", f"--swarm={swarm}", f"--serve={file}", f"--port={port}"]
    log = folder / f"{file.name}.log"
    with _running(command, log) as process:
        _wait_until_listening(process, ("127.0.0.1", port), log, FILL_SECONDS)
        yield Server("mika", port, process.pid, "/{passkey}/announce"), file


def has_ipv6() -> bool:
    """Say whether this machine has the loopback address of IPv6."""
    try:
        free_port("::1")
    except OSError:
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
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


def _wait_until_listening(
    process: subprocess.Popen[bytes], address: tuple[str, int], log: Path, seconds: float = START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    last_words = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise BenchError(f"{log.stem} does not listen on port {address[1]}. Its last words:\n{last_words}")


def _fill(state: Path, api_port: int, workload: Workload) -> None:
    """Make what the announces are about."""
    users = [{"name": f"user {number}", "passkey": passkey} for number, passkey in enumerate(workload.passkeys)]
    torrents = [
        {"info_hash": info_hash.hex(), "name": f"torrent {number}", "size": 734003200}
        for number, info_hash in enumerate(workload.info_hashes)
    ]
    token = (state / "api-token").read_text().strip()
    context = ssl.create_default_context(cafile=str(state / "api-certificate.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", api_port, context=context, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(method: str, path: str, body: Any) -> None:
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status != http.client.CREATED:
            raise BenchError(f"mika answered {answer.status} to {method} {path}: {text[:500]}")

    send("PUT", f"/v1/whitelist/{CLIENT}", {"name": "qBittorrent"})
    for path, items in (("/v1/users", users), ("/v1/torrents", torrents)):
        for some in _in_posts(items):
            send("POST", path, some)
    connection.close()


def _in_posts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + ITEMS_A_POST] for start in range(0, len(items), ITEMS_A_POST))
