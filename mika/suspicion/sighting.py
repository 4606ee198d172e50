"""Records of the journal as what detectors look at: one sighting for each announce, stop and silence."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mika.ledger.record import ANNOUNCED, CHECKSUM, FRAME, GONE


class Sighting(NamedTuple):
    """One peer as one record left it.

    `uploaded` and `downloaded` are what it really moved since its last announce, `counter` what it says it downloaded
    in all. `announced`: it announced; else it fell silent or was dropped. `gone`: it is no longer known, as a silent
    one still is.
    """

    user_id: int
    info_hash: bytes
    peer_id: bytes
    uploaded: int
    downloaded: int
    counter: int
    left: int
    seen: int
    announced: bool
    gone: bool


_FIELDS = f"<{CHECKSUM}xBB2xq16xQQ12x20s20s8xQQ12xI"
_READ = struct.Struct(f"{_FIELDS}{FRAME - struct.calcsize(_FIELDS)}x")


def sightings(frames: bytes) -> Iterator[Sighting]:
    """Yield what is in frames of the journal, in order; public peers have no account, and are left out."""
    for kind, flags, user_id, up, down, info_hash, peer_id, counter, left, seen in _READ.iter_unpack(frames):
        if kind and user_id >= 0:
            announced = bool(flags & ANNOUNCED)
            yield Sighting(user_id, info_hash, peer_id, up, down, counter, left, seen, announced, kind == GONE)
