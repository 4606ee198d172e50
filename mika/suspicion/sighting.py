"""Records of the journal as what detectors look at: one sighting for each announce, stop and silence."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mika.ledger.record import ANNOUNCED, CHECKSUM, FRAME, GONE


@dataclass
class Sighting:
    """One peer as one record left it.

    `uploaded` and `downloaded` are what it really moved since its last announce, `earlier` what it says it downloaded
    before its first one, 0 in all others. `announced`: it announced; else it fell silent or was dropped. `gone`: it is
    no longer known, as a silent one still is. `seeded`: seconds since its last announce, if it had everything then, and
    has; an hour and more are cut off.
    """

    user_id: int
    info_hash: bytes
    peer_id: bytes
    uploaded: int
    downloaded: int
    earlier: int
    left: int
    seen: int
    announced: bool
    gone: bool
    seeded: int = 0


_FIELDS = f"<{CHECKSUM}xBB2xq16xQQ8xI20s20s8xQQ8xII"
_READ = struct.Struct(f"{_FIELDS}{FRAME - struct.calcsize(_FIELDS)}x")


def sightings(frames: bytes) -> Iterator[Sighting]:
    """Yield what is in frames of the journal, in order; public peers have no account, and are left out."""
    for fields in _READ.iter_unpack(frames):
        kind, flags, user_id, up, down, seeded, info_hash, peer_id, counter, left, first, seen = fields
        if kind and user_id >= 0:
            earlier = counter if first == seen else 0
            announced, gone = bool(flags & ANNOUNCED), kind == GONE
            yield Sighting(user_id, info_hash, peer_id, up, down, earlier, left, seen, announced, gone, seeded)
