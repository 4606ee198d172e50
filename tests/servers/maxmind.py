"""A site like MaxMind's, over TLS on loopback: checksums, and archives behind a redirect, for one licence."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mmdb import CITIES, NETWORKS, write_database
from probe.certificates import Signed

ACCOUNT, KEY = "123456", "a-licence-key_0123456789"
CITY, ASN = "GeoLite2-City", "GeoLite2-ASN"


def archive_of(edition: str, database: bytes, *, name: str | None = None) -> bytes:
    """Return a database in a .tar.gz with a folder and a licence, as MaxMind packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as files:
        members = [("COPYRIGHT.txt", b"by us"), (name or f"{edition}.mmdb", database), ("LICENSE.txt", b"take it")]
        for member, content in members:
            entry = tarfile.TarInfo(f"{edition}_20261125/{member}")
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class QuietServer(ThreadingHTTPServer):
    """A server that says nothing of clients that hang up."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class MaxMind:
    """`archives` by edition are what it has; `sums` are said in the place of the right checksum."""

    def __init__(self, directory: Path) -> None:
        self.archives: dict[str, bytes] = {}
        self.sums: dict[str, str] = {}
        self.redirect = "/store/{edition}"
        self.requests: list[tuple[str, str | None]] = []
        signed = Signed("127.0.0.1", ca=True)
        self.ca = directory / "maxmind-ca.pem"
        self.ca.write_bytes(signed.pem)
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Answer)
        # The handshake belongs to the connection's thread, which closes it whatever becomes of it.
        self._server.socket = signed.context(directory).wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def downloads(self) -> int:
        """How many archives were fetched."""
        return sum(path.startswith("/store/") for path, _ in self.requests)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        authorization = request.headers.get("Authorization")
        self.requests.append((request.path, authorization))
        parts = urlsplit(request.path)
        words = parts.path.strip("/").split("/")
        if words[0] == "store":
            self._send(request, 200, self.archives[words[1]])
            return
        if authorization != "Basic " + base64.b64encode(f"{ACCOUNT}:{KEY}".encode()).decode():
            self._send(request, 401, b"Invalid license key")
            return
        edition = words[2]
        archive = self.archives.get(edition)
        if archive is None:
            self._send(request, 404, b"Invalid edition")
        elif parse_qs(parts.query)["suffix"] == ["tar.gz.sha256"]:
            found = self.sums.get(edition, hashlib.sha256(archive).hexdigest())
            self._send(request, 200, f"{found}  {edition}_20261125.tar.gz\n".encode())
        else:
            request.send_response(302)
            request.send_header("Location", self.redirect.format(edition=edition))
            request.send_header("Content-Length", "0")
            request.end_headers()

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def two_databases(directory: Path) -> Iterator[MaxMind]:
    """Serve a city and a network database, until the end of the block."""
    directory.mkdir(exist_ok=True)
    site = MaxMind(directory)
    for edition, records in ((CITY, CITIES), (ASN, NETWORKS)):
        site.archives[edition] = archive_of(edition, write_database(directory / edition, records).read_bytes())
    try:
        yield site
    finally:
        site.close()
