"""A SQL database behind Deferreds: every call is one transaction in one thread call, every failure a clear line.

`sql.py` asks with functions over a SQLAlchemy `Connection` (`user_rows.py` and its like); the reactor never waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import clear_frames
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool

from mika.errors import StoreError
from mika.store.dialect import Dialect
from mika.store.upgrade import Schema, schema_of, upgrade, wanted

TRIES = 5
"""How often a transaction is tried that others keep from ending, as in a deadlock."""

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """The connections to one database and the threads that wait for it."""

    def __init__(self, dialect: Dialect, reactor: IReactorThreads) -> None:
        self.dialect = dialect
        self.reactor = reactor
        self._pool: ThreadPool | None = None
        self._source: Engine | None = None

    def open(self) -> Deferred[None]:
        """Connect and bring the schema up to date; fails with `StoreError`, and then holds nothing."""
        return ensureDeferred(self._open())

    async def _open(self) -> None:
        self._pool = ThreadPool(0, self.dialect.threads, name=f"mika: {self.dialect.place}")
        self._pool.start()
        try:
            await deferToThreadPool(self.reactor, self._pool, self._prepare)
        except BaseException:
            await self.close()
            raise

    def close(self) -> Deferred[None]:
        """Let go of threads and connections, after everything that was asked for is done and answered."""
        pool, self._pool = self._pool, None
        return ensureDeferred(self._close(pool))

    async def _close(self, pool: ThreadPool | None) -> None:
        if pool is None:
            return
        # It waits, so it does that in a thread of the reactor's. What the pool's threads answered is in the reactor's
        # queue before its own answer.
        await deferToThreadPool(self.reactor, self.reactor.getThreadPool(), self._let_go, pool)

    def schema(self) -> Deferred[Schema]:
        """Answer with the schema as it is. Connects for this alone, open or not, and changes nothing."""
        return deferToThreadPool(self.reactor, self.reactor.getThreadPool(), self._look)

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Answer with `work(connection, ...)`, which changes nothing."""
        return self._in_thread(False, lambda connection: work(connection, *args, **kwargs))

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Answer with `work(connection, ...)`, whose changes are all kept, or none if it raises."""
        return self._in_thread(True, lambda connection: work(connection, *args, **kwargs))

    def in_reactor(self, call: Callable[[T], None]) -> Callable[[T], None]:
        """Return what a thread calls to have `call` run in the reactor's thread, and to wait until it has."""
        return lambda value: blockingCallFromThread(self.reactor, call, value)

    def _in_thread(self, writes: bool, work: Callable[[Connection], T]) -> Deferred[T]:
        if self._pool is None:
            return fail(StoreError(f"{self.dialect.place} is not open."))
        return deferToThreadPool(self.reactor, self._pool, self._transaction, writes, work)

    # ---- in a thread

    def _look(self) -> Schema:
        if not self.dialect.is_there():
            return Schema("", wanted())
        with self._in_words():
            source = self.dialect.connect()
            try:
                with source.execution_options(writes=False).begin() as connection:
                    return schema_of(connection)
            finally:
                source.dispose()

    def _prepare(self) -> None:
        with self._in_words():
            self._source = self.dialect.connect()
        self._transaction(True, self._upgrade)

    def _upgrade(self, connection: Connection) -> None:
        self.dialect.lock_schema(connection)
        upgrade(connection, self.dialect.place)

    def _transaction(self, writes: bool, work: Callable[[Connection], T]) -> T:
        if self._source is None:
            raise StoreError(f"{self.dialect.place} is not open.")
        source = self._source.execution_options(writes=writes)
        with self._in_words():
            for _ in range(TRIES - 1):
                try:
                    with source.begin() as connection:
                        return work(connection)
                except SQLAlchemyError as error:
                    if not self.dialect.is_passing(error):
                        raise
            with source.begin() as connection:
                return work(connection)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
            words = self.dialect.words(error)
            _let_go_of(error)
            raise StoreError(words) from None  # the cause holds the statement

    def _let_go(self, pool: ThreadPool) -> None:
        pool.stop()
        if self._source is not None:
            self._source.dispose()
            self._source = None


def _let_go_of(error: BaseException | None) -> None:
    """Free what the frames of an error hold, such as a connection with its own TLS settings, which is most of a MiB.

    They hold one another: during an outage hundreds would wait for Python's cyclic collector, which comes rarely here.
    """
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
