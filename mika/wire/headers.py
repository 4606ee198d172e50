"""Header lines of a request, as far as the tracker needs them; for `http.py` and the readers of ordinary announces."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mika.rules import refusal
from mika.wire.request import BadRequest


class Headers(NamedTuple):
    """What the tracker needs of a request's headers."""

    version: bytes
    close: bool
    body: bool
    forwarded: bytes
    real_ip: bytes


# A client sends the same headers with each announce, and one version of a client the same as any other.
@lru_cache(maxsize=1024)
def read_headers(block: bytes) -> Headers:
    """Read the version, which ends the request line, and the header lines up to the line end of the last."""
    version, *lines = block[:-2].split(b"\r\n")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(refusal.REQUEST_MALFORMED, 400)
    close = version == b"HTTP/1.0"
    body = False
    forwarded: list[bytes] = []
    real_ip = b""
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        value = value.strip()
        if not colon or not name or name != name.strip() or b"\n" in line:
            raise BadRequest(refusal.REQUEST_MALFORMED, 400)
        if name == b"connection":
            options = [option.strip() for option in value.lower().split(b",")]
            close = b"close" in options or (close and b"keep-alive" not in options)
        elif (name == b"content-length" and value != b"0") or name == b"transfer-encoding":
            body = True
        elif name == b"x-forwarded-for":
            forwarded.append(value)
        elif name == b"x-real-ip":
            real_ip = value
    return Headers(version, close, body, b",".join(forwarded), real_ip)
