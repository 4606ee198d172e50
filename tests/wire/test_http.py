"""Request bytes into heads, heads into announces and scrapes, and bodies into answers."""

from __future__ import annotations

from typing import Any

import pytest

from mika.rules import refusal
from mika.wire.http import (
    MAX_HEAD,
    MAX_LINE,
    MAX_SCRAPE,
    REASONS,
    Head,
    Headers,
    read_announce,
    read_head,
    read_scrape,
    read_target,
    write_answer,
    write_problem,
)
from mika.wire.request import AnnounceRequest, BadRequest, ScrapeRequest

KEY = "0123456789abcdef"
HASH = bytes(range(120, 140))
HASH_TEXT = "".join(f"%{byte:02x}" for byte in HASH)
QUERY = f"info_hash={HASH_TEXT}&peer_id=-TR4060-7hvlgrs6zrar&port=6881&uploaded=1&downloaded=2&left=3"
ADDRESS = bytes((81, 2, 69, 142))
SIMPLE = b"GET /a HTTP/1.1\r\nHost: tracker\r\n\r\n"
NOTHING = Headers(b"HTTP/1.1", close=False, body=False, forwarded=b"", real_ip=b"")


def fields(request: AnnounceRequest) -> dict[str, Any]:
    """Return all that an announce says."""
    return {name: getattr(request, name) for name in AnnounceRequest.__slots__}


# ---- heads


HEADS = {
    "plain": (SIMPLE, Head(b"GET", b"/a", NOTHING, len(SIMPLE))),
    "no header at all": (b"GET /a HTTP/1.1\r\n\r\n", Head(b"GET", b"/a", NOTHING, 19)),
    "HTTP/1.0 closes": (
        b"GET /a HTTP/1.0\r\n\r\n",
        Head(b"GET", b"/a", NOTHING._replace(version=b"HTTP/1.0", close=True), 19),
    ),
    "HTTP/1.0 that stays": (
        b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        Head(b"GET", b"/a", NOTHING._replace(version=b"HTTP/1.0"), 43),
    ),
    "HEAD": (b"HEAD /a HTTP/1.1\r\n\r\n", Head(b"HEAD", b"/a", NOTHING, 20)),
    "empty lines before it": (b"\r\n\r\n" + SIMPLE, Head(b"GET", b"/a", NOTHING, len(SIMPLE) + 4)),
    "absolute-form": (
        b"GET http://tracker:34000/a HTTP/1.1\r\n\r\n",
        Head(b"GET", b"http://tracker:34000/a", NOTHING, 39),
    ),
    "another request behind it": (SIMPLE + SIMPLE, Head(b"GET", b"/a", NOTHING, len(SIMPLE))),
    "a body of nothing": (
        b"GET /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        Head(b"GET", b"/a", NOTHING, 38),
    ),
    "longest line": (
        b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * (MAX_LINE - 14)),
        Head(b"GET", b"/" + b"a" * (MAX_LINE - 14), NOTHING, MAX_LINE + 4),
    ),
}


@pytest.mark.parametrize(("data", "head"), HEADS.values(), ids=HEADS)
def test_head_is_read(data, head) -> None:
    """A complete head is read, and `end` is where the next request begins."""
    assert read_head(data) == head


@pytest.mark.parametrize(("data", "head"), HEADS.values(), ids=HEADS)
def test_head_is_read_behind_another(data, head) -> None:
    """Reading starts where it is told to, as behind the request before."""
    assert read_head(SIMPLE + data, len(SIMPLE)) == head._replace(end=head.end + len(SIMPLE))


@pytest.mark.parametrize(("data", "head"), HEADS.values(), ids=HEADS)
def test_part_of_a_head_is_waited_for(data, head) -> None:
    """However a head is cut, what came so far is neither a request nor refused."""
    cuts = range(head.end) if head.end < 200 else [1, 4, 100, head.end // 2, head.end - 3, head.end - 1]
    for cut in cuts:
        assert read_head(data[:cut]) is None


CONNECTIONS = [
    ("1.1", b"", False),
    ("1.1", b"Connection: close\r\n", True),
    ("1.1", b"connection:close\r\n", True),
    ("1.1", b"CONNECTION: \t CLOSE  \r\n", True),
    ("1.1", b"Connection: keep-alive\r\n", False),
    ("1.1", b"Connection: upgrade, close\r\n", True),
    ("1.1", b"Connection: Upgrade, HTTP2-Settings\r\n", False),
    ("1.0", b"", True),
    ("1.0", b"Connection: close\r\n", True),
    ("1.0", b"Connection: keep-alive\r\n", False),
    ("1.0", b"Connection: keep-alive, close\r\n", True),
    ("1.0", b"Connection: TE, Keep-Alive\r\n", False),
]


@pytest.mark.parametrize(("version", "line", "close"), CONNECTIONS)
def test_connection_closes_or_stays(version, line, close) -> None:
    """HTTP/1.1 stays unless it says close; HTTP/1.0 closes unless it says keep-alive (RFC 9112, 9.3)."""
    head = read_head(f"GET /a HTTP/{version}\r\nAccept: */*\r\n".encode() + line + b"\r\n")
    assert head is not None
    assert head.headers.close is close


@pytest.mark.parametrize(
    ("lines", "forwarded", "real_ip"),
    [
        (b"X-Forwarded-For: 1.2.3.4\r\n", b"1.2.3.4", b""),
        (b"x-forwarded-for:1.2.3.4, 5.6.7.8\r\n", b"1.2.3.4, 5.6.7.8", b""),
        (b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", b"1.2.3.4,5.6.7.8", b""),
        (b"X-Real-IP: 1.2.3.4\r\n", b"", b"1.2.3.4"),
        (b"X-Real-IP: 1.2.3.4\r\nX-Real-IP: 5.6.7.8\r\n", b"", b"5.6.7.8"),
        (b"Forwarded: for=1.2.3.4\r\n", b"", b""),
    ],
)
def test_proxy_headers_are_kept_as_they_are(lines, forwarded, real_ip) -> None:
    """Who is believed is decided elsewhere; repeated lines are one list (RFC 9110, 5.3)."""
    head = read_head(b"GET /a HTTP/1.1\r\n" + lines + b"\r\n")
    assert head is not None
    assert (head.headers.forwarded, head.headers.real_ip) == (forwarded, real_ip)


BAD_HEADS = {
    "POST": (b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
    "OPTIONS": (b"OPTIONS * HTTP/1.1\r\n\r\n", 405),
    "PUT without a body": (b"PUT /a HTTP/1.1\r\n\r\n", 405),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\n\r\n", 405),
    "get in lower case": (b"get /a HTTP/1.1\r\n\r\n", 405),
    "a body by its length": (b"GET /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400),
    "a body of a strange length": (b"GET /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "a body in chunks": (b"GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a body with HEAD": (b"HEAD /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 400),
    "no version": (b"GET /a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /a HTTP/0.9\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.2": (b"GET /a HTTP/1.2\r\n\r\n", 400),
    "version in lower case": (b"GET /a http/1.1\r\n\r\n", 400),
    "a space in the target": (b"GET /a b HTTP/1.1\r\n\r\n", 400),
    "two spaces": (b"GET  /a HTTP/1.1\r\n\r\n", 400),
    "a space before it": (b" GET /a HTTP/1.1\r\n\r\n", 400),
    "a tab for a space": (b"GET\t/a\tHTTP/1.1\r\n\r\n", 400),
    "no target": (b"GET HTTP/1.1\r\n\r\n", 400),
    "bare line feeds": (b"GET /a HTTP/1.1\nHost: x\n\n", 400),
    "bare line feeds, and another behind": (b"GET /a HTTP/1.1\n\n" + SIMPLE, 400),
    "a bare line feed in a header": (b"GET /a HTTP/1.1\r\nHost: x\nX-Real-IP: 1.2.3.4\r\n\r\n", 400),
    "a header without colon": (b"GET /a HTTP/1.1\r\nHost\r\n\r\n", 400),
    "a header without name": (b"GET /a HTTP/1.1\r\n: x\r\n\r\n", 400),
    "a header name with a space": (b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "a folded header": (b"GET /a HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400),
    "TLS on the plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", 400),
    "a BitTorrent handshake": (b"\x13BitTorrent protocol" + bytes(8), 400),
    "bencode": (b"d1:ad2:id20:" + bytes(20), 400),
    "zeros": (bytes(64), 400),
    "words without an end": (b"HELLO" * 10, 400),
    "a line without an end": (b"GET /" + b"a" * MAX_LINE, 414),
    "a line that is too long": (b"GET /" + b"a" * MAX_LINE + b" HTTP/1.1\r\n\r\n", 414),
    "one byte too long": (b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * (MAX_LINE - 13)), 414),
    "headers without an end": (b"GET /a HTTP/1.1\r\n" + b"A: b\r\n" * (MAX_HEAD // 6), 431),
    "headers that are too long": (b"GET /a HTTP/1.1\r\nA: " + b"b" * MAX_HEAD + b"\r\n\r\n", 431),
    "empty lines without an end": (b"\r\n" * MAX_HEAD, 400),
}


@pytest.mark.parametrize(("data", "status"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_bad_head_is_refused(data, status) -> None:
    """What is no request that is served here has the status that HTTP gives it."""
    with pytest.raises(BadRequest) as caught:
        read_head(data)
    assert caught.value.status == status
    assert caught.value.status in REASONS


@pytest.mark.parametrize(("data", "status"), BAD_HEADS.values(), ids=BAD_HEADS)
def test_bad_head_is_refused_in_pieces(data, status) -> None:
    """A bad head that arrives in pieces is refused, at the latest with its last byte, and never read as another."""
    size = max(1, len(data) // 100)
    pieces = [*range(size, len(data), size), len(data)]
    with pytest.raises(BadRequest) as caught:  # noqa: PT012 - any piece may be the one
        for end in pieces:
            assert read_head(data[:end]) is None
    assert caught.value.status == status


def test_pipelined_heads_are_read_one_by_one() -> None:
    """Requests that arrive together are found one behind the other."""
    data = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(50)) + b"GET /rest HT"
    found, position = [], 0
    while (head := read_head(data, position)) is not None:
        found.append(head.target)
        position = head.end
    assert found == [b"/%d" % number for number in range(50)]
    assert data[position:] == b"GET /rest HT"


# ---- targets


PASSKEY_FORMS = [
    f"/{KEY}/announce?{QUERY}",
    f"/{KEY}/announce/?{QUERY}",
    f"/{KEY}/announce.php?{QUERY}",
    f"/announce/{KEY}?{QUERY}",
    f"/announce/{KEY}/?{QUERY}",
    f"/announce.php/{KEY}?{QUERY}",
    f"/announce?passkey={KEY}&{QUERY}",
    f"/announce.php?passkey={KEY}&{QUERY}",
    f"/announce?{QUERY}&passkey={KEY}",
    f"/announce?authkey={KEY}&{QUERY}",
    f"/announce.php?pk={KEY}&{QUERY}",
    f"/announce?uk={KEY}&{QUERY}",
    f"/announce.php?passkey={KEY}/&{QUERY}",
    f"/announce.php?passkey={KEY}%2F&{QUERY}",
    f"/announce.php?passkey={KEY}?{QUERY}",
    f"/announce.php?passkey={KEY}&&{QUERY}",
    f"/announce.php?&passkey={KEY}&{QUERY}&",
    f"/announce/?passkey={KEY}&{QUERY}",
    f"//announce?passkey={KEY}&{QUERY}",
    f"///announce.php?passkey={KEY}&{QUERY}",
    f"//{KEY}//announce?{QUERY}",
    f"/{KEY}//announce?{QUERY}",
    f"//{KEY}/announce?{QUERY}",
    f"/announce//{KEY}?{QUERY}",
    f"/%30{KEY[1:]}/announce?{QUERY}",
    f"/announce?passkey=%30{KEY[1:]}&{QUERY}",
    f"/{KEY}/%61nnounce?{QUERY}",
    f"http://tracker.example:34000/{KEY}/announce?{QUERY}",
    f"HTTPS://tracker.example/announce/{KEY}?{QUERY}",
    f"http://announce.example/announce?passkey={KEY}&{QUERY}",
    f"http://[2001:db8::1]:34000//{KEY}//announce?{QUERY}",
]


@pytest.mark.parametrize("target", PASSKEY_FORMS)
def test_announce_in_every_form(target) -> None:
    """Wherever sites put the passkey, it is found, and the parameters are the same."""
    request = read_target(target.encode(), ADDRESS)
    assert isinstance(request, AnnounceRequest)
    assert fields(request) == fields(read_announce(KEY, QUERY.encode(), ADDRESS))


@pytest.mark.parametrize("target", PASSKEY_FORMS)
def test_scrape_in_every_form(target) -> None:
    """A scrape is found wherever an announce is, `announce` replaced by `scrape` (BEP 48)."""
    head, _, path = target.rpartition("://")
    scrape = f"{head}://" * bool(head) + path.replace("/announce", "/scrape").replace("%61nnounce", "scrap%65")
    request = read_target(scrape.encode(), ADDRESS)
    assert isinstance(request, ScrapeRequest)
    assert (request.passkey, request.info_hashes, request.address) == (KEY, [HASH], ADDRESS)


@pytest.mark.parametrize("target", [f"/announce?{QUERY}", f"//announce/?{QUERY}", f"/announce.php?{QUERY}"])
@pytest.mark.parametrize("name", ["announce", "scrape"])
def test_without_passkey_in_public_mode(target, name) -> None:
    """In public mode no passkey is needed; otherwise the refusal says that it is missing."""
    data = target.replace("announce", name).encode()
    assert read_target(data, ADDRESS, public=True).passkey is None
    with pytest.raises(BadRequest) as caught:
        read_target(data, ADDRESS)
    assert caught.value.refusal is refusal.PASSKEY_MISSING


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("/", refusal.PATH_INVALID),
        ("", refusal.PATH_INVALID),
        (f"/?{QUERY}", refusal.PATH_INVALID),
        (f"?{QUERY}", refusal.PATH_INVALID),
        ("*", refusal.PATH_INVALID),
        ("/favicon.ico", refusal.PATH_INVALID),
        ("/Announce", refusal.PATH_INVALID),
        (f"/{KEY}?{QUERY}", refusal.PATH_INVALID),
        (f"/{KEY}/announces?{QUERY}", refusal.PATH_INVALID),
        (f"/a/{KEY}/announce?{QUERY}", refusal.PATH_INVALID),
        (f"/{KEY}/announce/x?{QUERY}", refusal.PATH_INVALID),
        (f"{KEY}/announce?{QUERY}", refusal.PATH_INVALID),
        (f"{KEY}/a/announce?{QUERY}", refusal.PATH_INVALID),
        (f"ftp://tracker/{KEY}/announce?{QUERY}", refusal.PATH_INVALID),
        (f"http://tracker?{QUERY}", refusal.PATH_INVALID),
        ("http://", refusal.PATH_INVALID),
        ("://", refusal.PATH_INVALID),
        (f"tracker:34000?{QUERY}", refusal.PATH_INVALID),
        ("/announce", refusal.PASSKEY_MISSING),
        ("/announce?", refusal.PASSKEY_MISSING),
        ("/announce?passkey", refusal.PASSKEY_MISSING),
        (f"/announce?passkey=&{QUERY}", refusal.PASSKEY_MISSING),
        (f"/announce?passkey=/&{QUERY}", refusal.PASSKEY_MISSING),
        (f"/announce?PASSKEY={KEY}&{QUERY}", refusal.PASSKEY_MISSING),
        (f"/{KEY}/announce", refusal.INFO_HASH_MISSING),
        (f"/{KEY}/scrape", refusal.SCRAPE_ALL),
        (f"/{KEY}/scrape?info_hash", refusal.INFO_HASH_INVALID),
        (f"/{KEY}/scrape?info_hash=", refusal.INFO_HASH_INVALID),
        (f"/{KEY}/scrape?info_hash={HASH_TEXT}&info_hash={HASH.hex()}", refusal.INFO_HASH_INVALID),
    ],
)
def test_bad_target_is_refused(target, problem) -> None:
    """A target that is none is refused in words that say what to do, in a bencoded answer."""
    with pytest.raises(BadRequest) as caught:
        read_target(target.encode(), ADDRESS)
    assert (caught.value.refusal, caught.value.status) == (problem, 200)


def test_scrape_of_many_keeps_order_and_is_capped() -> None:
    """Hashes are kept in the order in which they were asked for, repeated ones too, up to the cap."""
    hashes = [bytes((number,)) * 20 for number in range(97, 123)] * 5
    query = b"&".join(b"info_hash=" + each for each in hashes)
    assert read_scrape(KEY, query, ADDRESS).info_hashes == hashes[:MAX_SCRAPE]


# ---- answers


@pytest.mark.parametrize(
    ("close", "version", "connection"),
    [
        (True, b"HTTP/1.1", b"Connection: close\r\n"),
        (True, b"HTTP/1.0", b"Connection: close\r\n"),
        (False, b"HTTP/1.1", b""),
        (False, b"HTTP/1.0", b"Connection: keep-alive\r\n"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"de", b"x" * 12345])
def test_answer(close, version, connection, body) -> None:
    """An answer is a 200 of a known length that says what becomes of the connection where that is not the default."""
    answer = write_answer(body, NOTHING._replace(version=version, close=close))
    head, _, rest = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert set(lines[1:]) - {connection[:-2]} == {b"Content-Type: text/plain", b"Content-Length: %d" % len(body)}
    assert (connection[:-2] in lines) is bool(connection)
    assert rest == body


@pytest.mark.parametrize("status", REASONS)
def test_problem(status) -> None:
    """What is no request is answered in words, with the status, and with what is allowed where a method is not."""
    head, _, body = write_problem(refusal.METHOD_REFUSED, status).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in head
    assert b"Content-Length: %d" % len(body) in head
    assert (b"Allow: GET, HEAD" in head) is (status == 405)
    assert body == b"Only GET and HEAD are served here\n"
