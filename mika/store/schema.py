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
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

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
_Hash = LargeBinary(20).with_variant(mysql.BINARY(20), "mysql")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class _Exactly(TypeDecorator[str]):
    """Text as its bytes: in every text of MySQL "a" and "a " are the same key."""

    impl = mysql.VARBINARY
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        del dialect
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        del dialect
        return None if value is None else value.decode()


def _name(length: int) -> Any:
    """Return the type of a text by which rows are found."""
    return String(length).with_variant(_Exactly(4 * length), "mysql")


def _bytes(length: int | None, longest: int) -> Any:
    """Return the type of bytes; the longest that come are what MySQL has to be told."""
    return LargeBinary(length).with_variant(mysql.VARBINARY(longest), "mysql")


def _column(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _totals() -> list[Column[Any]]:
    return [_column(name, BigInteger) for name in TOTALS]


users = Table(
    "users",
    metadata,
    _column("id", _Id, primary_key=True),
    _column("name", Text),
    _column("passkey", _name(64)),
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
    **_MYSQL,
)

freeleech = Table(
    "freeleech",
    metadata,
    _column("user_id", BigInteger, primary_key=True),
    _column("info_hash", _Hash, primary_key=True),
    _column("until", BigInteger),
    sqlite_with_rowid=False,
    **_MYSQL,
)
"""Tokens; a change of one is told as a change of its user, by triggers of step 0005."""

void_keys = Table(
    "void_keys",
    metadata,
    _column("user_id", BigInteger, primary_key=True),
    _column("info_hash", _Hash, primary_key=True),
    _column("count", BigInteger),
    sqlite_with_rowid=False,
    **_MYSQL,
)
"""How many keys of a user for a torrent are void; told as a change of its user, by triggers of step 0008."""

bonus_entries = Table(
    "bonus_entries",
    metadata,
    _column("id", _Id, primary_key=True),
    _column("user_id", BigInteger),
    _column("amount", BigInteger),
    _column("balance", BigInteger),
    _column("reason", Text),
    _column("created_at", BigInteger),
    Column("key", _name(64)),
    UniqueConstraint("user_id", "key"),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
    **_MYSQL,
)

history = Table(
    "history",
    metadata,
    _column("user_id", BigInteger, primary_key=True),
    _column("info_hash", _Hash, primary_key=True),
    *_totals(),
    _column("left", BigInteger),  # unsigned 64 bits of a client, see peer_rows.py
    _column("first_seen", BigInteger),
    _column("last_seen", BigInteger),
    _column("completed_at", BigInteger),
    _column("debt", Integer),
    Index(None, "debt", "user_id", "info_hash"),
    sqlite_with_rowid=False,
    **_MYSQL,
)

suspicions = Table(
    "suspicions",
    metadata,
    _column("id", _Id, primary_key=True),
    _column("kind", _name(32)),
    _column("user_id", BigInteger),
    _column("info_hash", _bytes(20, 20)),  # none: empty
    _column("score", Integer),
    _column("evidence", Text),
    _column("first_seen", BigInteger),
    _column("last_seen", BigInteger),
    _column("count", BigInteger),
    _column("state", _name(16)),
    UniqueConstraint("user_id", "kind", "info_hash"),
    sqlite_autoincrement=True,
    **_MYSQL,
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
    **_MYSQL,
)

torrents = Table(
    "torrents",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    Column("info_hash_v2", _bytes(32, 32)),
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
    **_MYSQL,
)

completions = Table(
    "completions",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    _column("user_id", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
    **_MYSQL,
)

whitelist = Table(
    "whitelist",
    metadata,
    _column("prefix", _name(20), primary_key=True),
    _column("name", Text),
    **_MYSQL,
)

peers = Table(
    "peers",
    metadata,
    _column("info_hash", _Hash, primary_key=True),
    _column("user_id", BigInteger, primary_key=True),
    _column("peer_id", _Hash, primary_key=True),
    _column("key", _bytes(None, 64)),
    _column("uploaded", BigInteger),  # this and the next two: unsigned 64 bits of a client, see peer_rows.py
    _column("downloaded", BigInteger),
    _column("left", BigInteger),
    _column("seeder", Boolean),
    _column("paused", Boolean),
    _column("active", Boolean),
    _column("crypto", Integer),
    _column("endpoint4", _bytes(6, 6)),
    _column("endpoint6", _bytes(18, 18)),
    _column("seen4", BigInteger),
    _column("seen6", BigInteger),
    _column("first_seen", BigInteger),
    _column("last_seen", BigInteger),
    Column("location", Point()),
    sqlite_with_rowid=False,
    **_MYSQL,
)

marks = Table(
    "marks",
    metadata,
    _column("kind", _name(16), primary_key=True),
    _column("instance", _name(64), primary_key=True),
    _column("number", BigInteger),
    sqlite_with_rowid=False,
    **_MYSQL,
)

deletions = Table(
    "deletions",
    metadata,
    _column("kind", _name(16), primary_key=True),  # "user" or "torrent"
    _column("item", _name(64), primary_key=True),  # its id, or its info hash in hex
    _column("deleted_at", BigInteger),
    Index(None, "deleted_at"),
    sqlite_with_rowid=False,
    **_MYSQL,
)
"""Notes that triggers leave where changes are found by asking (polling.py): a row that is gone can say nothing."""


def metadata_for(dialect: str) -> MetaData:
    """Return the tables as the database of this SQLAlchemy dialect has them, to compare with what is there."""
    if dialect != "mysql":
        return metadata
    own = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(own)
    place = own.tables["peers"].c.location
    place.nullable = False  # see point.py
    Index(None, place, mysql_prefix="SPATIAL")
    return own
