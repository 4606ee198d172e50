"""Torrents, completions and the whitelist as rows: the statements behind `SqlStore`'s `ITorrentStore`.

No two torrents share a hash, in whichever of the two columns and deleted or not: a deleted one that would is forgotten.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, bindparam, delete, or_, select

from mika.interfaces import Mark
from mika.model import Torrent, Totals
from mika.store.batches import chunks, grow, growth_of, insert_all, save_all, saved, touch_all, write_mark
from mika.store.dialect import Dialect
from mika.store.schema import completions, torrents, whitelist
from mika.store.taken import refuse_hashes_of_others, refuse_taken_torrents
from mika.store.values import TOTALS, Growth, hashes, short_v2

_SHORT = torrents.c.info_hash_v2_short
_FACTS = [column.name for column in torrents.columns if column.name not in (*TOTALS, _SHORT.name)]
_GROWTH = growth_of(torrents.c.info_hash)
_SAVED = saved(torrents.c.info_hash, [*(name for name in _FACTS if name != "info_hash"), _SHORT.name])
_PARAMETERS = ["of" if name == "info_hash" else f"to_{name}" for name in (*_FACTS, _SHORT.name)]


def _row(torrent: Torrent) -> dict[str, Any]:
    return _facts(torrent) | dict(zip(TOTALS, torrent.totals.values(), strict=True))


def _facts(torrent: Torrent) -> dict[str, Any]:
    return {name: getattr(torrent, name) for name in _FACTS} | {_SHORT.name: short_v2(torrent)}


def _torrent(row: Mapping[Any, Any], completers: set[int]) -> Torrent:
    totals = Totals(*(row[name] for name in TOTALS))
    facts = {name: row[name] for name in _FACTS}
    return Torrent(**facts, totals=totals, written=totals.copy(), completers=completers)


def find(connection: Connection, info_hash: bytes) -> Torrent | None:
    """Return the torrent with this hash and its completers."""
    row = connection.execute(select(torrents).where(_has_any([info_hash]))).mappings().first()
    if row is None:
        return None
    query = select(completions.c.user_id).where(completions.c.info_hash == row["info_hash"])
    return _torrent(row, set(connection.scalars(query)))


def page(connection: Connection, after: bytes, limit: int, whole: bool) -> list[Torrent]:
    """Return at most `limit` torrents whose info hash is greater than `after`.

    `whole`: the deleted too, and all with their completers.
    """
    query = select(torrents).where(torrents.c.info_hash > after).order_by(torrents.c.info_hash).limit(limit)
    if not whole:
        query = query.where(torrents.c.deleted.is_(False))
    found = [_torrent(row, set()) for row in connection.execute(query).mappings()]
    if whole and found:
        completers = {torrent.info_hash: torrent.completers for torrent in found}
        of = completions.c.info_hash
        some = select(completions).where(of >= found[0].info_hash, of <= found[-1].info_hash)
        for info_hash, user_id in connection.execute(some):
            if info_hash in completers:
                completers[info_hash].add(user_id)
    return found


def add(connection: Connection, new: list[Torrent]) -> None:
    """Add all, in the place of deleted ones with the same hashes; `ConflictError` if a hash is taken."""
    wanted = sorted(set().union(*map(hashes, new)))
    refuse_taken_torrents(new, _owners(connection, wanted))
    _forget_deleted(connection, wanted)
    insert_all(connection, torrents, [_row(torrent) for torrent in new])
    completed = [
        {"info_hash": torrent.info_hash, "user_id": user_id}
        for torrent in new
        for user_id in sorted(torrent.completers)
    ]
    insert_all(connection, completions, completed)


def save(connection: Connection, dialect: Dialect, changed: list[Torrent], growth: Growth) -> None:
    """Write everything but totals and completers of those that are there, and add the growth to their totals."""
    there: set[bytes] = set()
    for chunk in chunks(sorted(torrent.info_hash for torrent in changed)):
        there.update(connection.scalars(select(torrents.c.info_hash).where(torrents.c.info_hash.in_(chunk))))
    present = sorted((torrent for torrent in changed if torrent.info_hash in there), key=_info_hash)
    wanted = sorted(set().union(*map(hashes, present)))
    refuse_hashes_of_others(changed, there, _owners(connection, wanted))
    _forget_deleted(connection, wanted, there)
    save_all(connection, dialect, _SAVED, _PARAMETERS, list(map(_row_to_save, present)))
    touch_all(connection, torrents.c.info_hash, [(torrent.info_hash, torrent.updated_at) for torrent in present])
    grow(connection, dialect, _GROWTH, growth)


def _info_hash(torrent: Torrent) -> bytes:
    return torrent.info_hash


def _row_to_save(torrent: Torrent) -> tuple[Any, ...]:
    return tuple(_facts(torrent).values())


def _has_any(some: Sequence[bytes]) -> ColumnElement[bool]:
    return or_(torrents.c.info_hash.in_(some), _SHORT.in_(some))


def _owners(connection: Connection, wanted: list[bytes]) -> dict[bytes, bytes]:
    """Return the hashes of torrents that are not deleted and have one of the wanted, with their info hashes."""
    owners: dict[bytes, bytes] = {}
    for chunk in chunks(wanted):
        query = select(torrents.c.info_hash, _SHORT).where(_has_any(chunk), torrents.c.deleted.is_(False))
        for info_hash, short in connection.execute(query):
            owners |= {info_hash: info_hash, short or info_hash: info_hash}
    return owners


def _forget_deleted(connection: Connection, wanted: list[bytes], but: Container[bytes] = ()) -> None:
    for chunk in chunks(wanted):
        query = select(torrents.c.info_hash).where(_has_any(chunk), torrents.c.deleted.is_(True))
        gone = [info_hash for info_hash in connection.scalars(query) if info_hash not in but]
        connection.execute(delete(completions).where(completions.c.info_hash.in_(gone)))
        connection.execute(delete(torrents).where(torrents.c.info_hash.in_(gone)))


def apply(
    connection: Connection,
    dialect: Dialect,
    mark: Mark,
    growth: Growth,
    completers: list[tuple[bytes, int]],
) -> None:
    """Write the mark, add the growth to the totals, and add completers of torrents that are there."""
    write_mark(connection, "torrents", mark)
    grow(connection, dialect, _GROWTH, growth)
    dialect.execute_all(connection, _completed(dialect), ("of", "who"), completers)


@lru_cache(maxsize=8)
def _completed(dialect: Dialect) -> Insert:
    """Return the INSERT of a completer who is not there yet, of a torrent that is; the same for each batch."""
    there = select(torrents.c.info_hash, bindparam("who")).where(torrents.c.info_hash == bindparam("of"))
    return dialect.insert_missing(completions).from_select(["info_hash", "user_id"], there)


def listed(connection: Connection) -> dict[str, str]:
    """Return the whitelist."""
    return {row.prefix: row.name for row in connection.execute(select(whitelist))}


def save_listed(connection: Connection, dialect: Dialect, prefix: str, name: str) -> None:
    """Add or rename."""
    connection.execute(dialect.upsert(whitelist), {"prefix": prefix, "name": name})


def remove_listed(connection: Connection, prefix: str) -> bool:
    """Delete, and say whether there was one."""
    return connection.execute(delete(whitelist).where(whitelist.c.prefix == prefix)).rowcount > 0
