"""The first schema: users, roles, torrents, completions, whitelist, peers, marks; and the role that everybody has."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from mika.store.migrations.again import fill_table, make_table

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_HASH = sa.LargeBinary(20).with_variant(mysql.BINARY(20), "mysql")


def _name(length: int) -> Any:
    return sa.String(length).with_variant(mysql.VARBINARY(4 * length), "mysql")


def _bytes(length: int | None, longest: int) -> Any:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(longest), "mysql")


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _totals() -> list[sa.Column[Any]]:
    names = (
        "uploaded",
        "downloaded",
        "uploaded_real",
        "downloaded_real",
        "bonus",
        "seed_seconds",
        "announces",
        "completed",
    )
    return [_column(name, sa.BigInteger) for name in names]


def upgrade() -> None:
    """Make the tables."""
    _make_users()
    _make_torrents()
    _make_peers()


def _make_users() -> None:
    make_table(
        "users",
        _column("id", _ID),
        _column("name", sa.Text),
        _column("passkey", _name(64)),
        _column("role", sa.BigInteger),
        _column("enabled", sa.Boolean),
        _column("download_enabled", sa.Boolean),
        _column("upload_enabled", sa.Boolean),
        _column("multiplier_up", sa.Integer),
        _column("multiplier_down", sa.Integer),
        sa.Column("remote_id", sa.Text),
        _column("created_at", sa.BigInteger),
        _column("updated_at", sa.BigInteger),
        *_totals(),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("passkey", name="uq_users_passkey"),
        sqlite_autoincrement=True,
    )
    roles = make_table(
        "roles",
        _column("id", _ID),
        _column("name", sa.Text),
        _column("priority", sa.Integer),
        _column("multiplier_up", sa.Integer),
        _column("multiplier_down", sa.Integer),
        _column("download_enabled", sa.Boolean),
        _column("upload_enabled", sa.Boolean),
        sa.Column("download_slots", sa.Integer),
        sa.Column("peers_per_user_torrent", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sqlite_autoincrement=True,
    )
    member = {
        "id": 1,
        "name": "member",
        "priority": 0,
        "multiplier_up": 1000,
        "multiplier_down": 1000,
        "download_enabled": True,
        "upload_enabled": True,
    }
    fill_table(roles, [member])


def _make_torrents() -> None:
    make_table(
        "torrents",
        _column("info_hash", _HASH),
        sa.Column("info_hash_v2", _bytes(32, 32)),
        sa.Column("info_hash_v2_short", _HASH),
        _column("name", sa.Text),
        _column("size", sa.BigInteger),
        _column("enabled", sa.Boolean),
        _column("deleted", sa.Boolean),
        _column("reason", sa.Text),
        _column("multiplier_up", sa.Integer),
        _column("multiplier_down", sa.Integer),
        _column("created_at", sa.BigInteger),
        _column("updated_at", sa.BigInteger),
        *_totals(),
        sa.PrimaryKeyConstraint("info_hash", name="pk_torrents"),
        sa.UniqueConstraint("info_hash_v2_short", name="uq_torrents_info_hash_v2_short"),
    )
    make_table(
        "completions",
        _column("info_hash", _HASH),
        _column("user_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("info_hash", "user_id", name="pk_completions"),
        sqlite_with_rowid=False,
    )
    make_table(
        "whitelist",
        _column("prefix", _name(20)),
        _column("name", sa.Text),
        sa.PrimaryKeyConstraint("prefix", name="pk_whitelist"),
    )


def _make_peers() -> None:
    make_table(
        "peers",
        _column("info_hash", _HASH),
        _column("user_id", sa.BigInteger),
        _column("peer_id", _HASH),
        _column("key", _bytes(None, 64)),
        _column("uploaded", sa.BigInteger),
        _column("downloaded", sa.BigInteger),
        _column("left", sa.BigInteger),
        _column("seeder", sa.Boolean),
        _column("paused", sa.Boolean),
        _column("active", sa.Boolean),
        _column("crypto", sa.Integer),
        _column("endpoint4", _bytes(6, 6)),
        _column("endpoint6", _bytes(18, 18)),
        _column("seen4", sa.BigInteger),
        _column("seen6", sa.BigInteger),
        _column("first_seen", sa.BigInteger),
        _column("last_seen", sa.BigInteger),
        sa.PrimaryKeyConstraint("info_hash", "user_id", "peer_id", name="pk_peers"),
        sqlite_with_rowid=False,
    )
    make_table(
        "marks",
        _column("kind", _name(16)),
        _column("instance", _name(64)),
        _column("number", sa.BigInteger),
        sa.PrimaryKeyConstraint("kind", "instance", name="pk_marks"),
        sqlite_with_rowid=False,
    )
