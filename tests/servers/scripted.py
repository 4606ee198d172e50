"""Trackers that say whatever a test has them say, on loopback, plain or over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

import bencodepy

from mika.probe.probe import Client, probe
from mika.probe.target import read_target

HASH = bytes(range(20))
SECRET = "s3cr3t0123456789"


def page(body, *headers: str, status: int = 200) -> bytes:
    """Write an HTTP answer; what is not bytes is bencoded."""
    content = body if isinstance(body, bytes) else bencodepy.encode(body)
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


class Scripted:
    """Answers each request with what `answer` makes of its path; `None` hangs up. Remembers the paths."""

    def __init__(self, answer: Callable[[str], bytes | None], context: ssl.SSLContext | None, host: str) -> None:
        self._answer, self._context = answer, context
        self.paths: list[str] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = socket.create_server((host, 0), family=family)
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop, and wait until every connection is done with."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                connection.settimeout(10)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, suppress(OSError):
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with connection:
                waiting = b""
                while True:
                    while b"\r\n\r\n" not in waiting:
                        part = connection.recv(65536)
                        if not part:
                            return
                        waiting += part
                    head, _, waiting = waiting.partition(b"\r\n\r\n")
                    self.paths.append(head.split(b" ")[1].decode())
                    answer = self._answer(self.paths[-1])
                    if answer is None:
                        return
                    connection.sendall(answer)
                    if b"Connection: close" in answer:
                        return


def looked_at(port: int, path: str = f"/{SECRET}/announce", scheme: str = "http", **client):
    """Test a tracker on loopback; return the findings."""
    asked = {"info_hash": HASH, "peer_id": b"-MK0100-abcdefghijkl", "timeout": 5.0} | client
    host = asked.pop("host", "127.0.0.1")
    return list(probe(read_target(f"{scheme}://{host}:{port}{path}"), Client(**asked)))


def told(findings, step: str):
    """Return level and words of a step; fail if it was told twice or never."""
    [finding] = [finding for finding in findings if finding.step == step]
    return str(finding.level), finding.words
