"""Reads the announce of a common client byte by byte, for `ordinary.py`, where it is compiled.

As plain Python it is slow, and `ordinary.py` has a regular expression in its place.
"""

from __future__ import annotations

from typing import Any

from mika.wire._request_cy import AnnounceRequest, Event
from mika.wire.headers import Headers, read_headers

MAX_LINE = 16 * 1024
"""A request line of 16 KiB scrapes over 200 torrents; nothing that clients send is longer."""

MAX_KEY = 20
"""As much of a client's `key` is kept: clients send eight or ten digits."""

MAX_KNOWN = 1024

NEEDED = 63
"""The parameters without which there is no announce: a bit for each that `take` reads."""

NO_EVENT = Event.NONE
EVENTS = {
    b"": Event.NONE,
    b"started": Event.STARTED,
    b"completed": Event.COMPLETED,
    b"stopped": Event.STOPPED,
    b"paused": Event.PAUSED,
}
"""What clients write for an event (BEP 3, 21)."""

# As names of C.
_events = EVENTS
_needed = NEEDED
_max_line = MAX_LINE
_max_key = MAX_KEY

HEX = bytes(int(chr(byte), 16) if chr(byte) in "0123456789abcdefABCDEF" else 255 for byte in range(256))

# What blocks of headers say that have no body behind them: a client sends the same with each announce.
_known: dict[bytes, Headers] = {}
# Where values are put together: nothing else runs meanwhile.
_scratch = bytearray(32)


def scan_ordinary(data: bytes, start: int, address: bytes) -> tuple[AnnounceRequest, Headers, int] | None:
    """Read an announce at `start` that is like most; answer it, its headers, and where the next request begins.

    None if it is not ordinary, or not complete.
    """
    text = data
    size = len(data)
    first = start + 5
    if size < first or not begins(text, start, size, b"GET /", 5):
        return None
    slash = word_end(text, first, size)
    if slash >= size or text[slash] != 47:
        return None
    query = word_end(text, slash + 1, size)
    if query >= size or text[query] != 63:
        return None
    if query - slash == 9 and begins(text, slash, query, b"/announce", 9):
        passkey = text[first:slash]
    elif slash - first == 8 and begins(text, first, slash, b"announce", 8):
        passkey = text[slash + 1 : query]
        if passkey.startswith((b"announce", b"scrape")):
            return None
    else:
        return None
    request = AnnounceRequest.__new__(AnnounceRequest)
    version = scan_parameters(request, data, query + 1, address)
    # The version of HTTP and the end of its line, and all header lines to the empty one.
    if version < 0 or not passkey or size - version < 12 or not begins(text, version, size, b"HTTP/1.", 7):
        return None
    if text[version + 7] != 49 and text[version + 7] != 48:
        return None
    end = version + 8
    if text[end] != 13 or text[end + 1] != 10:
        return None
    while end + 3 < size and not (
        text[end] == 13 and text[end + 1] == 10 and text[end + 2] == 13 and text[end + 3] == 10
    ):
        end += 1
    if end + 3 >= size or end - start > _max_line:
        return None
    block = text[version : end + 2]
    headers = _known.get(block)
    if headers is None:
        headers = read_headers(block)
        if headers.body:
            return None
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[block] = headers
    request.passkey = passkey.decode("latin-1")
    return request, headers, end + 4


def scan_parameters(request: AnnounceRequest, data: bytes, at: int, address: bytes) -> int:
    """Read the parameters from `at` into a request; answer where the version of HTTP begins, -1 if not ordinary."""
    text = data
    size = len(data)
    request.event = NO_EVENT
    request.numwant = -1
    request.key = b""
    request.crypto = 0
    request.claims = ()
    found = 0
    while True:
        name = at
        while at < size and text[at] > 32 and text[at] != 61 and text[at] != 38:
            at += 1
        length = at - name
        if at < size and text[at] == 61:
            at += 1
        value = at
        while at < size and text[at] > 32 and text[at] != 38:
            at += 1
        if at >= size or (text[at] != 38 and text[at] != 32):
            return -1
        what = take(request, data, name, length, value, at, address)
        if what < 0:
            return -1
        found |= what
        at += 1
        if text[at - 1] == 32:
            return at if found == _needed else -1


def take(  # noqa: PLR0913, PLR0917 - where the parts of one parameter are
    request: AnnounceRequest, data: bytes, name: int, length: int, value: int, end: int, address: bytes
) -> int:
    """Read one parameter into a request; answer which of those that are needed it is (a bit), -1 if not ordinary."""
    text = data
    if length == 9 and begins(text, name, end, b"info_hash", 9):
        request.info_hash = unescaped(text, value, end)
        return 1 if request.info_hash is not None else -1
    if length == 7 and begins(text, name, end, b"peer_id", 7):
        request.peer_id = unescaped(text, value, end)
        return 2 if request.peer_id is not None else -1
    if length == 4 and begins(text, name, end, b"port", 4):
        port = number(text, value, end, 5)
        if port <= 0 or port > 65535:
            return -1
        request.endpoint = endpoint_of(address, port)
        return 4
    if length == 8 and begins(text, name, end, b"uploaded", 8):
        count = number(text, value, end, 15)
        request.uploaded = max(count, 0)
        return 8 if count >= 0 else -1
    if length == 10 and begins(text, name, end, b"downloaded", 10):
        count = number(text, value, end, 15)
        request.downloaded = max(count, 0)
        return 16 if count >= 0 else -1
    if length == 4 and begins(text, name, end, b"left", 4):
        count = number(text, value, end, 18)
        request.left = max(count, 0)
        return 32 if count >= 0 else -1
    return take_further(request, data, name, length, value, end)


def take_further(request: AnnounceRequest, data: bytes, name: int, length: int, value: int, end: int) -> int:
    """Read one of the other parameters into a request; answer 0, -1 if it is not ordinary."""
    text = data
    if length == 3 and begins(text, name, end, b"key", 3):
        request.key = text[value : min(end, value + _max_key)]
    elif length == 5 and begins(text, name, end, b"event", 5):
        event = _events.get(text[value:end])
        if event is None:
            return -1
        request.event = event
    elif length == 7 and begins(text, name, end, b"numwant", 7):
        request.numwant = number(text, value, end, 18)
        if request.numwant < 0:
            return -1
    elif length == 13 and begins(text, name, end, b"supportcrypto", 13):
        request.crypto = 1 if end - value == 1 and text[value] == 49 else 0
    elif is_uncommon(text, name, length, end):
        return -1
    return 0


def is_uncommon(text: bytes, at: int, length: int, size: int) -> bool:
    """Say whether a parameter says something that only `read_target` understands."""
    if length == 2:
        return begins(text, at, size, b"ip", 2)
    if length == 4:
        return begins(text, at, size, b"ipv", 3)
    if length == 8 or length == 10:  # noqa: PLR1714 - two comparisons of C
        return begins(text, at, size, b"num", 3) or begins(text, at, size, b"cryptoport", 10)
    return length == 13 and begins(text, at, size, b"requirecrypto", 13)


def begins(text: bytes, at: int, size: int, word: bytes, length: int) -> bool:
    """Say whether this word of a known length stands at `at`, before `size`."""
    if size - at < length:
        return False
    for index in range(length):  # noqa: SIM110 - a loop in C
        if text[at + index] != word[index]:
            return False
    return True


def word_end(text: bytes, at: int, size: int) -> int:
    """Return where a part of the path ends, or something that is not ordinary in one begins."""
    while at < size and text[at] > 32 and text[at] != 47 and text[at] != 63 and text[at] != 37:
        at += 1
    return at


def number(text: bytes, at: int, end: int, most: int) -> int:
    """Read a number of at most so many digits; -1 if it is none."""
    if at == end or end - at > most:
        return -1
    value = 0
    while at < end:
        if text[at] < 48 or text[at] > 57:
            return -1
        value = value * 10 + (text[at] - 48)
        at += 1
    return value


def unescaped(text: bytes, at: int, end: int) -> Any:
    """Percent-decode what has to be 20 bytes; None if it is anything else."""
    digits = HEX
    out = _scratch
    count = 0
    while at < end:
        if count == 20:
            return None
        byte = text[at]
        if byte == 37:
            if end - at < 3 or digits[text[at + 1]] > 15 or digits[text[at + 2]] > 15:
                return None
            byte = digits[text[at + 1]] * 16 + digits[text[at + 2]]
            at += 2
        out[count] = byte
        count += 1
        at += 1
    return bytes(out[:20]) if count == 20 else None


def endpoint_of(address: bytes, port: int) -> bytes:
    """Return the compact endpoint: an address of 4 or 16 bytes, and a port."""
    place = address
    size = len(address)
    out = _scratch
    for index in range(size):
        out[index] = place[index]
    out[size] = port >> 8
    out[size + 1] = port & 255
    return bytes(out[: size + 2])
