"""What every protocol is parsed into: announces and scrapes as values, and the one error of all parsers."""

from __future__ import annotations

from enum import IntEnum

from mika.errors import MikaError
from mika.rules.refusal import Refusal


class Event(IntEnum):
    """Why a client announces (BEP 3); PAUSED is a partial seed (BEP 21)."""

    NONE = 0
    STARTED = 1
    COMPLETED = 2
    STOPPED = 3
    PAUSED = 4


# On the announce path under names of their own: looking a member up in its enum takes as long as a dictionary does.
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


class AnnounceRequest:
    """One announce. Made for each one, so: slots, and not frozen, but nobody changes it.

    `passkey` is None in public mode; `info_hash`, `peer_id` are 20 bytes; `endpoint` is the compact form (BEP 23,
    BEP 7) of the address it came from and the port it names; `numwant` is -1 when it does not say; `claims` are the
    raw `ip=`, `ipv4=`, `ipv6=`, believed only where the operator says so.
    """

    __slots__ = (
        "claims",
        "crypto",
        "downloaded",
        "endpoint",
        "event",
        "info_hash",
        "key",
        "left",
        "numwant",
        "passkey",
        "peer_id",
        "uploaded",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - twelve parameters of the protocol; set one by one they would take longer
        self,
        passkey: str | None,
        info_hash: bytes,
        peer_id: bytes,
        endpoint: bytes,
        uploaded: int = 0,
        downloaded: int = 0,
        left: int = 0,
        event: Event = Event.NONE,
        numwant: int = -1,
        key: bytes = b"",
        crypto: int = 0,
        claims: tuple[bytes, ...] = (),
    ) -> None:
        self.passkey = passkey
        self.info_hash = info_hash
        self.peer_id = peer_id
        self.endpoint = endpoint
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.left = left
        self.event = event
        self.numwant = numwant
        self.key = key
        self.crypto = crypto
        self.claims = claims


class ScrapeRequest:
    """One scrape (BEP 48): who asks, from which packed address, about which info hashes, in their order."""

    __slots__ = ("address", "info_hashes", "passkey")

    def __init__(self, passkey: str | None, info_hashes: list[bytes], address: bytes) -> None:
        self.passkey = passkey
        self.info_hashes = info_hashes
        self.address = address
