"""Freeleech tokens and the bonus ledger. A token that others give or take is told as a change of its user."""
# ruff: noqa: S608 - what is put into the statements are the names below

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import add_index, is_mysql, make_table

revision = "0005"
down_revision = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_HASH = sa.LargeBinary(20).with_variant(mysql.BINARY(20), "mysql")
_KEY = sa.String(64).with_variant(mysql.VARBINARY(256), "mysql")
_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}

_TOLD = """
CREATE FUNCTION mika_tell_of_token() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    origin text := coalesce(current_setting('mika.origin', true), '');
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        PERFORM pg_notify('mika', 'user * ' || origin);
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN PERFORM pg_notify('mika', 'user ' || OLD.user_id || ' ' || origin); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM pg_notify('mika', 'user ' || NEW.user_id || ' ' || origin); END IF;
    RETURN NULL;
END $$
"""


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def upgrade() -> None:
    """Make the tables and the triggers."""
    make_table(
        "freeleech",
        _column("user_id", sa.BigInteger),
        _column("info_hash", _HASH),
        _column("until", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", "info_hash", name="pk_freeleech"),
        sqlite_with_rowid=False,
    )
    make_table(
        "bonus_entries",
        _column("id", _ID),
        _column("user_id", sa.BigInteger),
        _column("amount", sa.BigInteger),
        _column("balance", sa.BigInteger),
        _column("reason", sa.Text),
        _column("created_at", sa.BigInteger),
        sa.Column("key", _KEY),
        sa.PrimaryKeyConstraint("id", name="pk_bonus_entries"),
        sa.UniqueConstraint("user_id", "key", name="uq_bonus_entries_user_id_key"),
        sqlite_autoincrement=True,
    )
    add_index("ix_bonus_entries_user_id_id", "bonus_entries", ["user_id", "id"])
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _sqlite()
    elif dialect == "postgresql":
        _postgresql()
    elif is_mysql():
        _mysql()


def _sqlite() -> None:
    changed = "max(CAST(strftime('%s', 'now') AS INTEGER), updated_at + 1)"
    for verb, rows in _ROWS.items():
        who = ", ".join(f"{row}.user_id" for row in rows)
        op.execute(
            f"CREATE TRIGGER touch_by_{verb.lower()}_of_freeleech AFTER {verb} ON freeleech BEGIN "
            f"UPDATE users SET updated_at = {changed} WHERE id IN ({who}); END"
        )


def _mysql() -> None:
    for verb, rows in _ROWS.items():
        name = f"touch_by_{verb.lower()}_of_freeleech"
        op.execute(f"DROP TRIGGER IF EXISTS {name}")  # an earlier start may have been cut off here
        who = ", ".join(f"{row}.user_id" for row in rows)
        op.execute(
            f"CREATE TRIGGER {name} AFTER {verb} ON freeleech FOR EACH ROW UPDATE users "
            f"SET updated_at = GREATEST(UNIX_TIMESTAMP(), updated_at + 1) WHERE id IN ({who})"
        )


def _postgresql() -> None:
    op.execute(_TOLD)
    op.execute(
        "CREATE TRIGGER mika_tell AFTER INSERT OR UPDATE OR DELETE ON freeleech FOR EACH ROW "
        "EXECUTE PROCEDURE mika_tell_of_token()"
    )
    op.execute("CREATE TRIGGER mika_tell_all AFTER TRUNCATE ON freeleech EXECUTE PROCEDURE mika_tell_of_token()")
