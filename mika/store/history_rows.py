"""What users did with torrents as rows: the statements behind `SqlStore`'s `IHistoryStore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Insert, Select, bindparam, case, literal_column, select, update

from mika.interfaces import Mark
from mika.model import INT64_MAX, Debt, History, Totals
from mika.store.batches import chunks, grown, write_mark
from mika.store.dialect import Dialect, Row
from mika.store.peer_rows import signed, unsigned
from mika.store.schema import history
from mika.store.values import TOTALS

_KEY = ("user_id", "info_hash")
_COLUMNS = (*_KEY, *TOTALS, "left", "first_seen", "last_seen", "completed_at", "debt")
_ALL = select(*(history.c[name] for name in _COLUMNS))
_OWED = [Debt.OWING.value, Debt.OVERDUE.value]
_NOTHING: Any = literal_column("0", BigInteger)
_SAVE = (
    update(history)
    .where(history.c.user_id == bindparam("of_user"), history.c.info_hash == bindparam("of_torrent"))
    .values(debt=bindparam("owed"))
)


def _frozen(rows: Sequence[History]) -> list[Row]:
    """Return rows as values, in the order of the columns."""
    return [
        (
            *(row.user_id, row.info_hash, *row.totals.values(), signed(row.left)),
            *(row.first_seen, row.last_seen, row.completed_at, int(row.debt)),
        )
        for row in rows
    ]


def _row(values: Any) -> History:
    user_id, info_hash, *figures, left, first_seen, last_seen, completed_at, debt = values
    totals, seen = Totals(*figures), (first_seen, last_seen, completed_at)
    return History(user_id, bytes(info_hash), totals, unsigned(left), *seen, Debt(debt))


def apply(connection: Connection, dialect: Dialect, mark: Mark, growth: list[History]) -> None:
    """Write the mark and add the rows, which come in order, to those that are there."""
    write_mark(connection, "history", mark)
    rows = [row for some in chunks(growth) for row in _frozen(some)]
    dialect.execute_all(connection, _grow(dialect), _COLUMNS, rows)


@lru_cache(maxsize=8)
def _grow(dialect: Dialect) -> Insert:
    """Return the INSERT that adds to a row that is there; the same for each batch."""
    there = history.c

    def change(new: Any) -> Mapping[str, Any]:
        once = ("completed_at", "debt")
        first = {name: case((there[name] == _NOTHING, new[name]), else_=there[name]) for name in once}
        totals = {name: grown(there[name], new[name]) for name in TOTALS}
        return {**totals, "left": new["left"], "last_seen": new["last_seen"], **first}

    return dialect.insert_or(history, change)


def of_user(connection: Connection, user_id: int, after: bytes, limit: int) -> list[History]:
    """Return at most `limit` rows of a user with a greater info hash."""
    if not -INT64_MAX <= user_id <= INT64_MAX:
        return []
    mine = (history.c.user_id == user_id) & (history.c.info_hash > after)
    return _found(connection, _ALL.where(mine).order_by(history.c.info_hash).limit(limit))


def debts(connection: Connection, after: tuple[int, bytes], limit: int, info_hash: bytes | None) -> list[History]:
    """Return at most `limit` rows with something owed, behind a user id and an info hash; of one torrent, or of all.

    The index of debts has all that is asked for, so that one torrent's are found among them without an index of theirs.
    """
    key = (history.c.user_id, history.c.info_hash)
    behind = (key[0] > after[0]) | ((key[0] == after[0]) & (key[1] > after[1]))
    query = _ALL.where(history.c.debt.in_(_OWED), behind).order_by(*key).limit(limit)
    return _found(connection, query if info_hash is None else query.where(history.c.info_hash == info_hash))


def _found(connection: Connection, query: Select[Any]) -> list[History]:
    return [_row(values) for values in connection.execute(query)]


def save_debts(connection: Connection, dialect: Dialect, rows: list[tuple[int, bytes, Debt]]) -> None:
    """Write what rows owe."""
    values = [(user_id, info_hash, int(debt)) for user_id, info_hash, debt in sorted(rows)]
    dialect.execute_all(connection, _SAVE, ("of_user", "of_torrent", "owed"), values)
