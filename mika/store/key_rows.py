"""Void keys as rows: the statements behind `SqlStore`'s `IKeyStore`."""

from __future__ import annotations

from sqlalchemy import Connection, select

from mika.model import INT64_MAX
from mika.store.dialect import Dialect
from mika.store.schema import users, void_keys


def void(connection: Connection, dialect: Dialect, user_id: int, info_hash: bytes) -> int:
    """Count one more void key, and return how many that are. The row of the user is locked, so that each counts."""
    if not -INT64_MAX <= user_id <= INT64_MAX:
        return 0
    if connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update()).first() is None:
        return 0
    mine = (void_keys.c.user_id == user_id) & (void_keys.c.info_hash == info_hash)
    count = (connection.scalar(select(void_keys.c.count).where(mine)) or 0) + 1
    connection.execute(dialect.upsert(void_keys), {"user_id": user_id, "info_hash": info_hash, "count": count})
    return count
