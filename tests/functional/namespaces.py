"""Hosts of a test's own: network namespaces on one bridge, each with an IPv4 and an IPv6 address; needs root and `ip`.

The tracker listens at the addresses of the bridge. Run as a program in a namespace, this is a libtorrent client that
does what lines of JSON on its standard input say, and answers with lines of JSON.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functional.torrent_clients import Libtorrent, Moved
from functional.tracker_process import PATIENCE


@dataclass(frozen=True)
class Host:
    """A namespace and its addresses."""

    name: str
    ipv4: str
    ipv6: str


@dataclass(frozen=True)
class Network:
    """The bridge's own addresses, and the hosts on it."""

    ipv4: str
    ipv6: str
    hosts: tuple[Host, ...]


def ip(*arguments: str) -> None:
    """Run `ip`, which must succeed."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, (arguments, done.stderr)


@contextlib.contextmanager
def network(count: int) -> Iterator[Network]:
    """Make a bridge with so many hosts, in a subnet that follows from this process's number; undo all of it after."""
    mark = os.getpid() % 50_000
    prefix4 = f"10.{200 + mark // 1000}.{mark // 4 % 250}"
    prefix6 = f"fd6d:696b:61:{mark:x}:"
    bridge = f"mika{mark}"
    hosts = tuple(
        Host(f"mika{mark}-{number}", f"{prefix4}.{number}", f"{prefix6}:{number}") for number in range(2, 2 + count)
    )
    with contextlib.ExitStack() as stack:
        ip("link", "add", bridge, "type", "bridge")
        stack.callback(ip, "link", "del", bridge)
        ip("link", "set", bridge, "up")
        ip("addr", "add", f"{prefix4}.1/24", "dev", bridge)
        ip("addr", "add", f"{prefix6}:1/64", "dev", bridge, "nodad")
        for number, host in enumerate(hosts):
            outside, inside = f"mk{mark}o{number}", f"mk{mark}i{number}"
            ip("netns", "add", host.name)
            stack.callback(ip, "netns", "del", host.name)
            ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", host.name)
            ip("link", "set", outside, "master", bridge, "up")
            for command in (
                ("link", "set", "lo", "up"),
                ("link", "set", inside, "up"),
                ("addr", "add", f"{host.ipv4}/24", "dev", inside),
                ("addr", "add", f"{host.ipv6}/64", "dev", inside, "nodad"),
            ):
                ip("-n", host.name, *command)
        yield Network(f"{prefix4}.1", f"{prefix6}:1", hosts)


class HostedClient:
    """A libtorrent client inside a namespace, listening at both addresses of its host."""

    def __init__(self, host: Host) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", host.name, sys.executable, __file__, host.ipv4, host.ipv6],
            cwd=Path(__file__).parents[1],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = self._ask("port")

    def _ask(self, what: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, *arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the client in the namespace ended with {self._process.poll()}"
        return json.loads(line)

    def add(self, torrent: bytes, directory: Path) -> None:
        """Begin with a torrent whose content is, or will be, in `directory`; a download is held back."""
        self._ask("add", base64.b64encode(torrent).decode(), str(directory))

    def let_go(self) -> None:
        """Hold the download back no more."""
        self._ask("let_go")

    def is_complete(self) -> bool:
        """Say whether the whole content is there."""
        return bool(self._ask("is_complete"))

    def moved(self) -> Moved:
        """Return what was moved so far."""
        return Moved(*self._ask("moved"))

    def leave(self) -> None:
        """Stop the torrent, and tell the tracker so."""
        self._ask("leave")

    def close(self) -> None:
        """End the client by closing its standard input."""
        self._process.communicate(timeout=PATIENCE)

    def kill(self) -> None:
        """End it as a power cut does: nobody is told."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)


def main() -> None:
    """Do what standard input says."""
    client = Libtorrent(*sys.argv[1:])
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        if what == "port":
            answer: Any = client.port
        elif what == "add":
            answer = client.add(base64.b64decode(arguments[0]), Path(arguments[1]))
        else:
            answer = getattr(client, what)(*arguments)
        print(json.dumps(answer), flush=True)  # noqa: T201 - its answers
    client.close()


if __name__ == "__main__":
    main()
