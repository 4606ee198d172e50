"""Answers into bencoded bytes, compared on random answers with a plain encoder, the `bencode.py` package."""

from __future__ import annotations

from typing import Any

import bencodepy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mika.rules.refusal import PASSKEY_INVALID, STORE_UNAVAILABLE, TORRENT_DELETED, TORRENT_DISABLED, Refusal
from mika.wire._response_cy import format_announce, format_answer
from mika.wire.headers import Headers
from mika.wire.http import answer_plainly
from mika.wire.response import (
    AnnounceResponse,
    ScrapedTorrent,
    ScrapeResponse,
    format_plainly,
    write_announce,
    write_refusal,
    write_scrape,
)

COUNTS = st.integers(0, 2**63)
HEADERS = [
    Headers(version, close, False, b"", b"") for version in (b"HTTP/1.0", b"HTTP/1.1") for close in (True, False)
]


@st.composite
def announce_responses(draw: st.DrawFn) -> AnnounceResponse:
    """Make any answer to an announce, of either family."""
    width = draw(st.sampled_from([4, 16]))
    response = AnnounceResponse(draw(st.binary(min_size=width, max_size=width)), draw(COUNTS), draw(COUNTS))
    response.complete = draw(COUNTS)
    response.incomplete = draw(COUNTS)
    response.downloaded = draw(COUNTS)
    response.peers = b"".join(draw(st.lists(st.binary(min_size=width + 2, max_size=width + 2), max_size=5)))
    response.warning = draw(st.binary(max_size=40))
    return response


def plain_announce(response: AnnounceResponse) -> dict[str, Any]:
    """Return an answer as the dictionary that DESIGN's words describe."""
    ipv4 = len(response.external_ip) == 4
    plain = {
        "complete": response.complete,
        "downloaded": response.downloaded,
        "external ip": response.external_ip,
        "incomplete": response.incomplete,
        "interval": response.interval,
        "min interval": response.min_interval,
        "peers": response.peers if ipv4 else b"",
    }
    plain |= {} if ipv4 else {"peers6": response.peers}
    return plain | ({"warning message": response.warning} if response.warning else {})


def agree(written: bytes, plain: dict[str, Any]) -> None:
    """Assert that the bytes are the plain dictionary's, with sorted keys, and decode to the same."""
    assert written == bencodepy.encode(plain)
    decoded = bencodepy.decode(written)
    assert list(decoded) == sorted(decoded)
    assert bencodepy.encode(decoded) == written


@settings(max_examples=300, deadline=None)
@given(announce_responses())
def test_announce_is_bencode(response) -> None:
    """The answer to an announce is what a plain encoder makes of it, IPv4 or IPv6, with a warning or without."""
    agree(format_plainly(response), plain_announce(response))
    agree(format_announce(response), plain_announce(response))
    for headers in HEADERS:
        body = format_plainly(response)
        assert format_answer(body, headers) == answer_plainly(body, headers)


@pytest.mark.parametrize("width", [4, 16])
def test_announce_has_its_keys(width) -> None:
    """Over IPv4 there is no `peers6`; over IPv6 `peers` is there and empty."""
    response = AnnounceResponse(bytes(width), 1800, 900)
    response.peers = bytes(width + 2)
    decoded = bencodepy.decode(write_announce(response))
    assert (b"peers6" in decoded) is (width == 16)
    assert decoded[b"peers" if width == 4 else b"peers6"] == bytes(width + 2)
    assert width == 4 or decoded[b"peers"] == b""
    assert b"warning message" not in decoded


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.binary(min_size=20, max_size=20), st.builds(ScrapedTorrent, COUNTS, COUNTS, COUNTS, COUNTS)),
    st.integers(0, 86400),
)
def test_scrape_is_bencode(files, min_interval) -> None:
    """The answer to a scrape is what a plain encoder makes of it, for no torrent and for many."""
    agree(
        write_scrape(ScrapeResponse(files, min_interval)),
        {
            "files": {info_hash: figures._asdict() for info_hash, figures in files.items()},
            "flags": {"min_request_interval": min_interval},
        },
    )


def test_scrape_of_a_hundred() -> None:
    """Files are sorted by hash, in whatever order they were asked for."""
    files = {bytes((number,)) * 20: ScrapedTorrent(number, 0, 0, 1) for number in reversed(range(100))}
    decoded = bencodepy.decode(write_scrape(ScrapeResponse(files, 900)))
    assert list(decoded[b"files"]) == sorted(files)
    assert decoded[b"files"][bytes((7,)) * 20][b"complete"] == 7


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Refusal,
        st.text(max_size=20),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
        st.none() | st.integers(1, 10_000),
    ),
    st.integers(1, 86400),
)
def test_refusal_is_bencode(refusal, interval) -> None:
    """A failure is what a plain encoder makes of it, with text in UTF-8 and all six keys always."""
    wait = interval if refusal.retry is None else refusal.retry * 60
    agree(
        write_refusal(refusal, interval),
        {
            "failure code": refusal.code,
            "failure reason": refusal.words,
            "interval": wait,
            "min interval": wait,
            "peers": b"",
            "retry in": b"never" if refusal.retry is None else refusal.retry,
        },
    )


@pytest.mark.parametrize(
    ("refusal", "words", "retry", "interval"),
    [
        (PASSKEY_INVALID, PASSKEY_INVALID.words, b"never", 1800),
        (STORE_UNAVAILABLE, STORE_UNAVAILABLE.words, 2, 120),
        (TORRENT_DELETED, "Unregistered torrent", b"never", 1800),
        (TORRENT_DELETED.because("Größer ist besser"), "Unregistered torrent: Größer ist besser", b"never", 1800),
        (TORRENT_DISABLED.because("in moderation"), "This torrent is disabled: in moderation", 30, 1800),
    ],
)
def test_refusal_says(refusal, words, retry, interval) -> None:
    """`retry in` is minutes or never (BEP 31), and `interval` is the same time in seconds."""
    decoded = bencodepy.decode(write_refusal(refusal, 1800))
    assert decoded[b"failure reason"].decode() == words
    assert (decoded[b"retry in"], decoded[b"interval"], decoded[b"min interval"]) == (retry, interval, interval)
