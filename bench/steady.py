"""Load at a steady rate, for `api_load.py`: each request is due at its time, whatever became of those before.

So what a slow answer keeps waiting counts as waiting. Run as a process of its own: `python -m bench.steady`, a plan as
JSON on standard input, latencies in milliseconds as JSON on standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

CONNECTIONS = 8
"""Kept connections to the API: a site's web server has a few."""

PATIENCE = 30
"""Seconds after the last request was due in which its answer must be there."""


def announce_steadily(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    """Announce `rate` times a second on a connection each; return how long each answer took, in milliseconds."""
    selector = selectors.DefaultSelector()
    begun = time.perf_counter()
    total = int(rate * seconds)
    latencies: list[float] = []
    sent = 0
    while len(latencies) < total:
        now = time.perf_counter()
        if now - begun > seconds + PATIENCE:
            sys.exit(f"{total - len(latencies)} announces were not answered")
        while sent < total and begun + sent / rate <= now:
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            selector.register(one, selectors.EVENT_WRITE, (begun + sent / rate, requests[sent % len(requests)]))
            sent += 1
        due = begun + sent / rate - time.perf_counter() if sent < total else 0.01
        for key, event in selector.select(max(0.0, due)):
            talking, (started, request) = key.fileobj, key.data
            assert isinstance(talking, socket.socket)
            if event & selectors.EVENT_WRITE:
                talking.send(request)
                selector.modify(talking, selectors.EVENT_READ, key.data)
                continue
            answer = talking.recv(65536)
            latencies.append((time.perf_counter() - started) * 1000)
            if b"8:complete" not in answer:
                sys.exit(f"an announce was answered with {answer[:300]!r}")
            selector.unregister(talking)
            talking.close()
    return latencies


class ApiLoad:
    """Requests to the API, over TLS, on kept connections or on a new one each."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.port: int = plan["port"]
        self.kept: bool = plan["kept"]
        self.head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {plan['token']}\r\nContent-Type: application/json\r\n"
        self.context = ssl.create_default_context(cafile=plan["certificate"])
        self.latencies: list[float] = []
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def ask_steadily(self, requests: Sequence[tuple[str, str, Any]], rate: float, seconds: float) -> list[float]:
        """Ask `rate` times a second; return how long each answer took, in milliseconds."""
        for _ in range(CONNECTIONS if self.kept else 0):
            await self.connections.put(await self._connect())
        begun = time.perf_counter()
        tasks = []
        for number, request in enumerate(islice(cycle(requests), int(rate * seconds))):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._ask(*request, due)))
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        return self.latencies

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context, limit=1 << 24)

    async def _ask(self, method: str, path: str, body: Any, due: float) -> None:
        reader, writer = await (self.connections.get() if self.kept else self._connect())
        data = b"" if body is None else json.dumps(body).encode()
        close = "" if self.kept else "Connection: close\r\n"
        writer.write(
            f"{method} {path} HTTP/1.1\r\n{self.head}{close}Content-Length: {len(data)}\r\n\r\n".encode() + data
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0] or 0)
        await reader.readexactly(length)
        self.latencies.append((time.perf_counter() - due) * 1000)
        if not head.startswith("HTTP/1.1 2"):
            sys.exit(f"{method} {path} was answered {head.splitlines()[0]}")
        if self.kept:
            await self.connections.put((reader, writer))
        else:
            writer.transport.abort()


def main() -> None:
    """Do what the plan says."""
    plan = json.load(sys.stdin)
    os.sched_setaffinity(0, plan["processors"])
    if "announces" in plan:
        requests = [each.encode() for each in plan["announces"]]
        latencies = announce_steadily(plan["port"], requests, plan["rate"], plan["seconds"])
    else:
        latencies = asyncio.run(ApiLoad(plan).ask_steadily(plan["requests"], plan["rate"], plan["seconds"]))
    json.dump(latencies, sys.stdout)


if __name__ == "__main__":
    main()
