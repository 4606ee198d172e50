"""Which keys a torrent are void. One that others void is told as a change of its user, as tokens are (step 0005)."""
# ruff: noqa: S608 - what is put into the statements are the names below

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import is_mysql, make_table

revision = "0008"
down_revision = "0007"

_HASH = sa.LargeBinary(20).with_variant(mysql.BINARY(20), "mysql")
_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
_SQLITE = "max(CAST(strftime('%s', 'now') AS INTEGER), updated_at + 1)"
_MYSQL = "GREATEST(UNIX_TIMESTAMP(), updated_at + 1)"


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Make the table and the triggers."""
    make_table(
        "void_keys",
        _column("user_id", sa.BigInteger),
        _column("info_hash", _HASH),
        _column("count", sa.BigInteger),
        sa.PrimaryKeyConstraint("user_id", "info_hash", name="pk_void_keys"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        told = "void_keys {} EXECUTE PROCEDURE mika_tell_of_token()"
        op.execute("CREATE TRIGGER mika_tell AFTER INSERT OR UPDATE OR DELETE ON " + told.format("FOR EACH ROW"))
        op.execute("CREATE TRIGGER mika_tell_all AFTER TRUNCATE ON " + told.format(""))
        return
    for verb, rows in _ROWS.items():
        name = f"touch_by_{verb.lower()}_of_void_keys"
        who = ", ".join(f"{row}.user_id" for row in rows)
        if is_mysql():
            op.execute(f"DROP TRIGGER IF EXISTS {name}")  # an earlier start may have been cut off here
            touch = f"FOR EACH ROW UPDATE users SET updated_at = {_MYSQL} WHERE id IN ({who})"
        else:
            touch = f"BEGIN UPDATE users SET updated_at = {_SQLITE} WHERE id IN ({who}); END"
        op.execute(f"CREATE TRIGGER {name} AFTER {verb} ON void_keys {touch}")
