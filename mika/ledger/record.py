"""One record of the journal: what an announce was worth and where it left its peer, as bytes and back.

`tail.py` writes one of each announce and of each silence; `merge.py` adds them up for the stores.
Every record has the same length, so that its place is its number. A checksum stands before each.
"""

from __future__ import annotations

import struct

from mika.model import Peer, Totals

PEER = 1
"""Kind: a peer as it is now, and what its announce was worth. (0 is room that nothing was ever written to.)"""

GONE = 2
"""Kind: a peer that is gone, and what its last announce was worth."""

ANNOUNCED = 1
"""Flag: the record is of an announce, and not of a peer that fell silent or was dropped."""

COMPLETED = 2
"""Flag: the announce is the first completion of its user and torrent."""

_SEEDER = 4
_PAUSED = 8
_ACTIVE = 16
_HAS_4 = 32
_HAS_6 = 64

# kind, flags, crypto, length of the key; user id; the six figures of an announce; info hash, peer id; uploaded,
# downloaded, left; seen4, seen6, first_seen, last_seen; endpoints; key
_BODY = struct.Struct("<BBBBq5QI20s20s3Q4I6s18s20s")
CHECKSUM = 4
"""Bytes of the checksum before a record."""

FRAME = CHECKSUM + _BODY.size
"""Bytes of a record with its checksum."""

_pack = _BODY.pack
put_frame = struct.Struct(f"<I{_BODY.size}s").pack_into
"""Write a record behind its checksum: into which memory and where, the checksum, the record."""

NOTHING = Totals()
"""What a record of no announce is worth."""


def pack_record(info_hash: bytes, peer: Peer, credit: Totals, gone: bool) -> bytes:
    """Return the record of a peer as it is now, with what its announce (`credit.announces`) was worth to it.

    `info_hash` is the torrent's own, 20 bytes. `credit.completed` says that this was a completion. Compiled,
    `_record_cy.pyx` does it.
    """
    endpoint4 = peer.endpoint4
    endpoint6 = peer.endpoint6
    flags = credit.announces | credit.completed << 1
    if peer.seeder:
        flags |= _SEEDER
    if peer.paused:
        flags |= _PAUSED
    if peer.active:
        flags |= _ACTIVE
    if endpoint4:
        flags |= _HAS_4
    if endpoint6:
        flags |= _HAS_6
    key = peer.key
    return _pack(
        GONE if gone else PEER,
        flags,
        peer.crypto,
        len(key),
        peer.user_id,
        credit.uploaded,
        credit.downloaded,
        credit.uploaded_real,
        credit.downloaded_real,
        credit.bonus,
        credit.seed_seconds,
        info_hash,
        peer.peer_id,
        peer.uploaded,
        peer.downloaded,
        peer.left,
        peer.seen4,
        peer.seen6,
        peer.first_seen,
        peer.last_seen,
        endpoint4,
        endpoint6,
        key,
    )


def peer_of(frame: bytes) -> tuple[bytes, Peer, bool] | None:
    """Return info hash and peer (in no slot) of a frame, and whether the peer is gone; None: the frame holds none."""
    fields = _BODY.unpack(frame[CHECKSUM:])
    kind, flags, crypto, key_length, user_id = fields[:5]
    if kind not in {PEER, GONE}:
        return None
    info_hash, peer_id = fields[11:13]
    peer = Peer(user_id, peer_id, 0)
    peer.uploaded, peer.downloaded, peer.left = fields[13:16]
    peer.seen4, peer.seen6, peer.first_seen, peer.last_seen = fields[16:20]
    endpoint4, endpoint6, key = fields[20:]
    peer.endpoint4 = endpoint4 if flags & _HAS_4 else b""
    peer.endpoint6 = endpoint6 if flags & _HAS_6 else b""
    peer.key = key[:key_length]
    peer.crypto = crypto
    peer.seeder = bool(flags & _SEEDER)
    peer.paused = bool(flags & _PAUSED)
    peer.active = bool(flags & _ACTIVE)
    return info_hash, peer, kind == GONE
