"""A database of PostgreSQL 10 or later with PostGIS, by psycopg2. `registry.py` makes it, for `SqlStore` to use.

A batch goes to the server by COPY into a temporary table, and from there into its table by one statement.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.extensions
from sqlalchemy import (
    URL,
    BigInteger,
    BindParameter,
    Boolean,
    Connection,
    Engine,
    Insert,
    Integer,
    LargeBinary,
    Select,
    Table,
    Update,
    column,
    create_engine,
    event,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import NullType

from mika.errors import ConfigError, StoreError
from mika.interfaces import Change
from mika.store.copying import Layout, Sink, Source
from mika.store.dialect import AT_A_TIME, Dialect, Row, Watch, Write
from mika.store.listening import Listening
from mika.store.patience import Patience, PatientConnection
from mika.store.point import FromWkb, Point, from_wkb
from mika.store.postgresql_words import READ_ONLY, explain

if TYPE_CHECKING:
    from mika.store.database import Database

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")

_OLDEST = 100000
_JIT_SINCE = 110000
_LOCK = 0x6D696B61  # "mika" as a number: whoever changes the schema has this lock
_TOGETHER = 20_000  # rows: what an outage has left is merged within the server's time-outs

# A serialization that failed, a deadlock, and a row that another was quicker to add, which is found when it is looked
# for again: the server undid the transaction.
_PASSING = {"40001", "40P01", "23505"}

# What a connection waits at most, in seconds. A server that hangs or is cut off becomes an error.
_CONNECTING = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "fallback_application_name": "mika",
}

_LONGEST = 45.0  # more than the server's own time-outs, which leave the connection as it is

_SESSION = """
SET statement_timeout = '30s';
SET lock_timeout = '10s';
SET idle_in_transaction_session_timeout = '120s';
SET client_min_messages = warning;
SET bytea_output = hex;
SET default_transaction_isolation = 'read committed';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
"""
"""A commit that is answered is on the server's disk: the journal lets go of what was answered."""

_BATCH = """
SET LOCAL mika.batch = '{batch}';
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS;
DELETE FROM {name};
"""
"""Others are not told of what a batch adds, `batch` being on (step 0003). Rows are looked up one by one in the order of
the batch, so that two nodes lock them in the same order."""

_COPY = "COPY (SELECT {shape}, everything.* FROM ({query}) AS everything) TO STDOUT (FORMAT binary)"
_FORMATS = {BigInteger: "q", Integer: "i", Boolean: "?"}


@dataclass(frozen=True, slots=True)
class _Merge:
    """How the rows of a batch come into their table."""

    prepare: str
    copy: str
    merge: Write
    key: int
    """With how many first values no two rows may be alike in one statement; 0 if they may."""


class Postgresql(Dialect):
    """The database that a URL names; `ConfigError` if it names none."""

    threads = 5  # a batch of each kind, and reads beside them

    def __init__(self, url: str) -> None:
        self._url = _parsed(url)
        self.place = f"The database {_place(self._url)}"
        self.patience = Patience(_LONGEST)
        self.origin = secrets.token_hex(8)
        self._arguments = _arguments(self._url)
        self._merges: dict[tuple[Write, tuple[str, ...]], _Merge] = {}
        self._numbers = count()
        self._upserts: dict[Table, Insert] = {}

    def connect(self) -> Engine:
        """Return the source of connections, each tried before it is used, so that a restart of the server is over."""
        source = create_engine(
            "postgresql+psycopg2://",
            creator=self.connection,
            pool_size=self.threads,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(source, "do_execute", _execute)
        event.listen(source, "handle_error", _leave_a_standby)
        event.listen(source, "engine_disposed", lambda _: self.patience.stop())
        self.patience.start()
        return source

    def connection(self) -> PatientConnection:
        """Return a new connection; `listening.py` takes one for itself."""
        connection = self.patience.connect(**self._arguments)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION + f"SET mika.origin = '{self.origin}';")
                if connection.server_version >= _JIT_SINCE:
                    cursor.execute("SET jit = off")  # compiling takes longer than any of our statements
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def lock_schema(self, connection: Connection) -> None:
        """Wait for others who upgrade it, as long as that takes; refuse a server that cannot serve."""
        driven: Any = connection.connection.driver_connection
        version = driven.server_version
        if version < _OLDEST:
            raise StoreError(f"{self.place} is of PostgreSQL {version // 10000}: mika needs version 10 or later.")
        read_only = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
        if connection.scalar(text(read_only)):
            raise StoreError(f"{self.place} {READ_ONLY}.")
        driven.unlimited = True
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '10min'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))

    def upsert(self, table: Table) -> Insert:
        """Return INSERT ... ON CONFLICT DO UPDATE of every column outside the key."""
        known = self._upserts.get(table)
        if known is None:
            new = insert(table)
            values = {each.name: new.excluded[each.name] for each in table.columns if not each.primary_key}
            known = new.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
            self._upserts[table] = known
        return known

    def insert_or(self, table: Table, change: Callable[[Any], Mapping[str, Any]]) -> Insert:
        """Return INSERT ... ON CONFLICT DO UPDATE."""
        new = insert(table)
        return new.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(change(new.excluded)))

    def insert_missing(self, table: Table) -> Insert:
        """Return INSERT ... ON CONFLICT DO NOTHING."""
        return insert(table).on_conflict_do_nothing()

    def execute_all(
        self,
        connection: Connection,
        statement: Write,
        names: Sequence[str],
        rows: Sequence[Row],
        *,
        told: bool = False,
    ) -> None:
        """Copy the rows into a temporary table, and let the statement take its values from there."""
        if not rows:
            return
        key = statement, tuple(names)
        merge = self._merges.get(key)
        if merge is None:
            # A name of its own, whatever other threads do meanwhile: tables of one name would be taken for one another.
            merge = self._merges[key] = _merge(connection, statement, names, f"mika_batch_{next(self._numbers)}")
        pieces = (rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER))
        for some in (turn for piece in pieces for turn in _in_turns(piece, merge.key)):
            connection.exec_driver_sql(merge.prepare.format(batch="off" if told else "on"))
            connection.exec_driver_sql(merge.copy, execution_options={"rows": Source(some)})
            connection.execute(merge.merge)

    def fetch_all(self, connection: Connection, query: Select[Any], take: Callable[[Sequence[Row]], None]) -> None:
        """Have the server copy the rows out in its binary format, which costs us a third of what its answers do."""
        columns = list(query.selected_columns)
        places = [at for at, each in enumerate(columns) if isinstance(each.type, Point)]
        layout = Layout([_format(each.type) for each in columns])

        def unpacked(data: list[bytes]) -> None:
            rows = layout.unpack(data)
            for at in places:
                rows = [(*row[:at], from_wkb(row[at] or None), *row[at + 1 :]) for row in rows]
            take(rows)
            driven.wait_anew()

        driven: Any = connection.connection.driver_connection
        sink = Sink(unpacked, AT_A_TIME)
        words = _COPY.format(
            shape=" || ".join(
                f"int4send(coalesce(octet_length({_quoted(connection, each.name)}), -1))"
                for each in columns
                if _format(each.type) is None
            ),
            query=query.compile(dialect=connection.dialect),
        )
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # it takes as long as `take` does
        connection.exec_driver_sql(words, execution_options={"rows": sink})
        sink.finish()

    def is_passing(self, error: Exception) -> bool:
        """Say whether it was a deadlock or the like."""
        return getattr(getattr(error, "orig", None), "pgcode", None) in _PASSING

    def watch(self, database: Database, listener: Callable[[Change], None]) -> Watch:
        """Return what listens to the triggers of step 0003."""
        return Listening(self.connection, self.origin, database.reactor, listener)

    def words(self, error: Exception) -> str:
        """Say what PostgreSQL's code means, or what libpq said when there was no server to give one."""
        return f"{self.place} {explain(error, self._url.username, self._url.database)}."


def _parsed(url: str) -> URL:
    """Return the URL; `ConfigError` never has its password."""
    example = "write it as postgresql://USER:PASSWORD@HOST/DATABASE"
    scheme = url.partition(":")[0]
    if scheme not in SCHEMES:
        raise ConfigError(f"{scheme}: is not a driver that mika has: {example}")
    try:
        parsed = make_url(url)
        unread = "@" in (parsed.host or "")
    except (ArgumentError, ValueError):
        unread = True
    if unread:
        words = f"the {scheme} URL cannot be read: {example}, special characters as %40 and the like"
        raise ConfigError(words)
    if not parsed.database or "/" in parsed.database:
        raise ConfigError(f"the {scheme} URL names no database: {example}")
    parsed = parsed.set(drivername="postgresql+psycopg2")
    try:
        psycopg2.extensions.make_dsn(**_arguments(parsed))
    except (psycopg2.Error, ArgumentError, ValueError, TypeError) as error:
        option = str(error).strip().rpartition(": ")[2]
        raise ConfigError(f"the {scheme} URL has a parameter that PostgreSQL does not know: {option}") from None
    return parsed


def _place(url: URL) -> str:
    hosts = url.query.get("host", "localhost")
    host = url.host or (hosts if isinstance(hosts, str) else ",".join(hosts))
    return f"{host}:{url.port}/{url.database}" if url.port else f"{host}/{url.database}"


def _arguments(url: URL) -> dict[str, Any]:
    """Return what libpq is to be called with."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    return {**_CONNECTING, **arguments}


def _merge(connection: Connection, statement: Write, names: Sequence[str], name: str) -> _Merge:
    """Return `statement` as one over all rows of the temporary table `name`, which has the parameters as columns."""
    batch = table(name, *map(column, names))
    kinds: dict[str, Any] = {}

    def from_batch(element: Any, **_: Any) -> Any:
        if not isinstance(element, BindParameter) or element.key not in names:
            return None
        # Only a figure that is added has no type of its own.
        kinds[element.key] = BigInteger() if isinstance(element.type, NullType) else element.type
        return batch.c[element.key]

    merge: Any
    key = 1 if isinstance(statement, Update) else 0
    if isinstance(statement, Insert) and statement.select is None:
        key = len(list(statement.table.primary_key))
        kinds = {each: statement.table.c[each].type for each in names}
        values = [FromWkb(batch.c[each]) if isinstance(kinds[each], Point) else batch.c[each] for each in names]
        merge = statement.from_select(list(names), select(*values))
    else:
        merge = replacement_traverse(statement, {}, from_batch)
    columns = []
    for each in names:
        kind = LargeBinary() if isinstance(kinds[each], Point) else kinds[each]
        columns.append(f"{_quoted(connection, each)} {kind.compile(dialect=connection.dialect)}")
    prepare = _BATCH.format(name=name, columns=", ".join(columns), batch="{batch}")
    return _Merge(prepare, f"COPY {name} FROM STDIN", merge, key)


def _format(kind: Any) -> str | None:
    """Return how a column looks in the binary format; None for bytes and places."""
    return _FORMATS.get(type(kind))


def _quoted(connection: Connection, name: str) -> str:
    return str(connection.dialect.identifier_preparer.quote(name))


def _in_turns(rows: Sequence[Row], key: int) -> list[Sequence[Row]]:
    """Return rows in turns, in none of which two begin alike: UPDATE ... FROM would silently take one of them."""
    if not key or len({row[:key] for row in rows}) == len(rows):
        return [rows]
    turns: list[list[Row]] = []
    seen: dict[Row, int] = {}
    for row in rows:
        turn = seen[row[:key]] = seen.get(row[:key], -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(row)
    return list(turns)


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Send a statement; SQLAlchemy calls it, and turns what it raises into its own errors."""
    rows = context.execution_options.get("rows")
    try:
        if rows is not None:
            cursor.copy_expert(statement, rows)
        else:
            cursor.execute(statement, parameters)
    except ValueError as error:  # of psycopg2 itself: text that is no Unicode, or has a NUL
        raise psycopg2.DataError(str(error) if "NUL" in str(error) else "text that is not Unicode") from None
    return True


def _leave_a_standby(context: Any) -> None:
    """Connect anew when a server is read-only: the URL may name several, and another may be the primary by now."""
    if getattr(context.original_exception, "pgcode", None) == "25006":
        context.is_disconnect = True
