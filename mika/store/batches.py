"""What the three kinds of rows share as SQL: new ids, the growth of totals, and the mark that travels with them.

Every function here and in the `*_rows.py` beside it runs in a thread, inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Table,
    Update,
    bindparam,
    case,
    insert,
    literal_column,
    select,
    update,
)

from mika.errors import OutOfStepError
from mika.interfaces import Mark
from mika.model import INT64_MAX
from mika.store.dialect import Dialect, Least
from mika.store.schema import marks
from mika.store.values import TOTALS, Growth

T = TypeVar("T")

_LARGEST: ColumnElement[int] = literal_column(str(INT64_MAX), BigInteger)  # a parameter would be bound with every row
_NOTHING: ColumnElement[int] = literal_column("0", BigInteger)
FEW = 10
"""Rows that are changed together from which on it is quicker to have them all at the database first."""

_GROWTH = ("of", *(f"by_{name}" for name in TOTALS))


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into pieces that every database takes in one statement."""
    for start in range(0, len(values), 1000):
        yield values[start : start + 1000]


def insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that have their keys."""
    for chunk in chunks(rows):
        connection.execute(insert(table), chunk)


def touch_all(connection: Connection, key: Column[Any], times: Sequence[tuple[Any, int]]) -> None:
    """Set `updated_at` alone of rows by their keys, to those times.

    A trigger (step 0004) takes a time that is as before, among other changes, for a forgotten one; not alone.
    """
    by_time: dict[int, list[Any]] = {}
    for of, seconds in times:
        by_time.setdefault(seconds, []).append(of)
    for seconds, keys in sorted(by_time.items()):
        for chunk in chunks(keys):
            connection.execute(update(key.table).where(key.in_(chunk)).values(updated_at=seconds))


def saved(key: Column[Any], names: Sequence[str]) -> Update:
    """Return the UPDATE that sets these columns of the row with the key `of`, each to the parameter `to_` its name."""
    values: dict[str, Any] = {name: bindparam(f"to_{name}", type_=key.table.c[name].type) for name in names}
    return update(key.table).where(key == bindparam("of")).values(values)


def save_all(
    connection: Connection, dialect: Dialect, statement: Update, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Execute what `saved` returned for every row, the values of which are those of `names`; a few by themselves."""
    if len(rows) >= FEW:
        dialect.execute_all(connection, statement, names, rows, told=True)
    elif rows:
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def insert_one(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    """Insert a row and return its id, which the database chooses if the row has none."""
    key: Any = connection.execute(insert(table), row).inserted_primary_key
    return int(key[0])


def growth_of(key: Column[Any]) -> Update:
    """Return the UPDATE for `grow`: it adds to the totals of the row with this key, if there is one.

    A total that would leave 64 bits stays at the largest they hold: an error would hold up every batch after it.
    """
    new = {name: grown(key.table.c[name], bindparam(f"by_{name}")) for name in TOTALS}
    return update(key.table).where(key == bindparam("of")).values(new)


def grown(column: Column[Any], by: ColumnElement[Any]) -> ColumnElement[int]:
    """Return a column with something added to it, kept within 64 bits."""
    room = case((column > _NOTHING, _LARGEST - column), else_=_LARGEST)  # most databases stop at a number beyond it
    return column + Least(by, room)


def grow(connection: Connection, dialect: Dialect, statement: Update, growth: Growth) -> None:
    """Add growth to totals, in order of the key: two nodes that lock rows in the same order never deadlock."""
    dialect.execute_all(connection, statement, _GROWTH, [(key, *figures) for key, figures in sorted(growth)])


def write_mark(connection: Connection, kind: str, mark: Mark) -> None:
    """Note how far the batch of this transaction reaches; `OutOfStepError` if it does not follow the last one.

    Called before the batch is written: the row is locked until the transaction ends, so that two never cross.
    """
    here = (marks.c.kind == kind) & (marks.c.instance == mark.instance) & (marks.c.number == mark.after)
    if connection.execute(update(marks).where(here).values(number=mark.number)).rowcount:
        return
    if mark.after == 0 and last_number(connection, kind, mark.instance) == 0:
        connection.execute(insert(marks).values(kind=kind, instance=mark.instance, number=mark.number))
        return
    raise OutOfStepError(
        f"The last batch of {kind} in the store is another than the one before this: nothing was written twice."
    )


def last_number(connection: Connection, kind: str, instance: str) -> int:
    """Return the number of the last mark, 0 if there is none."""
    query = select(marks.c.number).where(marks.c.kind == kind, marks.c.instance == instance)
    return connection.execute(query).scalar() or 0
