"""Void keys as rows: the statements behind `SqlStore`'s `IKeyStore`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, select

from mika.model import INT64_MAX, NO_KEYS
from mika.store.dialect import Dialect
from mika.store.schema import users, void_keys


def of_user(connection: Connection, user_id: int) -> Mapping[bytes, int]:
    """Return how many keys of a user are void, by info hash."""
    mine = select(void_keys.c.info_hash, void_keys.c.count).where(void_keys.c.user_id == user_id)
    return {bytes(info_hash): count for info_hash, count in connection.execute(mine)} or NO_KEYS


def between(connection: Connection, first: int, last: int) -> Mapping[int, Mapping[bytes, int]]:
    """Return the void keys of all users whose ids are in a range, of those who have any."""
    found: Mapping[int, dict[bytes, int]] = defaultdict(dict)
    of = void_keys.c.user_id
    for user_id, info_hash, count in connection.execute(select(void_keys).where(of >= first, of <= last)):
        found[user_id][bytes(info_hash)] = count
    return found


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
