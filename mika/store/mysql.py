"""A MySQL (5.7+) or MariaDB (10.1+) database, by PyMySQL. `registry.py` makes it, for `SqlStore` to use.

Both speak one dialect here, and SQLAlchemy calls both "mysql": what is written is what both take. Before MySQL 8 and
MariaDB 10.2.4 a restarted server gives the id of the user who was deleted last again, if nobody was added since.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from zlib import crc32

import pymysql
from pymysql.constants import CR, ER
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.dialects.mysql import base, insert
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mika.errors import ConfigError, StoreError
from mika.interfaces import Change
from mika.store.database import Database
from mika.store.dialect import Dialect, Row, Watch, Write
from mika.store.mysql_words import MYSQL_WORDS
from mika.store.point import Point, wkb
from mika.store.polling import Polling
from mika.store.schema import metadata

_OLDEST = {"MariaDB": (10, 1), "MySQL": (5, 7)}
_FORM = "mysql://USER:PASSWORD@HOST:PORT/DATABASE"
_OPTIONS = {"unix_socket", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher", "ssl_check_hostname"}

_CHUNK = 1000  # rows a statement: enough for the server, and soon put together in Python
_ROW = re.compile(r"(?<=VALUES )\(.*?\)(?= ON DUPLICATE| AS new|$)", re.DOTALL)
_PARAMETER = re.compile(r"%\((\w+)\)s")
_VERB = re.compile(r"(?P<update>^UPDATE )|(?P<delete>^DELETE FROM (?P<table>\w+))|(?P<select>\bFROM )")
_LOCK = "SHA1(CONCAT('mika ', DATABASE()))"  # locks are the server's, not the database's, and their names are short

# Where the rows of a batch wait for the statement that joins them. A table of InnoDB, because some servers allow no
# other, and made outside of a transaction, because some allow it nowhere else.
_WAITING_BYTES = 3
_WAITING_NUMBERS = 9
_WAITING_TEXTS = 3
_WAITING = (
    "CREATE TEMPORARY TABLE mika_waiting ("
    + "".join(f"b{at} VARBINARY(64), " for at in range(_WAITING_BYTES))
    + "".join(f"t{at} TEXT CHARACTER SET utf8mb4, " for at in range(_WAITING_TEXTS))
    + ", ".join(f"n{at} BIGINT" for at in range(_WAITING_NUMBERS))
    + ") ENGINE=InnoDB"
)

_PASSING = {
    ER.LOCK_DEADLOCK,
    ER.LOCK_WAIT_TIMEOUT,  # the server undoes the statement alone; the rest is undone by our ROLLBACK
    ER.CHECKREAD,
    ER.DUP_ENTRY,  # somebody else added the same meanwhile: the next try sees it, and says what is taken
}

base.ischema_names["point"] = Point  # so that the schema can be read back and compared


class Mysql(Dialect):
    """The database that a URL names. A `timeout` (seconds) without an answer is an error."""

    threads = 4

    def __init__(self, url: str, timeout: float = 30, poll_interval: float = 2) -> None:
        """`ConfigError` if the URL cannot be used."""
        self._url = read_url(url)
        host = str(self._url.host)
        where = self._url.query.get("unix_socket") or f"{f'[{host}]' if ':' in host else host}:{self._url.port}"
        self.place = f"The database {self._url.database} at {where}"
        self._timeout = timeout
        self._poll_interval = poll_interval
        self._statements: dict[tuple[Write, tuple[str, ...]], Callable[[Connection, Sequence[Row]], None]] = {}
        self._upserts: dict[Table, Insert] = {}

    def connect(self) -> Engine:
        """Return the source of the connections."""
        waits = max(1, int(self._timeout / 2))
        source = create_engine(
            self._url,
            connect_args={
                "charset": "utf8mb4",
                "connect_timeout": max(1, min(10, self._timeout)),
                "read_timeout": self._timeout,
                "write_timeout": self._timeout,
                "sql_mode": "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO",
                "init_command": f"SET SESSION innodb_lock_wait_timeout = {waits}",
            },
            isolation_level="READ COMMITTED",
            pool_size=self.threads,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(source, "connect", _set_up)
        event.listen(source, "checkin", _unlock_schema)
        return source

    def lock_schema(self, connection: Connection) -> None:
        """Wait until nobody else changes the schema; `StoreError` if the server or the database is not for us.

        The lock ends when the connection goes back, after the transaction: each change of the schema ends one here.
        """
        self._check_version(connection)
        for _ in range(60):
            if connection.scalar(text(f"SELECT GET_LOCK({_LOCK}, 1)")):
                break
        else:
            raise StoreError(f"{self.place} is being upgraded by another mika: wait for that one, then start again.")
        connection.connection.info["locked"] = True
        present = set(inspect(connection).get_table_names())
        foreign = sorted(present & set(metadata.tables))
        if foreign and "alembic_version" not in present:
            raise StoreError(
                f"{self.place} has tables of another program ({', '.join(foreign)}): make a database for mika alone."
            )
        if "marks" in present:  # a server that takes no writes shall say so at the start
            connection.execute(text("DELETE FROM marks WHERE kind = ''"))

    def _check_version(self, connection: Connection) -> None:
        name = "MariaDB" if getattr(connection.dialect, "is_mariadb", False) else "MySQL"
        version = connection.dialect.server_version_info or ()
        if version < _OLDEST[name]:
            shown = ".".join(map(str, version))
            raise StoreError(f"{self.place} is of {name} {shown}: mika needs MySQL 5.7, MariaDB 10.1, or a newer one.")

    def upsert(self, table: Table) -> Insert:
        """Return INSERT ... ON DUPLICATE KEY UPDATE of every column outside the key."""
        known = self._upserts.get(table)
        if known is None:
            new = insert(table)
            values = {column.name: new.inserted[column.name] for column in table.columns if not column.primary_key}
            known = self._upserts[table] = new.on_duplicate_key_update(values)
        return known

    def insert_or(self, table: Table, change: Callable[[Any], Mapping[str, Any]]) -> Insert:
        """Return INSERT ... ON DUPLICATE KEY UPDATE."""
        new = insert(table)
        return new.on_duplicate_key_update(dict(change(new.inserted)))

    def insert_missing(self, table: Table) -> Insert:
        """Return an INSERT that leaves the row as it is; INSERT IGNORE would hide every other error too."""
        key = next(iter(table.primary_key))
        return insert(table).on_duplicate_key_update({key.name: key})

    def execute_all(
        self,
        connection: Connection,
        statement: Write,
        names: Sequence[str],
        rows: Sequence[Row],
        *,
        told: bool = False,  # noqa: ARG002 - who asks what changed sees by the rows themselves
    ) -> None:
        """Write many rows with one statement: as VALUES, or by a join with the table in which they wait."""
        if not rows:
            return
        known = self._statements.get((statement, tuple(names)))
        if known is None:
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
            words, kinds = str(compiled), [compiled.binds[name].type for name in names]
            known = _together(statement, words, names) if _ROW.search(words) else _joined(words, names, kinds)
            self._statements[statement, tuple(names)] = known
        for start in range(0, len(rows), _CHUNK):
            known(connection, rows[start : start + _CHUNK])

    def is_passing(self, error: Exception) -> bool:
        """Say whether others were in the way; behind a lost savepoint is the deadlock that took it."""
        cause: BaseException | None = error
        while cause is not None:
            if _code(cause) in _PASSING:
                return True
            cause = cause.__context__
        return False

    def watch(self, database: Database, listener: Callable[[Change], None]) -> Watch:
        """Ask every `poll_interval` what changed."""
        return Polling(database, listener, self._poll_interval, "unix_timestamp()")

    def words(self, error: Exception) -> str:
        """Say what the server's error code means. Its own text may quote a passkey, and is cut before the quote."""
        cause = getattr(error, "orig", None) or error
        code = _code(error)
        if code == CR.CR_CONN_HOST_ERROR:
            return f"{self.place} cannot be reached ({_why(cause)}): start the server, or correct its host and port."
        said = str(cause.args[-1]) if cause.args else ""
        if code == CR.CR_SERVER_LOST and "timed out" in said:
            return f"{self.place} did not answer within {self._timeout:g} s: look at the server and its load."
        known = MYSQL_WORDS.get(code)
        if known:
            return f"{self.place} {known}."
        what = re.split(r"['\"`(\n]", said)[0].strip(" ;,:") if isinstance(cause, pymysql.Error) else ""
        return f"{self.place} failed: {what or type(cause).__name__}" + (f" (error {code})." if code else ".")


def read_url(url: str) -> URL:
    """Return the URL for SQLAlchemy; `ConfigError` says, without the password, what is wrong with it."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"the URL cannot be read: it is written {_FORM}, what is special in it as %XX") from None
    if "+" in read.drivername and not read.drivername.endswith("+pymysql"):
        raise ConfigError(f"{read.drivername}: mika talks to this database by pymysql alone: write {_FORM}")
    if not read.database or "/" in read.database:
        raise ConfigError(f"the URL names no database: it is written {_FORM}")
    if not read.username:
        raise ConfigError(f"the URL names no user: it is written {_FORM}")
    unknown = sorted(set(read.query) - _OPTIONS)
    if unknown:
        raise ConfigError(f"the URL has an unknown option {unknown[0]}; there are {', '.join(sorted(_OPTIONS))}")
    if not all(isinstance(value, str) for value in read.query.values()):
        raise ConfigError("the URL has an option twice")
    return read.set(drivername="mysql+pymysql", host=read.host or "localhost", port=read.port or 3306)


def _code(error: BaseException) -> int:
    cause = getattr(error, "orig", None) or error
    code = cause.args[0] if isinstance(cause, pymysql.Error) and cause.args else 0
    return code if isinstance(code, int) else 0


def _why(error: Any) -> str:
    cause = getattr(error, "original_exception", None)
    return str(getattr(cause, "strerror", None) or cause or "no connection")


def _set_up(connection: Any, _: Any) -> None:
    connection.autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
    connection.autocommit(False)


def _unlock_schema(connection: Any, record: Any) -> None:
    if connection is not None and record.info.pop("locked", False):
        with suppress(pymysql.Error, SQLAlchemyError), connection.cursor() as cursor:  # a lost one has no locks
            cursor.execute(f"DO RELEASE_LOCK({_LOCK})")


def _together(statement: Write, words: str, names: Sequence[str]) -> Callable[[Connection, Sequence[Row]], None]:
    """Return what executes an INSERT with the VALUES of many rows."""
    found = _ROW.search(words)
    assert found  # noqa: S101 - it was looked for
    one = _PARAMETER.sub("%s", found[0])
    places = [names.index(name) for name in _PARAMETER.findall(found[0])]
    before, behind = words[: found.start()], words[found.end() :]
    columns = statement.table.c
    points = [at for at, name in enumerate(names) if name in columns and isinstance(columns[name].type, Point)]

    def execute(connection: Connection, rows: Sequence[Row]) -> None:
        for at in points:
            rows = [row if row[at] else (*row[:at], _nowhere(row), *row[at + 1 :]) for row in rows]
        literals = _literals(rows)
        values = zip(*(literals[place] for place in places), strict=True)
        connection.exec_driver_sql(f"{before}{', '.join(one % row for row in values)}{behind}")

    return execute


def _joined(words: str, names: Sequence[str], types: Sequence[Any]) -> Callable[[Connection, Sequence[Row]], None]:
    """Return what executes an UPDATE, a DELETE or an INSERT ... SELECT once for many rows that wait in a table.

    They are in order there, and STRAIGHT_JOIN makes the server go through them so, and lock rows in that order.
    """
    kinds = ["b" if isinstance(each, LargeBinary) else "t" if isinstance(each, String) else "n" for each in types]
    columns = [f"{kind}{kinds[:at].count(kind)}" for at, kind in enumerate(kinds)]
    joined = words % {name: f"mika_waiting.{column}" for name, column in zip(names, columns, strict=True)}
    joined = _VERB.sub(_join, joined, count=1)
    waits = f"INSERT INTO mika_waiting ({', '.join(columns)}) VALUES "  # noqa: S608 - b0, n0 and so on
    one = f"({', '.join(['%s'] * len(columns))})"

    def execute(connection: Connection, rows: Sequence[Row]) -> None:
        values = zip(*_literals(rows), strict=True)
        connection.exec_driver_sql(waits + ", ".join(one % row for row in values))
        connection.exec_driver_sql(joined)
        connection.exec_driver_sql("DELETE FROM mika_waiting")

    return execute


def _join(found: re.Match[str]) -> str:
    if found["update"]:
        return "UPDATE mika_waiting STRAIGHT_JOIN "
    if found["delete"]:
        return f"DELETE {found['table']} FROM mika_waiting STRAIGHT_JOIN {found['table']}"
    return "FROM mika_waiting STRAIGHT_JOIN "


def _literals(rows: Sequence[Row]) -> list[Sequence[Any]]:
    """Return the columns of rows as they stand in SQL. A number or a bool stands as Python writes it."""
    return [
        column if set(map(type, column)) <= {int, bool} else list(map(_literal, column))
        for column in zip(*rows, strict=True)
    ]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return f"_utf8mb4 x'{value.encode().hex()}'"
    if isinstance(value, int):
        return str(int(value))
    raise TypeError(f"{type(value).__name__} is not written so")


def _nowhere(row: Row) -> bytes | None:
    """Return where a peer is whose place is unknown: off the globe, where each has its own place, always the same.

    An index of places needs one for each row, and slows down to a crawl when it has to delete one of many at the same.
    """
    spread = crc32(b"".join(value for value in row[:3] if isinstance(value, bytes)))
    return wkb((-1000.0 - (spread >> 16), float(spread & 0xFFFF)))
