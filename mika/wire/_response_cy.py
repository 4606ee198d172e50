"""AnnounceResponse, and answers written byte by byte for `response.py` and `http.py`.

As plain Python that is slow, and they have the formatting of bytes in its place; a test compares both.
"""

from __future__ import annotations

from mika.wire.headers import Headers

ROOM = 64 * 1024
"""Bytes of the longest answer that is written here: over 3,000 peers of IPv6."""

OVERHEAD = 400
"""More than an answer has beside its peers and its warning."""

_scratch = bytearray(ROOM)


class AnnounceResponse:
    """The answer to an announce. `peers` are compact, all of the family of `external_ip` (4 or 16 bytes)."""

    __slots__ = ("complete", "downloaded", "external_ip", "incomplete", "interval", "min_interval", "peers", "warning")

    def __init__(
        self,
        external_ip: bytes,
        interval: int,
        min_interval: int,
        complete: int = 0,
        incomplete: int = 0,
        downloaded: int = 0,
    ) -> None:
        self.external_ip = external_ip
        self.interval = interval
        self.min_interval = min_interval
        self.complete = complete
        self.incomplete = incomplete
        self.downloaded = downloaded
        self.peers = b""
        self.warning = b""


def response_of(
    external_ip: bytes, interval: int, min_interval: int, complete: int, incomplete: int, downloaded: int
) -> AnnounceResponse:
    """Return an answer as yet without peers: as the constructor does, but compiled, with arguments as C has them."""
    response = AnnounceResponse.__new__(AnnounceResponse)
    response.external_ip = external_ip
    response.interval = interval
    response.min_interval = min_interval
    response.complete = complete
    response.incomplete = incomplete
    response.downloaded = downloaded
    response.peers = b""
    response.warning = b""
    return response


def format_announce(response: AnnounceResponse) -> bytes:
    """Bencode an answer; its peers and warning have to fit in `ROOM`."""
    external_ip = response.external_ip
    peers = response.peers
    warning = response.warning
    if len(peers) + len(warning) + OVERHEAD > ROOM:
        raise ValueError("an answer is too long")
    out = _scratch
    at = put(out, 0, b"d8:completei", 12)
    at = put_number(out, at, response.complete)
    at = put(out, at, b"e10:downloadedi", 15)
    at = put_number(out, at, response.downloaded)
    at = put(out, at, b"e11:external ip", 15)
    at = put_string(out, at, external_ip)
    at = put(out, at, b"10:incompletei", 14)
    at = put_number(out, at, response.incomplete)
    at = put(out, at, b"e8:intervali", 12)
    at = put_number(out, at, response.interval)
    at = put(out, at, b"e12:min intervali", 17)
    at = put_number(out, at, response.min_interval)
    ipv4 = len(external_ip) == 4
    at = put(out, at, b"e5:peers", 8) if ipv4 else put(out, at, b"e5:peers0:6:peers6", 18)
    at = put_string(out, at, peers)
    if warning:
        at = put(out, at, b"15:warning message", 18)
        at = put_string(out, at, warning)
    out[at] = 101
    return bytes(out[: at + 1])


def format_answer(body: bytes, headers: Headers) -> bytes:
    """Put an HTTP/1.1 answer round a bencoded body, as `http.answer_plainly` does; it has to fit in `ROOM`."""
    if len(body) + OVERHEAD > ROOM:
        raise ValueError("an answer is too long")
    out = _scratch
    at = put(out, 0, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ", 59)
    at = put_number(out, at, len(body))
    if headers.close:
        at = put(out, at, b"\r\nConnection: close", 19)
    elif headers.version != b"HTTP/1.1":
        at = put(out, at, b"\r\nConnection: keep-alive", 24)
    at = put(out, at, b"\r\n\r\n", 4)
    at = put(out, at, body, len(body))
    return bytes(out[:at])


def put(out: bytearray, at: int, text: bytes, length: int) -> int:
    """Write bytes of a known length; answer where the next ones go."""
    for index in range(length):
        out[at + index] = text[index]
    return at + length


def put_string(out: bytearray, at: int, text: bytes) -> int:
    """Write a bencoded string; answer where the next one goes."""
    length = len(text)
    at = put_number(out, at, length)
    out[at] = 58
    return put(out, at + 1, text, length)


def put_number(out: bytearray, at: int, value: int) -> int:
    """Write the digits of a number that is not negative; answer where the next byte goes."""
    digits = 1
    rest = value
    while rest > 9:
        rest //= 10
        digits += 1
    end = at + digits
    for place in range(end - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return end
