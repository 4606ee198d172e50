"""What each user did with each torrent, and what they owe it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import add_index, make_table

revision = "0006"
down_revision = "0005"

_HASH = sa.LargeBinary(20).with_variant(mysql.BINARY(20), "mysql")
_TOTALS = (
    *("uploaded", "downloaded", "uploaded_real", "downloaded_real"),
    *("bonus", "seed_seconds", "announces", "completed"),
)


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def upgrade() -> None:
    """Make the table."""
    make_table(
        "history",
        _column("user_id", sa.BigInteger),
        _column("info_hash", _HASH),
        *(_column(name, sa.BigInteger) for name in _TOTALS),
        _column("left", sa.BigInteger),
        _column("first_seen", sa.BigInteger),
        _column("last_seen", sa.BigInteger),
        _column("completed_at", sa.BigInteger),
        _column("debt", sa.Integer),
        sa.PrimaryKeyConstraint("user_id", "info_hash", name="pk_history"),
        sqlite_with_rowid=False,
    )
    add_index("ix_history_debt_user_id_info_hash", "history", ["debt", "user_id", "info_hash"])
