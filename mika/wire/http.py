"""HTTP/1.x request bytes to an AnnounceRequest or a ScrapeRequest, and answers to bytes; for `server/http.py`, no I/O.

Incremental: `read_head` finds the next head in what has arrived, None while it is incomplete. For any bytes the readers
return a value, None, or raise `BadRequest`, and never anything else. What is tuned has a plain twin that says the same
(`unquote` and urllib's), and tests compare them on random input.
"""

from __future__ import annotations

import re
from codecs import escape_decode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mika.compiled import runs_compiled
from mika.model import LEFT_UNKNOWN
from mika.rules import refusal
from mika.wire import _response_cy
from mika.wire._ordinary_cy import EVENTS, MAX_KEY, MAX_LINE
from mika.wire._response_cy import format_answer
from mika.wire.headers import Headers, read_headers
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED, AnnounceRequest, BadRequest, Event, ScrapeRequest

MAX_HEAD = 32 * 1024
"""Line and headers together."""

MAX_EMPTY = 64
"""Bytes of empty lines before a request."""

MAX_SCRAPE = 100
"""Torrents answered in one scrape; what is asked beyond is left out."""

MAX_COUNTER = 2**53
"""Counters are below it: 8 PiB in one session is no client's, and every JSON reader keeps integers up to it exact."""

CLAIMS = (b"ip", b"ipv4", b"ipv6")
"""Parameters in which a client names its own addresses."""

NUMWANT = (b"numwant", b"num_want", b"num+want", b"num%20want")
"""How clients spell it (client-quirks 2.2)."""


class Head(NamedTuple):
    """A request head: `end` is where the next request begins in the bytes that it was read from."""

    method: bytes
    target: bytes
    headers: Headers
    end: int


def read_head(data: bytes, start: int = 0) -> Head | None:
    """Read the request head at `start`; None when more bytes are needed."""
    origin = start
    while data.startswith(b"\r\n", start):
        start += 2  # RFC 9112, 2.2: empty lines before a request line are passed over
    if start - origin > MAX_EMPTY:
        raise BadRequest(refusal.REQUEST_MALFORMED, 400)
    end = data.find(b"\r\n\r\n", start)
    if end < 0:
        _check_unfinished(data, start)
        return None
    line_end = data.find(b"\r\n", start)
    if line_end - start > MAX_LINE:
        raise BadRequest(refusal.LINE_TOO_LONG, 414)
    if end - start > MAX_HEAD:
        raise BadRequest(refusal.HEAD_TOO_LONG, 431)
    words = data[start:line_end].split(b" ")
    if len(words) != 3:
        raise BadRequest(refusal.REQUEST_MALFORMED, 400)
    method, target, version = words
    headers = read_headers(data[line_end - len(version) : end + 2])
    if method != b"GET" and method != b"HEAD":  # noqa: PLR1714 - two comparisons cost less than a tuple
        raise BadRequest(refusal.METHOD_REFUSED, 405)
    if headers.body:
        raise BadRequest(refusal.BODY_REFUSED, 400)
    return Head(method, target, headers, end + 4)


def _check_unfinished(data: bytes, start: int) -> None:
    line_end = data.find(b"\n", start)
    if line_end < 0:
        line_end = len(data)
    if line_end - start > MAX_LINE + data.endswith(b"\r", start, line_end):
        raise BadRequest(refusal.LINE_TOO_LONG, 414)
    if len(data) - start > MAX_HEAD:
        raise BadRequest(refusal.HEAD_TOO_LONG, 431)
    line = data[start:line_end]
    if line not in (b"", b"\r") and not re.match(rb"[A-Za-z]{1,20}(?: |$)", line):
        raise BadRequest(refusal.REQUEST_MALFORMED, 400)  # TLS on the wrong port, say: answered without a wait
    if b"\n\n" in data[line_end:]:
        raise BadRequest(refusal.REQUEST_MALFORMED, 400)


def read_target(target: bytes, address: bytes, *, public: bool = False) -> AnnounceRequest | ScrapeRequest:
    """Read the target of a GET from the packed `address`: which of the two it is, whose, and all parameters."""
    path, _, query = target.partition(b"?")
    kind, passkey = _read_path(path)
    if passkey is None:
        passkey, query = _passkey_of(query)
    if passkey is None and not public:
        raise BadRequest(refusal.PASSKEY_MISSING)
    if kind == b"announce":
        return read_announce(passkey, query, address)
    return read_scrape(passkey, query, address)


def _read_path(path: bytes) -> tuple[bytes, str | None]:
    """Tell announce from scrape, and find the passkey in the path if it is there."""
    if not path.startswith(b"/"):
        scheme, _, rest = path.partition(b"://")  # absolute-form, which proxies send (RFC 9112, 3.2.2)
        if scheme.lower() not in (b"http", b"https"):
            raise BadRequest(refusal.PATH_INVALID)
        path = rest[rest.find(b"/") :] if b"/" in rest else b"/"
    parts = [unquote(part) for part in path.split(b"/") if part]  # repeated slashes count as one
    for at, other in ((-1, 0), (0, -1)):
        kind = parts[at].removesuffix(b".php") if parts else b""
        if kind in (b"announce", b"scrape"):
            if len(parts) == 1:
                return kind, None
            if len(parts) == 2:
                return kind, parts[other].decode("latin-1")
    raise BadRequest(refusal.PATH_INVALID)


def _passkey_of(query: bytes) -> tuple[str | None, bytes]:
    """Find the passkey among the parameters; clients glue their own query on with a second `?` or a `/`."""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name in (b"passkey", b"authkey", b"pk", b"uk"):
            value, glue, _ = value.partition(b"?")
            if glue:
                query = query.replace(b"?", b"&", 1)
            return unquote(value).rstrip(b"/").decode("latin-1") or None, query
    return None, query


def unquote(text: bytes) -> bytes:
    r"""Percent-decode, as urllib's `unquote_to_bytes` does, in an eighth of the time.

    `%1d` becomes `\x1d`, and the C code that reads Python's escapes does the rest; where that does not fit, urllib.
    """
    if b"%" not in text:
        return text
    if b"\\" not in text:
        try:
            return escape_decode(text.replace(b"%", b"\\x"))[0]
        except ValueError:
            pass  # a % without two hex digits
    return unquote_to_bytes(text)


def read_announce(passkey: str | None, query: bytes, address: bytes) -> AnnounceRequest:
    """Read the parameters of an announce (BEP 3, 7, 21, 23), with every quirk that clients have.

    `BadRequest` names the parameter that is wrong.
    """
    params = read_query(query)
    get = params.get
    info_hash = unquote_to_bytes(get(b"info_hash", b""))
    if not info_hash:
        raise BadRequest(refusal.INFO_HASH_MISSING)
    if len(info_hash) != 20:
        raise BadRequest(refusal.INFO_HASH_INVALID)
    peer_id = unquote_to_bytes(get(b"peer_id", b""))
    if not peer_id:
        raise BadRequest(refusal.PEER_ID_MISSING)
    if len(peer_id) != 20:
        raise BadRequest(refusal.PEER_ID_INVALID)
    port = _number(get(b"port") or b"0", 65536, refusal.PORT_INVALID)
    crypto = CRYPTO_SUPPORTED if get(b"supportcrypto") == b"1" else 0
    if get(b"requirecrypto") == b"1":
        crypto = CRYPTO_SUPPORTED | CRYPTO_REQUIRED
    if port == 0 and get(b"cryptoport"):
        port = _number(params[b"cryptoport"], 65536, refusal.PORT_INVALID)
        crypto = CRYPTO_SUPPORTED | CRYPTO_REQUIRED
    event = get(b"event", b"").lower()
    numwant = next((params[name] for name in NUMWANT if params.get(name)), b"")
    return AnnounceRequest(
        passkey,
        info_hash,
        peer_id,
        address + port.to_bytes(2, "big"),
        _number(get(b"uploaded", b""), MAX_COUNTER, refusal.UPLOAD_COUNTER_INVALID),
        _number(get(b"downloaded", b""), MAX_COUNTER, refusal.DOWNLOAD_COUNTER_INVALID),
        _left(get(b"left", b"")),
        EVENTS.get(event, Event.NONE),
        int(numwant[:18]) if numwant.isdigit() else -1,
        get(b"key", b"")[:MAX_KEY],
        crypto,
        tuple(unquote(params[name]) for name in CLAIMS if params.get(name)),
    )


def read_query(query: bytes) -> dict[bytes, bytes]:
    """Split the query into still encoded values; of a repeated name the last one counts."""
    params = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        params[name] = value
    return params


def _number(text: bytes, limit: int, problem: refusal.Refusal) -> int:
    if not text.isdigit() or len(text) > 20 or (number := int(text)) >= limit:
        raise BadRequest(problem)
    return number


def _left(text: bytes) -> int:
    """Read `left`; absent, empty, negative or absurd is a leecher that does not know yet."""
    if not text or (text.startswith(b"-") and text[1:].isdigit()):
        return LEFT_UNKNOWN
    if not text.isdigit():
        raise BadRequest(refusal.LEFT_INVALID)
    return int(text) if len(text) < 19 else LEFT_UNKNOWN


def read_scrape(passkey: str | None, query: bytes, address: bytes) -> ScrapeRequest:
    """Read the parameters of a scrape: every `info_hash`, in order, up to `MAX_SCRAPE` (BEP 48)."""
    info_hashes = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"info_hash":
            info_hash = unquote(value)
            if len(info_hash) != 20:
                raise BadRequest(refusal.INFO_HASH_INVALID)
            info_hashes.append(info_hash)
    if not info_hashes:
        raise BadRequest(refusal.SCRAPE_ALL)
    return ScrapeRequest(passkey, info_hashes[:MAX_SCRAPE], address)


REASONS = {
    400: b"Bad Request",
    405: b"Method Not Allowed",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
}


def answer_plainly(body: bytes, headers: Headers) -> bytes:
    """Put an HTTP/1.1 answer round a bencoded body: always 200, no chunks, few headers (client-quirks 2.4)."""
    if headers.close:
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
            len(body),
            body,
        )
    if headers.version == b"HTTP/1.1":
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%b" % (
        len(body),
        body,
    )


write_answer = format_answer if runs_compiled(_response_cy) else answer_plainly


def write_problem(problem: refusal.Refusal, status: int) -> bytes:
    """Answer what is not HTTP, or not allowed, in words; the connection ends after it."""
    words = problem.words.encode() + b"\n"
    allow = b"Allow: GET, HEAD\r\n" if status == 405 else b""
    return b"HTTP/1.1 %d %b\r\nContent-Type: text/plain\r\n%bContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        status,
        REASONS[status],
        allow,
        len(words),
        words,
    )
