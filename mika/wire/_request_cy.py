"""AnnounceRequest: one announce of any protocol. `request.py` has it among what requests are parsed into."""

from __future__ import annotations

from enum import IntEnum


class Event(IntEnum):
    """Why a client announces (BEP 3); PAUSED is a partial seed (BEP 21)."""

    NONE = 0
    STARTED = 1
    COMPLETED = 2
    STOPPED = 3
    PAUSED = 4


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
