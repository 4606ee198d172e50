"""Freeleech tokens and bonus entries as rows: the statements behind what `SqlStore` offers beside users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from mika.model import INT64_MAX, BonusEntry
from mika.store.batches import chunks, insert_one
from mika.store.dialect import Dialect
from mika.store.schema import bonus_entries, freeleech, history, suspicions, users, void_keys
from mika.store.taken import new_balance, no_user

_BY_USER = (freeleech, void_keys, bonus_entries, history, suspicions)
_FIELDS = [column.name for column in bonus_entries.columns]


def by_torrent(connection: Connection, table: Table, user_id: int) -> dict[bytes, int]:
    """Return the number that a table of user id, info hash and number has for each torrent of a user."""
    mine = select(table).where(table.c.user_id == user_id)
    return {bytes(info_hash): number for _, info_hash, number in connection.execute(mine)}


def by_torrent_between(connection: Connection, table: Table, first: int, last: int) -> Mapping[int, dict[bytes, int]]:
    """Return the same of all users whose ids are in a range."""
    found: Mapping[int, dict[bytes, int]] = defaultdict(dict)
    of = table.c.user_id
    for user_id, info_hash, number in connection.execute(select(table).where(of >= first, of <= last)):
        found[user_id][bytes(info_hash)] = number
    return found


def save_token(connection: Connection, dialect: Dialect, user_id: int, info_hash: bytes, until: int) -> None:
    """Give a token or change it, if the user is there."""
    if connection.execute(select(users.c.id).where(users.c.id == user_id)).first() is not None:
        row = {"user_id": user_id, "info_hash": info_hash, "until": until}
        connection.execute(dialect.upsert(freeleech), row)


def remove_token(connection: Connection, user_id: int, info_hash: bytes) -> bool:
    """Delete, and say whether there was one."""
    one = (freeleech.c.user_id == user_id) & (freeleech.c.info_hash == info_hash)
    return connection.execute(delete(freeleech).where(one)).rowcount > 0


def entries(connection: Connection, user_id: int, before: int, limit: int) -> list[BonusEntry]:
    """Return at most `limit` entries of a user with an id below `before`, the latest first."""
    mine = (bonus_entries.c.user_id == user_id) & (bonus_entries.c.id < min(before, INT64_MAX))
    query = select(bonus_entries).where(mine).order_by(bonus_entries.c.id.desc()).limit(limit)
    return [_entry(row) for row in connection.execute(query).mappings()]


def add_entry(connection: Connection, entry: BonusEntry) -> tuple[BonusEntry, bool]:
    """Add to the bonus and keep the entry; or return the one with the same key that there is already.

    The row of the user is locked first, so that two entries of one user never cross.
    """
    itself = users.c.id == entry.user_id
    user = connection.execute(select(users.c.bonus, users.c.updated_at).where(itself).with_for_update()).first()
    if user is None:
        raise no_user(entry.user_id)
    if entry.key is not None:
        same = (bonus_entries.c.user_id == entry.user_id) & (bonus_entries.c.key == entry.key)
        row = connection.execute(select(bonus_entries).where(same)).mappings().first()
        if row is not None:
            return _entry(row), False
    balance = new_balance(user.bonus, entry.amount)
    changed = max(user.updated_at, entry.created_at)
    connection.execute(update(users).where(itself).values(bonus=balance, updated_at=changed))
    facts = asdict(replace(entry, balance=balance))
    del facts["id"]
    return replace(entry, id=insert_one(connection, bonus_entries, facts), balance=balance), True


def _entry(row: Mapping[Any, Any]) -> BonusEntry:
    return BonusEntry(**{name: row[name] for name in _FIELDS})


def forget(connection: Connection, user_ids: Sequence[int]) -> None:
    """Delete everything of users who are gone, or whose ids are given anew."""
    for some in chunks(user_ids):
        for table in _BY_USER:
            connection.execute(delete(table).where(table.c.user_id.in_(some)))
