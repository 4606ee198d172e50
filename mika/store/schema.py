"""The tables as they are now, for every SQL database. `migrations/` brings a database to this; a test compares the two.

Hashes and peer ids are bytes, times seconds, multipliers thousandths, totals as in `model.Totals`. There are no foreign
keys: accounts, torrents and peers may live in three databases, and completions outlive their user on purpose.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mika.store.point import Point
from mika.store.values import TOTALS

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in a column that is called INTEGER
_Hash = LargeBinary(20)


def _column(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _totals() -> list[Column[Any]]:
    return [_column(name, BigInteger) for name in TOTALS]


users = Table(
    "users",
    metadata,
    _column("id", _Id, primary_key=True),
    _column("name", Text),
    _column("passkey", String(64)),
    _column("role", BigInteger),
    _column("enabled", Boolean),
    _column("download_enabled", Boolean),
    _column("upload_enabled", Boolean),
    _column("multiplier_up", Integer),
    _column("multiplier_down", Integer),
    Column("remote_id", Text),
    _column("created_at", BigInteger),
    _column("updated_at", BigInteger),
    *_totals(),
    UniqueConstraint("passkey"),
    Index(None, "updated_at"),
    sqlite_autoincrement=True,  # an id is never given twice: nobody inherits the completions of who is gone
)

roles = Table(
    "roles",
    metadata,
    _column("id", _Id, primary_key=True),
    _column("name", Text),
    _column("priority", Integer),
    _column("multiplier_up", Integer),
    _column("multiplier_down", Integer),
    _column("download_enabled", Boolean),
    _column("upload_enabled", Boolean),
    Column("download_slots", Integer),
    Column("peers_per_user_torrent", Integer),
    sqlite_autoincrement=True,  # nor does anybody get rights because a new role took an old one's id
)

torrents = Table(
    "torrents",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    Column("info_hash_v2", LargeBinary(32)),
    Column("info_hash_v2_short", _Hash),  # its first 20 bytes, as announced (BEP 52)
    _column("name", Text),
    _column("size", BigInteger),
    _column("enabled", Boolean),
    _column("deleted", Boolean),
    _column("reason", Text),
    _column("multiplier_up", Integer),
    _column("multiplier_down", Integer),
    _column("created_at", BigInteger),
    _column("updated_at", BigInteger),
    *_totals(),
    UniqueConstraint("info_hash_v2_short"),
    Index(None, "updated_at"),
)

completions = Table(
    "completions",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    _column("user_id", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)

whitelist = Table(
    "whitelist",
    metadata,
    _column("prefix", String(20), primary_key=True),
    _column("name", Text),
)

peers = Table(
    "peers",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    _column("user_id", BigInteger, primary_key=True),
    _column("peer_id", _Hash, primary_key=True),
    _column("key", LargeBinary),
    _column("uploaded", BigInteger),  # this and the next two: unsigned 64 bits of a client, see peer_rows.py
    _column("downloaded", BigInteger),
    _column("left", BigInteger),
    _column("seeder", Boolean),
    _column("paused", Boolean),
    _column("active", Boolean),
    _column("crypto", Integer),
    _column("endpoint4", LargeBinary(6)),
    _column("endpoint6", LargeBinary(18)),
    _column("seen4", BigInteger),
    _column("seen6", BigInteger),
    _column("first_seen", BigInteger),
    _column("last_seen", BigInteger),
    Column("location", Point()),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    _column("kind", String(16), primary_key=True),
    _column("instance", String(64), primary_key=True),
    _column("number", BigInteger),
    sqlite_with_rowid=False,
)
