"""Writes the record of an announce byte by byte, for `tail.py`; as plain Python it has struct, of `record.py`."""

from __future__ import annotations

from mika._peer_cy import Peer
from mika._totals_cy import Totals

PEER = 1
GONE = 2

FRAME = 184
"""Bytes of a record with its checksum. `record.py` says where each field is: little-endian numbers, without gaps."""


def write_record(frame: bytearray, info_hash: bytes, peer: Peer, credit: Totals, gone: bool) -> None:
    """Write the record of a peer as it is now, with what its announce was worth to it, behind its checksum."""
    out = frame
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
    out[4] = GONE if gone else PEER
    out[5] = flags
    out[6] = peer.crypto
    out[7] = len(peer.key)
    put_8(out, 8, peer.user_id)
    put_8(out, 16, credit.uploaded)
    put_8(out, 24, credit.downloaded)
    put_8(out, 32, credit.uploaded_real)
    put_8(out, 40, credit.downloaded_real)
    put_8(out, 48, credit.bonus)
    put_4(out, 56, credit.seed_seconds)
    put_bytes(out, 60, info_hash, 20)
    put_bytes(out, 80, peer.peer_id, 20)
    put_8(out, 100, peer.uploaded)
    put_8(out, 108, peer.downloaded)
    put_8(out, 116, peer.left)
    put_4(out, 124, peer.seen4)
    put_4(out, 128, peer.seen6)
    put_4(out, 132, peer.first_seen)
    put_4(out, 136, peer.last_seen)
    put_bytes(out, 140, peer.endpoint4, 6)
    put_bytes(out, 146, peer.endpoint6, 18)
    put_bytes(out, 164, peer.key, 20)


def write_checksum(frame: bytearray, checksum: int) -> None:
    """Write the checksum before a record."""
    put_4(frame, 0, checksum)


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
