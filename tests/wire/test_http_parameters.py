"""The parameters of an announce, each in every way that it is written; the tuned reader against the plain one."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mika.model import LEFT_UNKNOWN
from mika.rules import refusal
from mika.wire.http import read_announce, read_head, read_target, unquote
from mika.wire.ordinary import match_ordinary, scan_ordinary
from mika.wire.request import (
    CRYPTO_REQUIRED,
    CRYPTO_SUPPORTED,
    AnnounceRequest,
    BadRequest,
    Event,
    ScrapeRequest,
)

KEY = "0123456789abcdef"
HASH = bytes(range(120, 140))
HASH_TEXT = "".join(f"%{byte:02x}" for byte in HASH)
QUERY = f"info_hash={HASH_TEXT}&peer_id=-TR4060-7hvlgrs6zrar&port=6881&uploaded=1&downloaded=2&left=3"
ADDRESS = bytes((81, 2, 69, 142))


def fields(request: AnnounceRequest) -> dict[str, Any]:
    """Return all that an announce says."""
    return {name: getattr(request, name) for name in AnnounceRequest.__slots__}


def announce(query: str) -> AnnounceRequest:
    """Read the parameters of an announce."""
    return read_announce(KEY, query.encode("latin-1"), ADDRESS)


def test_all_parameters() -> None:
    """Everything that an announce says is in the request."""
    request = announce(f"{QUERY}&event=started&numwant=80&key=934CB06E&compact=1&supportcrypto=1&no_peer_id=1")
    assert fields(request) == {
        "passkey": KEY,
        "info_hash": HASH,
        "peer_id": b"-TR4060-7hvlgrs6zrar",
        "endpoint": ADDRESS + b"\x1a\xe1",
        "uploaded": 1,
        "downloaded": 2,
        "left": 3,
        "event": Event.STARTED,
        "numwant": 80,
        "key": b"934CB06E",
        "crypto": CRYPTO_SUPPORTED,
        "claims": (),
    }


@pytest.mark.parametrize(
    ("more", "name", "value"),
    [
        ("&event=completed", "event", Event.COMPLETED),
        ("&event=STOPPED", "event", Event.STOPPED),
        ("&event=Paused", "event", Event.PAUSED),
        ("&event=empty", "event", Event.NONE),
        ("&event=", "event", Event.NONE),
        ("&event", "event", Event.NONE),
        ("&event=%00", "event", Event.NONE),
        ("", "numwant", -1),
        ("&numwant=0", "numwant", 0),
        ("&numwant=-1", "numwant", -1),
        ("&numwant=-50", "numwant", -1),
        ("&numwant=", "numwant", -1),
        ("&numwant=many", "numwant", -1),
        ("&num_want=7", "numwant", 7),
        ("&num+want=7", "numwant", 7),
        ("&num%20want=7", "numwant", 7),
        ("&numwant=8&num_want=7", "numwant", 8),
        ("&port=0", "endpoint", ADDRESS + b"\0\0"),
        ("&port=65535", "endpoint", ADDRESS + b"\xff\xff"),
        ("&port=", "endpoint", ADDRESS + b"\0\0"),
        ("&port=0&cryptoport=6882", "endpoint", ADDRESS + b"\x1a\xe2"),
        ("&port=0&cryptoport=6882", "crypto", CRYPTO_SUPPORTED | CRYPTO_REQUIRED),
        ("&cryptoport=6882", "endpoint", ADDRESS + b"\x1a\xe1"),
        ("&cryptoport=6882", "crypto", 0),
        ("&supportcrypto=1", "crypto", CRYPTO_SUPPORTED),
        ("&supportcrypto=0", "crypto", 0),
        ("&requirecrypto=1", "crypto", CRYPTO_SUPPORTED | CRYPTO_REQUIRED),
        ("&left=18446744073709551615", "left", LEFT_UNKNOWN),
        ("&left=-1", "left", LEFT_UNKNOWN),
        ("&left=", "left", LEFT_UNKNOWN),
        ("&left", "left", LEFT_UNKNOWN),
        ("&left=99999999999999999999999", "left", LEFT_UNKNOWN),
        ("&left=844289209932", "left", 844289209932),
        ("&left=0", "left", 0),
        ("&uploaded=9007199254740991", "uploaded", 2**53 - 1),
        ("&downloaded=00000000000000000007", "downloaded", 7),
        ("&key=" + "k" * 200, "key", b"k" * 20),
        ("&ip=10.0.0.1&ipv6=%3a%3a1", "claims", (b"10.0.0.1", b"::1")),
        ("&ipv4=1.2.3.4&ipv4=5.6.7.8", "claims", (b"5.6.7.8",)),
        ("&ip=", "claims", ()),
        (f"&info_hash={HASH_TEXT.upper()}", "info_hash", HASH),
    ],
)
def test_one_parameter(more, name, value) -> None:
    """Each parameter, in each way that it is written."""
    assert getattr(announce(QUERY + more), name) == value


@pytest.mark.parametrize(
    ("name", "field", "value"), [("port", "endpoint", ADDRESS + b"\0\0"), ("left", "left", LEFT_UNKNOWN)]
)
def test_parameter_that_may_be_missing(name, field, value) -> None:
    """Without a port a client listens nowhere; without `left` it does not know yet."""
    query = "&".join(pair for pair in QUERY.split("&") if not pair.startswith(name))
    assert getattr(announce(query), field) == value


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("info_hash", None, refusal.INFO_HASH_MISSING),
        ("info_hash", "", refusal.INFO_HASH_MISSING),
        ("info_hash", HASH.hex(), refusal.INFO_HASH_INVALID),
        ("info_hash", HASH_TEXT + "a", refusal.INFO_HASH_INVALID),
        ("info_hash", HASH_TEXT[:-3], refusal.INFO_HASH_INVALID),
        ("info_hash", HASH_TEXT[:-1], refusal.INFO_HASH_INVALID),
        ("info_hash", "x", refusal.INFO_HASH_INVALID),
        ("peer_id", None, refusal.PEER_ID_MISSING),
        ("peer_id", "", refusal.PEER_ID_MISSING),
        ("peer_id", "-TR4060-", refusal.PEER_ID_INVALID),
        ("peer_id", "x" * 21, refusal.PEER_ID_INVALID),
        ("port", "65536", refusal.PORT_INVALID),
        ("port", "-1", refusal.PORT_INVALID),
        ("port", "+80", refusal.PORT_INVALID),
        ("port", "8e1", refusal.PORT_INVALID),
        ("port", "\u00b2", refusal.PORT_INVALID),
        ("port", "6_881", refusal.PORT_INVALID),
        ("port", "1" * 5000, refusal.PORT_INVALID),
        ("uploaded", None, refusal.UPLOAD_COUNTER_INVALID),
        ("uploaded", "", refusal.UPLOAD_COUNTER_INVALID),
        ("uploaded", "-1", refusal.UPLOAD_COUNTER_INVALID),
        ("uploaded", "1.5", refusal.UPLOAD_COUNTER_INVALID),
        ("uploaded", str(2**53), refusal.UPLOAD_COUNTER_INVALID),
        ("uploaded", "9" * 5000, refusal.UPLOAD_COUNTER_INVALID),
        ("downloaded", None, refusal.DOWNLOAD_COUNTER_INVALID),
        ("downloaded", "x", refusal.DOWNLOAD_COUNTER_INVALID),
        ("downloaded", "%31", refusal.DOWNLOAD_COUNTER_INVALID),
        ("downloaded", str(2**64), refusal.DOWNLOAD_COUNTER_INVALID),
        ("left", "all", refusal.LEFT_INVALID),
        ("left", "-", refusal.LEFT_INVALID),
        ("left", "1.0", refusal.LEFT_INVALID),
    ],
)
def test_bad_parameter_is_named(name, value, problem) -> None:
    """A parameter that is missing or wrong is refused by its name."""
    pairs = dict(pair.split("=") for pair in QUERY.split("&")) | {name: value}
    with pytest.raises(BadRequest) as caught:
        announce("&".join(f"{each}={text}" for each, text in pairs.items() if text is not None))
    assert (caught.value.refusal, caught.value.status) == (problem, 200)


def test_empty_pairs_and_strange_ones_are_passed_over() -> None:
    """Clients glue queries together: empty pairs, pairs without a value, parameters that nobody knows."""
    assert fields(announce(f"&&{QUERY}&&=&=x&azver=3&trackerid&a=b=c&%zz=%zz&")) == fields(announce(QUERY))


PIECES = st.sampled_from([b"%", b"%4", b"%41", b"\\", b"x", b"\xff", b"+"])


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(), st.lists(PIECES).map(b"".join)))
@example(b"%")
@example(b"%5cx41")
@example(b"\\x41%41")
@example(b"%%4141")
@example(b"%a")
def test_unquote_is_urllib_s(text) -> None:
    """Percent-decoding says what urllib says, whatever it is given."""
    assert unquote(text) == unquote_to_bytes(text)


NUMBERS = ("", "0", "1", "16384", "65535", "65536", "007", "-1", "+1", " 1", "1.0", "1_0", "%31", "x", "a=b")
BIG_NUMBERS = (str(2**53 - 1), str(2**53), str(2**63), str(2**64 - 1), "9" * 15, "9" * 16, "9" * 19, "1" * 30)
STRINGS = (
    "",
    "x" * 20,
    "x" * 19,
    HASH_TEXT,
    HASH_TEXT.upper(),
    HASH.hex(),
    "%zz" + "x" * 17,
    "\\" * 20,
    "(!*'~)%00%ff-TR4060-ab",
)
VALUES = {
    "info_hash": STRINGS,
    "peer_id": STRINGS,
    "port": NUMBERS,
    "uploaded": NUMBERS + BIG_NUMBERS,
    "downloaded": NUMBERS + BIG_NUMBERS,
    "left": NUMBERS + BIG_NUMBERS,
    "event": ("", "started", "completed", "stopped", "paused", "empty", "STARTED", "Stopped", "nonsense", "%73topped"),
    "numwant": NUMBERS + BIG_NUMBERS,
    "num_want": NUMBERS,
    "num+want": NUMBERS,
    "num%20want": NUMBERS,
    "key": ("", "934CB06E", "k" * 65, "%20"),
    "supportcrypto": ("", "0", "1", "2"),
    "requirecrypto": ("", "0", "1"),
    "cryptoport": NUMBERS,
    "ip": ("", "1.2.3.4", "::1"),
    "ipv4": ("", "1.2.3.4"),
    "ipv6": ("", "%3a%3a1", "fd1e::1"),
    "compact": ("0", "1"),
    "corrupt": ("0",),
    "azver": ("3",),
    "": ("", "x"),
}


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    """Make a query: what an honest client sends, then odd values, repetitions, omissions, in any order."""
    pairs = [pair for pair in QUERY.split("&") if draw(st.integers(0, 19))]
    for name in draw(st.lists(st.sampled_from(list(VALUES)), max_size=5)):
        value = draw(st.sampled_from(VALUES[name]))
        pairs.append(f"{name}={value}" if draw(st.integers(0, 9)) else name)
    return "&".join(draw(st.permutations(pairs))).encode()


@st.composite
def nearly_ordinary(draw: st.DrawFn) -> bytes:
    """Make a query that begins as most do, and goes on in any way: what the straight way has to tell apart."""
    pairs = []
    for name in draw(st.lists(st.sampled_from(list(VALUES)), max_size=5)):
        value = draw(st.sampled_from(VALUES[name]))
        pairs.append(f"{name}={value}" if draw(st.integers(0, 3)) else name)
    return "&".join([QUERY, *pairs]).encode()


TARGETS = st.sampled_from(
    [
        *(f"/{KEY}/announce", f"/announce/{KEY}", "/announce", f"//{KEY}/announce", "/announce/announce"),
        *("/announce/scrape", "/announce/announce.php", "/announce.php/announce", "/scrape/announce", "/a b/announce"),
    ]
)
ENDS = st.sampled_from(
    [
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.0\r\n\r\n",
        "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1\r\nno colon\r\n\r\n",
        "HTTP/1.1\r\nHost: x\r\n",
        "HTTP/2.0\r\n\r\n",
        "x HTTP/1.1\r\n\r\n",
        "\n HTTP/1.1\r\n\r\n",
    ]
)


def plainly(data: bytes) -> Any:
    """Return what the plain readers make of a request: what it says, headers and end, or the refusal, or None."""
    try:
        head = read_head(data)
        return head and (said(read_target(head.target, ADDRESS)), head.headers, head.end)
    except BadRequest as bad:
        return bad.refusal


def said(request: AnnounceRequest | ScrapeRequest) -> Any:
    """Return all that a request says."""
    return fields(request) if isinstance(request, AnnounceRequest) else request


@settings(max_examples=1000, deadline=None)
@given(TARGETS, st.one_of(queries(), nearly_ordinary()), ENDS, st.binary(max_size=3))
@example(f"/{KEY}/announce", QUERY.encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.encode() + b"&num_want=3", "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.encode() + b"&numwant=" + b"0" * 30 + b"5", "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.encode() + b"&event=%73topped", "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.encode() + b"&event=started&event", "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.encode() + b"&left", "HTTP/1.1\r\n\r\n", b"")
@example("/announce/scrape", QUERY.encode(), "HTTP/1.1\r\n\r\n", b"")
@example("/announce/announce.php", QUERY.encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.replace("-TR4060-7hv", "-TR4060 7hv").encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.replace("-TR4060-7h", "-TR4060\r\n7h").encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.replace("-TR4060-7h", "-TR4060\n7hh").encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.replace("-TR4060-7h", "-TR4060\\x41hh").encode(), "HTTP/1.1\r\n\r\n", b"")
@example(f"/{KEY}/announce", QUERY.replace("&left=3", "&left=3\n").encode(), "HTTP/1.1\r\n\r\n", b"")
def test_fast_readers_agree_with_the_plain_ones(target, query, end, behind) -> None:
    """Where the straight way answers, it says what the plain readers say, field by field."""
    data = f"GET {target}?".encode() + query + b" " + end.encode() + behind
    for read_ordinary in (match_ordinary, scan_ordinary):
        try:
            ordinary = read_ordinary(data, 0, ADDRESS)
            read: Any = ordinary and (fields(ordinary[0]), *ordinary[1:])
        except BadRequest as bad:
            read = bad.refusal
        assert read is None or read == plainly(data)


@pytest.mark.parametrize("read_ordinary", [match_ordinary, scan_ordinary])
@pytest.mark.parametrize("target", [f"/{KEY}/announce", f"/announce/{KEY}"])
def test_fast_readers_take_what_clients_send(target, read_ordinary) -> None:
    """The announces of libtorrent and Transmission go the straight way: else it would be of no use."""
    for more in (
        "&corrupt=0&key=F9659D6C&event=stopped&numwant=0&compact=1&no_peer_id=1&supportcrypto=1&redundant=0",
        "&numwant=80&key=934CB06E&compact=1&supportcrypto=1&event=started",
        "",
    ):
        data = f"GET {target}?{QUERY}{more} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        ordinary = read_ordinary(data, 0, ADDRESS)
        assert ordinary is not None
        assert (fields(ordinary[0]), *ordinary[1:]) == plainly(data)
        assert read_ordinary(data[:-1], 0, ADDRESS) is None
