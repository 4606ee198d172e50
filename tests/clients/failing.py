"""A server that fails its clients: the first part of the path says how; what it was asked is remembered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

USER: dict[str, Any] = {
    "id": 1,
    "name": "ann",
    "passkey": "p",
    "role": 1,
    "enabled": True,
    "download_enabled": True,
    "upload_enabled": True,
    "uploaded": 2**63 - 1,
    "downloaded": 2,
    "uploaded_real": 0,
    "downloaded_real": 0,
    "bonus": "12.5",
    "seed_seconds": 0,
    "announces": 0,
    "multiplier_up": 1.5,
    "multiplier_down": 0,
    "remote_id": None,
    "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
    "of_tomorrow": 1,
}
PROBLEM = {
    "type": "about:blank",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "item 3: size: too small",
    "index": 3,
    "errors": [{"index": 3, "field": "size", "detail": "too small"}],
}


class Asked(NamedTuple):
    """A request as it came; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Failing:
    """The server's address, and what it was asked."""

    def __init__(self, url: str, silence: threading.Event) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.silence = silence

    def answer(self, how: str) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body (JSON unless it is a string) of the answer to the latest request."""
        times = len(self.asked)
        match how:
            case "busy":
                return (503, {"Retry-After": "0"}, PROBLEM) if times < 3 else (200, {}, {"version": "1"})
            case "away":
                return 503, {"Retry-After": "0"}, ""
            case "later":
                return 429, {"Retry-After": "3600"}, ""
            case "user":
                return 200, {"ETag": '"two"'}, USER
            case "page":
                return 200, {}, {"items": [USER], "next": "a b" if times < 2 else None}
            case "same":
                return 200, {}, {"items": [], "next": "1"}
            case "gateway":
                return 502, {}, "<h1>Bad Gateway</h1>"
            case "welcome":
                return 200, {}, "<h1>Welcome</h1>"
            case "other":
                return 200, {}, {"hello": "world"}
            case "nothing":
                return 200, {}, ""
            case "moved":
                return 302, {"Location": "/user/v1/users/1"}, ""
            case "fields":
                return 422, {}, PROBLEM
            case _:
                self.silence.wait(60)
                return 200, {}, ""


@contextmanager
def failing() -> Iterator[Failing]:
    """Run the server in a thread as long as it is needed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append(Asked(self.command, self.path, headers, body))
            status, more, answer = server.answer(self.path.split("/")[1])
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # a client that was tired of waiting
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Failing(f"http://127.0.0.1:{http.server_port}", threading.Event())
        http.handle_error = lambda *_: None  # connections that clients break off
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.silence.set()
            http.shutdown()
            thread.join()
