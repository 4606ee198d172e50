"""Whatever bytes arrive: they are read, or waited for, or refused, and nothing else happens."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from mika.wire.http import read_head, read_target
from mika.wire.request import AnnounceRequest, BadRequest, ScrapeRequest

KEY = "0123456789abcdef"
HASH = bytes(range(120, 140))
HASH_TEXT = "".join(f"%{byte:02x}" for byte in HASH)
QUERY = f"info_hash={HASH_TEXT}&peer_id=-TR4060-7hvlgrs6zrar&port=6881&uploaded=1&downloaded=2&left=3"
ADDRESS = bytes((81, 2, 69, 142))

REAL = (
    b"GET /a HTTP/1.1\r\nHost: tracker\r\n\r\n",
    f"GET /{KEY}/announce?{QUERY}&event=started&numwant=80 HTTP/1.1\r\nHost: t\r\nUser-Agent: x\r\n\r\n".encode(),
    f"\r\nGET /announce.php?passkey={KEY}&{QUERY} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode(),
    f"HEAD http://t/scrape/{KEY}?info_hash={HASH_TEXT} HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\n".encode(),
)
WORDS = st.sampled_from(
    [
        *b"GET HEAD POST / // announce scrape .php ? & = % %00 : HTTP/1.1 HTTP/1.0 http:// info_hash passkey".split(),
        *(
            b" ",
            b"\r\n",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"\0",
            b"\xff",
            b"-1",
            b"[",
            b"\\x",
            b"Content-Length: 5",
            b"Connection",
        ),
        *(KEY.encode(), HASH, HASH_TEXT.encode()),
    ]
)


def read_everything(data: bytes) -> None:
    """Read heads and their targets as long as there are any, and let only the one error pass."""
    position = 0
    with suppress(BadRequest):
        while (head := read_head(data, position)) is not None:
            assert position < head.end <= len(data)
            position = head.end
            for public in (False, True):
                with suppress(BadRequest):
                    assert isinstance(read_target(head.target, ADDRESS, public=public), AnnounceRequest | ScrapeRequest)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(WORDS, max_size=30).map(b"".join)))
def test_any_bytes_are_read_or_refused(data) -> None:
    """Random bytes and random sequences of HTTP's own words end in a value, in None, or in the one error."""
    read_everything(data)
    with suppress(BadRequest):
        assert isinstance(read_target(data, ADDRESS), AnnounceRequest | ScrapeRequest)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(REAL), st.data())
def test_any_damage_is_read_or_refused(real, data) -> None:
    """So do real requests with bytes replaced, put in and left out."""
    content = bytearray(real * data.draw(st.integers(1, 2)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.one_of(st.binary(max_size=3), WORDS))
    read_everything(bytes(content))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(REAL), min_size=1, max_size=3).map(b"".join), st.data())
def test_cuts_change_nothing(data, draw) -> None:
    """Wherever what arrives is cut, the requests in it are the same."""
    whole, pieces, rest = [], [], b""
    position = 0
    while (head := read_head(data, position)) is not None:
        whole.append(head.target)
        position = head.end
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        rest += data[start:end]
        while (head := read_head(rest)) is not None:
            pieces.append(head.target)
            rest = rest[head.end :]
    assert pieces == whole
