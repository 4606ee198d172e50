"""What every protocol is parsed into: announces and scrapes as values, and the one error of all parsers."""

from __future__ import annotations

from mika.errors import MikaError
from mika.rules.refusal import Refusal
from mika.wire._request_cy import AnnounceRequest, Event

__all__ = [
    "COMPLETED",
    "CRYPTO_REQUIRED",
    "CRYPTO_SUPPORTED",
    "PAUSED",
    "STARTED",
    "STOPPED",
    "AnnounceRequest",
    "BadRequest",
    "Event",
    "ScrapeRequest",
    "hashes_of",
]


# On the announce path under names of their own: looking a member up in its enum takes as long as a dictionary does.
STARTED = Event.STARTED
STOPPED = Event.STOPPED
COMPLETED = Event.COMPLETED
PAUSED = Event.PAUSED

CRYPTO_SUPPORTED = 1
"""Bit of `AnnounceRequest.crypto`: the client can encrypt its connections (supportcrypto=1)."""

CRYPTO_REQUIRED = 2
"""Bit of `AnnounceRequest.crypto`: the client accepts only encrypted connections (requirecrypto=1)."""


class BadRequest(MikaError):  # noqa: N818 - the name that HTTP gives it
    """Bytes that are no request. `status` is that of HTTP: 200 for what is bencoded, else the connection ends."""

    def __init__(self, refusal: Refusal, status: int = 200) -> None:
        super().__init__(refusal.words)
        self.refusal = refusal
        self.status = status


class ScrapeRequest:
    """One scrape (BEP 48): who asks, from which packed address, about which info hashes, in their order."""

    __slots__ = ("address", "info_hashes", "passkey")

    def __init__(self, passkey: str | None, info_hashes: list[bytes], address: bytes) -> None:
        self.passkey = passkey
        self.info_hashes = info_hashes
        self.address = address


def hashes_of(request: AnnounceRequest | ScrapeRequest) -> tuple[bytes, ...]:
    """Return the info hashes that a request asks about."""
    return tuple(request.info_hashes) if isinstance(request, ScrapeRequest) else (request.info_hash,)
