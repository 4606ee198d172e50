"""Triggers by which polling finds what others change: a row notes when it changed, a deleted one leaves a note.

What announces add to totals is no change, so that a flush is not read back. PostgreSQL tells of changes by itself.
"""
# ruff: noqa: S608 - what is put into the statements are the names below

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import add_index, is_mysql, make_table

revision = "0004"
down_revision = "0003"

_RIGHTS = ("enabled", "multiplier_up", "multiplier_down")
_WATCHED = {
    "users": (
        "id",
        "name",
        "passkey",
        "role",
        "remote_id",
        "created_at",
        "download_enabled",
        "upload_enabled",
        *_RIGHTS,
    ),
    "torrents": (
        *("info_hash", "info_hash_v2", "info_hash_v2_short", "name", "size", "deleted", "reason", "created_at"),
        *_RIGHTS,
    ),
}
_KEYS = {"users": ("user", "id"), "torrents": ("torrent", "info_hash")}


def upgrade() -> None:
    """Make the table of notes, and the triggers where they are needed."""
    make_table(
        "deletions",
        sa.Column("kind", _name(16), nullable=False),
        sa.Column("item", _name(64), nullable=False),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "item", name="pk_deletions"),
        sqlite_with_rowid=False,
    )
    add_index("ix_deletions_deleted_at", "deletions", ["deleted_at"])
    for table in _WATCHED:
        if op.get_bind().dialect.name == "sqlite":
            _sqlite(table)
        elif is_mysql():
            _mysql(table)


def _name(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(mysql.VARBINARY(4 * length), "mysql")


def _sqlite(table: str) -> None:
    kind, key = _KEYS[table]
    now = "CAST(strftime('%s', 'now') AS INTEGER)"
    item = "lower(hex(OLD.info_hash))" if kind == "torrent" else "OLD.id"
    op.execute(
        f"CREATE TRIGGER touch_{table} AFTER UPDATE OF {', '.join(_WATCHED[table])} ON {table} "
        "WHEN NEW.updated_at IS OLD.updated_at BEGIN "
        f"UPDATE {table} SET updated_at = max({now}, OLD.updated_at + 1) WHERE {key} = NEW.{key}; END"
    )
    op.execute(
        f"CREATE TRIGGER note_deleted_{table} AFTER DELETE ON {table} BEGIN "
        f"INSERT OR REPLACE INTO deletions VALUES ('{kind}', {item}, {now}); END"
    )


def _mysql(table: str) -> None:
    kind, _ = _KEYS[table]
    item = "LOWER(HEX(OLD.info_hash))" if kind == "torrent" else "OLD.id"
    same = " AND ".join(f"NEW.{column} <=> OLD.{column}" for column in _WATCHED[table])
    for name in (f"touch_{table}", f"note_deleted_{table}"):
        op.execute(f"DROP TRIGGER IF EXISTS {name}")  # an earlier start may have been cut off here
    op.execute(
        f"CREATE TRIGGER touch_{table} BEFORE UPDATE ON {table} FOR EACH ROW SET NEW.updated_at = "
        f"IF(NOT NEW.updated_at <=> OLD.updated_at OR ({same}), NEW.updated_at, "
        "GREATEST(UNIX_TIMESTAMP(), OLD.updated_at + 1))"
    )
    op.execute(
        f"CREATE TRIGGER note_deleted_{table} AFTER DELETE ON {table} FOR EACH ROW "
        f"INSERT INTO deletions VALUES ('{kind}', {item}, UNIX_TIMESTAMP()) "
        "ON DUPLICATE KEY UPDATE deleted_at = UNIX_TIMESTAMP()"
    )
