"""Peers as rows: the statements behind `SqlStore`'s `IPeerStore`, each inside the caller's transaction.

Clients count in unsigned 64 bits, columns are signed: the upper half is kept as negative, so `LEFT_UNKNOWN` is -1.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from mika.interfaces import Mark
from mika.model import INT64_MAX, Peer
from mika.store.batches import write_mark
from mika.store.dialect import Dialect
from mika.store.schema import peers
from mika.store.values import PEER_FIELDS, thaw_peer

Key = tuple[bytes, int, bytes]

_COLUMNS = ("info_hash", *PEER_FIELDS)
_COUNTERS = slice(PEER_FIELDS.index("uploaded"), PEER_FIELDS.index("left") + 1)
_UINT64_MAX = 2**64 - 1

_KEY = ("info_hash", "user_id", "peer_id")
_GONE = delete(peers).where(*(peers.c[name] == bindparam(name) for name in _KEY))


def _signed(number: int) -> int:
    number &= _UINT64_MAX
    return number if number <= INT64_MAX else number - _UINT64_MAX - 1


def load(connection: Connection) -> list[tuple[bytes, Peer]]:
    """Return every peer and the info hash of its swarm."""
    found = []
    for info_hash, *frozen in connection.execute(select(*(peers.c[name] for name in _COLUMNS))):
        frozen[_COUNTERS] = [number & _UINT64_MAX for number in frozen[_COUNTERS]]
        found.append((info_hash, thaw_peer(frozen)))
    return found


def apply(
    connection: Connection,
    dialect: Dialect,
    mark: Mark,
    present: list[tuple[bytes, tuple[Any, ...]]],
    gone: list[Key],
) -> None:
    """Delete the gone, write the present (info hash and `freeze_peer`), and write the mark."""
    dialect.execute_all(connection, _GONE, _KEY, sorted(gone))
    rows = [_row(info_hash, frozen) for info_hash, frozen in sorted(present)]
    dialect.execute_all(connection, dialect.upsert(peers), _COLUMNS, rows)
    write_mark(connection, "peers", mark)


def _row(info_hash: bytes, frozen: tuple[Any, ...]) -> tuple[Any, ...]:
    if max(frozen[_COUNTERS]) <= INT64_MAX:
        return (info_hash, *frozen)
    return (info_hash, *frozen[: _COUNTERS.start], *map(_signed, frozen[_COUNTERS]), *frozen[_COUNTERS.stop :])
