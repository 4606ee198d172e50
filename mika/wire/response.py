"""What requests are answered with, as values and as bencoded bytes (BEP 3, 7, 23, 24, 31, 48).

The writers format bytes by hand, keys in sorted order; the tests compare them with a plain encoder on random answers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mika.compiled import runs_compiled
from mika.rules.refusal import Refusal
from mika.wire import _response_cy
from mika.wire._response_cy import AnnounceResponse, format_announce

__all__ = [
    "AnnounceResponse",
    "ScrapeResponse",
    "ScrapedTorrent",
    "write_announce",
    "write_refusal",
    "write_scrape",
]


class ScrapedTorrent(NamedTuple):
    """The figures of one torrent in a scrape; `downloaders` leaves out partial seeds (BEP 21)."""

    complete: int
    downloaded: int
    downloaders: int
    incomplete: int


class ScrapeResponse(NamedTuple):
    """The answer to a scrape: figures by the hash that was asked for."""

    files: dict[bytes, ScrapedTorrent]
    min_interval: int


def format_plainly(response: AnnounceResponse) -> bytes:
    """Bencode an answer; over IPv6 `peers` is there and empty, for clients that fail without it."""
    external_ip = response.external_ip
    peers = response.peers
    return (
        b"d8:completei%de10:downloadedi%de11:external ip%d:%b10:incompletei%de8:intervali%de12:min intervali%de"
        b"%b%d:%b%be"
        % (
            response.complete,
            response.downloaded,
            len(external_ip),
            external_ip,
            response.incomplete,
            response.interval,
            response.min_interval,
            b"5:peers" if len(external_ip) == 4 else b"5:peers0:6:peers6",
            len(peers),
            peers,
            b"15:warning message%d:%b" % (len(response.warning), response.warning) if response.warning else b"",
        )
    )


write_announce = format_announce if runs_compiled(_response_cy) else format_plainly


def write_scrape(response: ScrapeResponse) -> bytes:
    """Bencode an answer to a scrape, with `flags.min_request_interval`."""
    files = b"".join(
        b"20:%bd8:completei%de10:downloadedi%de11:downloadersi%de10:incompletei%dee" % (info_hash, *figures)
        for info_hash, figures in sorted(response.files.items())
    )
    return b"d5:filesd%be5:flagsd20:min_request_intervali%deee" % (files, response.min_interval)


@lru_cache(maxsize=1024)
def write_refusal(refusal: Refusal, interval: int) -> bytes:
    """Bencode a failure with all of its keys; `interval` seconds is what a client waits where `retry` says never."""
    if refusal.retry is None:
        retry = b"5:never"
    else:
        retry = b"i%de" % refusal.retry
        interval = refusal.retry * 60
    code = refusal.code.encode()
    words = refusal.words.encode()
    return b"d12:failure code%d:%b14:failure reason%d:%b8:intervali%de12:min intervali%de5:peers0:8:retry in%be" % (
        len(code),
        code,
        len(words),
        words,
        interval,
        interval,
        retry,
    )
