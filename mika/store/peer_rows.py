"""Peers as rows: the statements behind `SqlStore`'s `IPeerStore`, each inside the caller's transaction.

Clients count in unsigned 64 bits, columns are signed: the upper half is kept as negative, so `LEFT_UNKNOWN` is -1.
"""

from __future__ import annotations

from operator import itemgetter
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
_COUNTERS = tuple(_COLUMNS.index(name) for name in ("uploaded", "downloaded", "left"))
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
        for at in _COUNTERS:
            frozen[at - 1] &= _UINT64_MAX
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
    rows = sorted((info_hash, *frozen) for info_hash, frozen in present)
    if rows and max(map(max, map(itemgetter(*_COUNTERS), rows))) > INT64_MAX:
        rows = [tuple(_signed(value) if at in _COUNTERS else value for at, value in enumerate(row)) for row in rows]
    dialect.execute_all(connection, dialect.upsert(peers), _COLUMNS, rows)
    write_mark(connection, "peers", mark)
