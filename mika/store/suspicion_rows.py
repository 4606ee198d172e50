"""Suspicions as rows: the statements behind `SqlStore`'s `ISuspicionStore`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.exc import IntegrityError

from mika.interfaces import Sought
from mika.model import INT64_MAX, Suspicion
from mika.store.batches import insert_one
from mika.store.schema import suspicions

_FIELDS = [column.name for column in suspicions.columns]


def by_id(connection: Connection, suspicion_id: int) -> Suspicion | None:
    """Return the row of this id."""
    return _one(connection, suspicions.c.id == suspicion_id) if suspicion_id <= INT64_MAX else None


def about(connection: Connection, kind: str, user_id: int, info_hash: bytes) -> Suspicion | None:
    """Return the one row of a kind, a user and a torrent."""
    return _one(connection, _is(kind, user_id, info_hash)) if user_id <= INT64_MAX else None


def page(connection: Connection, sought: Sought, before: int, limit: int) -> list[Suspicion]:
    """Return at most `limit` rows that are sought, with an id below `before`, the latest first."""
    if (sought.user_id or 0) > INT64_MAX:
        return []
    query = select(suspicions).where(suspicions.c.id < min(before, INT64_MAX), suspicions.c.score >= sought.score)
    for column, wanted in (("state", sought.state), ("user_id", sought.user_id), ("kind", sought.kind)):
        if wanted is not None:
            query = query.where(suspicions.c[column] == wanted)
    rows = connection.execute(query.order_by(suspicions.c.id.desc()).limit(limit)).mappings()
    return [_suspicion(row) for row in rows]


def replace_row(connection: Connection, old: Suspicion | None, new: Suspicion) -> Suspicion | None:
    """Keep `new` in the place of `old`; None, and nothing is changed, if that is not what is kept."""
    facts = asdict(new)
    del facts["id"]
    if old is None:
        if about(connection, new.kind, new.user_id, new.info_hash) is not None:
            return None
        try:
            with connection.begin_nested():
                return replace(new, id=insert_one(connection, suspicions, facts))
        except IntegrityError:  # another tracker noted it between these two statements
            return None
    itself = _is(new.kind, new.user_id, new.info_hash)
    same = (suspicions.c.count == old.count) & (suspicions.c.state == old.state)
    if not connection.execute(update(suspicions).where(itself, same).values(facts)).rowcount:
        return None
    return _one(connection, itself)


def _is(kind: str, user_id: int, info_hash: bytes) -> ColumnElement[bool]:
    of_user: ColumnElement[bool] = (suspicions.c.user_id == user_id) & (suspicions.c.kind == kind)
    return of_user & (suspicions.c.info_hash == info_hash)


def _one(connection: Connection, where: ColumnElement[bool]) -> Suspicion | None:
    row = connection.execute(select(suspicions).where(where)).mappings().first()
    return None if row is None else _suspicion(row)


def _suspicion(row: Mapping[Any, Any]) -> Suspicion:
    return Suspicion(**({name: row[name] for name in _FIELDS} | {"info_hash": bytes(row["info_hash"])}))
