"""What looks like cheating, and what staff made of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import make_table

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _name(length: int) -> Any:
    return sa.String(length).with_variant(mysql.VARBINARY(4 * length), "mysql")


def upgrade() -> None:
    """Make the table."""
    make_table(
        "suspicions",
        _column("id", _ID),
        _column("kind", _name(32)),
        _column("user_id", sa.BigInteger),
        _column("info_hash", sa.LargeBinary(20).with_variant(mysql.VARBINARY(20), "mysql")),
        _column("score", sa.Integer),
        _column("evidence", sa.Text),
        _column("first_seen", sa.BigInteger),
        _column("last_seen", sa.BigInteger),
        _column("count", sa.BigInteger),
        _column("state", _name(16)),
        sa.PrimaryKeyConstraint("id", name="pk_suspicions"),
        sa.UniqueConstraint("user_id", "kind", "info_hash", name="uq_suspicions_user_id_kind_info_hash"),
        sqlite_autoincrement=True,
    )
