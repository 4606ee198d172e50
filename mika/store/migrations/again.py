"""Steps that go on where an earlier start was cut off: MySQL keeps each CREATE and ALTER at once, whatever comes after.

Other databases undo a step that does not end, and there these do what Alembic's own operations do.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

_MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def is_mysql() -> bool:
    """Say whether the database is MySQL or MariaDB."""
    return op.get_bind().dialect.name == "mysql"


def make_table(name: str, *items: Any, **options: Any) -> sa.Table:
    """Create a table."""
    return op.create_table(name, *items, if_not_exists=is_mysql(), **_MYSQL, **options)


def fill_table(table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Put rows into a new table."""
    if not is_mysql() or not op.get_bind().scalar(sa.select(sa.func.count()).select_from(table)):
        op.bulk_insert(table, rows)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column."""
    if not is_mysql() or column.name not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)


def add_index(name: str, table: str, columns: list[str], **options: Any) -> None:
    """Add an index."""
    if not is_mysql() or name not in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns, **options)
