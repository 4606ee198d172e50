"""Peers as rows: the statements behind `SqlStore`'s `IPeerStore`, each inside the caller's transaction.

Clients count in unsigned 64 bits, columns are signed: the upper half is kept as negative, so `LEFT_UNKNOWN` is -1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, delete, literal, select

from mika.interfaces import Circle, Mark
from mika.model import INT64_MAX, Peer
from mika.store.batches import chunks, write_mark
from mika.store.dialect import Dialect, Row
from mika.store.point import Distance, Point, Within, wkb
from mika.store.schema import peers
from mika.store.values import PEER_FIELDS, freeze_peers, thaw_peer

Key = tuple[bytes, int, bytes]

_COLUMNS = ("info_hash", *PEER_FIELDS)
_COUNTERS = tuple(_COLUMNS.index(name) for name in ("uploaded", "downloaded", "left"))
_PLACE = _COLUMNS.index("location")
_UINT64_MAX = 2**64 - 1

_KEY = ("info_hash", "user_id", "peer_id")
_ALL = select(*(peers.c[name] for name in _COLUMNS))
_GONE = delete(peers).where(*(peers.c[name] == bindparam(name) for name in _KEY))


def signed(number: int) -> int:
    """Return unsigned 64 bits as a column takes them."""
    number &= _UINT64_MAX
    return number if number <= INT64_MAX else number - _UINT64_MAX - 1


def unsigned(number: int) -> int:
    """Return what `signed` was given."""
    return number & _UINT64_MAX


def load(connection: Connection, dialect: Dialect, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> None:
    """Call `keep` with every peer and the info hash of its swarm, some at a time."""
    dialect.fetch_all(connection, _ALL, lambda rows: keep([(row[0], _peer(row)) for row in rows]))


def _peer(row: Row) -> Peer:
    if row[_COUNTERS[0]] < 0 or row[_COUNTERS[1]] < 0 or row[_COUNTERS[2]] < 0:
        row = tuple(unsigned(value) if at in _COUNTERS else value for at, value in enumerate(row))
    return thaw_peer(row[1:])


def near(connection: Connection, info_hash: bytes, circle: Circle) -> list[tuple[int, bytes]]:
    """Return user id and peer id of the peers of a swarm in the circle, nearest first."""
    place = (circle.latitude, circle.longitude)
    here = (peers.c.info_hash == info_hash) & Within(peers.c.location, place, circle.metres)
    metres = Distance(peers.c.location, literal(place, Point()))
    query = select(peers.c.user_id, peers.c.peer_id).where(here).order_by(metres)
    return [(user_id, peer_id) for user_id, peer_id in connection.execute(query)]


def apply(
    connection: Connection, dialect: Dialect, mark: Mark, present: list[tuple[bytes, Peer]], gone: list[Key]
) -> None:
    """Write the mark, delete the gone, and write the present; both come in the order of keys."""
    write_mark(connection, "peers", mark)
    dialect.execute_all(connection, _GONE, _KEY, gone)
    rows = [row for some in chunks(present) for row in _frozen(some)]
    dialect.execute_all(connection, dialect.upsert(peers), _COLUMNS, rows)


def _frozen(present: Sequence[tuple[bytes, Peer]]) -> list[Row]:
    """Return peers as values, in the order of the columns."""
    rows: list[Row] = [(info_hash, *frozen) for info_hash, frozen in freeze_peers(present)]
    if max(map(max, map(itemgetter(*_COUNTERS), rows))) > INT64_MAX:
        rows = [tuple(signed(value) if at in _COUNTERS else value for at, value in enumerate(row)) for row in rows]
    if any(row[_PLACE] for row in rows):
        rows = [(*row[:_PLACE], wkb(row[_PLACE])) for row in rows]
    return rows
