"""Writes the record of an announce byte by byte, for `record.py`, which has struct in its place as plain Python."""

from __future__ import annotations

from mika._peer_cy import Peer
from mika._totals_cy import Totals

PEER = 1
GONE = 2

SIZE = 180
"""Bytes of a record. Where each field is, `record.py` says: numbers are little-endian, without gaps."""

NOTHING = Totals()

_scratch = bytearray(SIZE)


def write_record(info_hash: bytes, peer: Peer, credit: Totals = NOTHING, gone: bool = False) -> bytes:
    """Return the record of a peer as it is now, with what its announce was worth to it: `record.pack_record`."""
    out = _scratch
    flags = credit.announces | credit.completed << 1
    if peer.seeder:
        flags |= 4
    if peer.paused:
        flags |= 8
    if peer.active:
        flags |= 16
    if peer.endpoint4:
        flags |= 32
    if peer.endpoint6:
        flags |= 64
    out[0] = GONE if gone else PEER
    out[1] = flags
    out[2] = peer.crypto
    out[3] = len(peer.key)
    put_8(out, 4, peer.user_id)
    put_8(out, 12, credit.uploaded)
    put_8(out, 20, credit.downloaded)
    put_8(out, 28, credit.uploaded_real)
    put_8(out, 36, credit.downloaded_real)
    put_8(out, 44, credit.bonus)
    put_4(out, 52, credit.seed_seconds)
    put_bytes(out, 56, info_hash, 20)
    put_bytes(out, 76, peer.peer_id, 20)
    put_8(out, 96, peer.uploaded)
    put_8(out, 104, peer.downloaded)
    put_8(out, 112, peer.left)
    put_4(out, 120, peer.seen4)
    put_4(out, 124, peer.seen6)
    put_4(out, 128, peer.first_seen)
    put_4(out, 132, peer.last_seen)
    put_bytes(out, 136, peer.endpoint4, 6)
    put_bytes(out, 142, peer.endpoint6, 18)
    put_bytes(out, 160, peer.key, 20)
    return bytes(out[:SIZE])


def put_8(out: bytearray, at: int, value: int) -> None:
    """Write a number of 8 bytes."""
    for index in range(8):
        out[at + index] = value >> 8 * index & 255


def put_4(out: bytearray, at: int, value: int) -> None:
    """Write a number of 4 bytes."""
    for index in range(4):
        out[at + index] = value >> 8 * index & 255


def put_bytes(out: bytearray, at: int, value: bytes, room: int) -> None:
    """Write bytes, and zeros to the end of their room."""
    text = value
    length = min(len(value), room)
    for index in range(length):
        out[at + index] = text[index]
    for index in range(length, room):
        out[at + index] = 0
