"""A database in one file, by SQLite: the embedded default. `registry.py` makes it, for `SqlStore` to use.

Others may read the file meanwhile, such as `sqlite3` for a backup; what writes to it makes mika wait.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert

from mika.interfaces import Change
from mika.store.database import Database
from mika.store.dialect import Dialect, Row, Watch, Write
from mika.store.point import distance_m
from mika.store.polling import Polling

_CHUNK = 1000  # one call over 10,000 rows would keep the reactor's thread from running for 40 to 120 ms
_TAKEN_AT_ONCE: dict[type, Callable[[Any], Any]] = {bytes: bytearray, bool: int}
_TOGETHER = 100  # SQLite takes 32,766 values in one statement

_WORDS = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: move it away, or name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged: move it away and put a backup in its place",
    sqlite3.SQLITE_BUSY: "is locked by another program: let that one finish, or stop it",
    sqlite3.SQLITE_LOCKED: "is locked by another program: let that one finish, or stop it",
    sqlite3.SQLITE_READONLY: "cannot be written: give mika's user the right to write the file and its directory",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that the directory is there and that mika's user may write it",
    sqlite3.SQLITE_PERM: "cannot be opened: check that mika's user may read and write it",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error",
}


class Sqlite(Dialect):
    """The database in the file `path`, which is made if there is none, for mika's user alone."""

    threads = 1

    def __init__(self, path: Path, busy_seconds: float = 5.0, poll_interval: float = 2) -> None:
        """`busy_seconds` is how long a call waits while another program writes."""
        self._poll_interval = poll_interval
        self.place = f"The database {path}"
        self._path = path
        self._busy_seconds = busy_seconds
        self._statements: dict[tuple[Write, tuple[str, ...]], tuple[str, str, list[int]]] = {}
        self._upserts: dict[Table, Insert] = {}

    def connect(self) -> Engine:
        """Return the source of the one connection; `OSError` if there can be no such file."""
        # SQLite itself would make the file readable for all; its -wal and -shm files take over this file's mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        source = create_engine(
            URL.create("sqlite+pysqlite", database=str(self._path)),
            connect_args={"timeout": self._busy_seconds},
            pool_size=1,
            max_overflow=0,
            hide_parameters=True,
        )
        event.listen(source, "connect", _set_up)
        event.listen(source, "begin", _begin)
        return source

    def is_there(self) -> bool:
        """Say whether there is a file."""
        return self._path.exists()

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: a transaction that writes locks the whole file from its BEGIN IMMEDIATE on."""

    def upsert(self, table: Table) -> Insert:
        """Return INSERT ... ON CONFLICT DO UPDATE of every column outside the key."""
        known = self._upserts.get(table)
        if known is None:
            new = insert(table)
            values = {column.name: new.excluded[column.name] for column in table.columns if not column.primary_key}
            known = new.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
            self._upserts[table] = known
        return known

    def insert_or(self, table: Table, change: Callable[[Any], Mapping[str, Any]]) -> Insert:
        """Return INSERT ... ON CONFLICT DO UPDATE."""
        new = insert(table)
        return new.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(change(new.excluded)))

    def insert_missing(self, table: Table) -> Insert:
        """Return INSERT OR IGNORE."""
        return insert(table).prefix_with("OR IGNORE")

    def execute_all(
        self,
        connection: Connection,
        statement: Write,
        names: Sequence[str],
        rows: Sequence[Row],
        *,
        told: bool = False,  # noqa: ARG002 - who asks what changed sees by the rows themselves
    ) -> None:
        """Hand the rows to the driver, in pieces. Statements are compiled once: those that come again are the same."""
        if not rows:
            return
        words, together, places = self._compiled(connection, statement, tuple(names))
        in_place = places == list(range(len(names)))
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK] if in_place else map(itemgetter(*places), rows[start : start + _CHUNK])
            chunk = list(zip(*map(_bindable, zip(*some, strict=True)), strict=True))
            whole = len(chunk) - len(chunk) % _TOGETHER if together else 0
            for first in range(0, whole, _TOGETHER):
                connection.exec_driver_sql(together, tuple(chain.from_iterable(chunk[first : first + _TOGETHER])))
            if chunk[whole:]:
                connection.exec_driver_sql(words, chunk[whole:])

    def _compiled(self, connection: Connection, statement: Write, names: tuple[str, ...]) -> tuple[str, str, list[int]]:
        """Return a statement for one row, for many rows together (empty if it inserts none), and the order of values.

        Many rows in one statement are one step of SQLite's: each step lets go of the interpreter and has to get it
        back, which under load takes longer than the step.
        """
        known = self._statements.get((statement, names))
        if known is None:
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
            words = str(compiled)
            one = f"({', '.join('?' * len(names))})"
            many = f"VALUES {', '.join([one] * _TOGETHER)}"
            together = words.replace(f"VALUES {one}", many) if f"VALUES {one}" in words else ""
            known = words, together, [names.index(name) for name in compiled.positiontup or ()]
            self._statements[statement, names] = known
        return known

    def watch(self, database: Database, listener: Callable[[Change], None]) -> Watch:
        """Ask every `poll_interval` what changed, if anybody else wrote at all."""
        clock = "CAST(strftime('%s', 'now') AS INTEGER)"
        return Polling(database, listener, self._poll_interval, clock, _data_version)

    def words(self, error: Exception) -> str:
        """Say what SQLite's primary result code means, or what the operating system said."""
        if isinstance(error, OSError):
            return f"{self.place} cannot be opened: {error.strerror or error}."
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        what = _WORDS.get(code) or f"failed: {(str(cause).splitlines() or [type(cause).__name__])[0]}"
        return f"{self.place} {what}."


def _data_version(connection: Connection) -> Hashable:
    """Return what stays the same on one connection until another one has changed the file."""
    return id(connection.connection.dbapi_connection), connection.exec_driver_sql("PRAGMA data_version").scalar()


def _bindable(column: tuple[Any, ...]) -> Iterable[Any]:
    """Return a column as sqlite3 takes its values at once: every bytes or bool it asks five ways how to adapt it."""
    kind = type(column[0])
    if kind not in _TAKEN_AT_ONCE or set(map(type, column)) != {kind}:
        return column
    return map(_TAKEN_AT_ONCE[kind], column)


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun in `_begin`, not by sqlite3 at the first change
    connection.create_function("distance_m", 2, distance_m, deterministic=True)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB: the peers of a large site, so that no batch reads


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes then would fail at once if another program wrote in between.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
