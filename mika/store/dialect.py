"""What differs between SQL databases, so that a further one is a class of its own beside `sqlite.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import BigInteger, Connection, Delete, Engine, Function, Insert, Select, Table, Update
from sqlalchemy.ext.compiler import compiles
from twisted.internet.defer import Deferred

from mika.interfaces import Change

if TYPE_CHECKING:
    from mika.store.database import Database

Write = Insert | Update | Delete
Row = tuple[Any, ...]

AT_A_TIME = 5000
"""How many rows of a long answer are handed on together."""


class Least(Function[int]):
    """The smaller of two numbers."""

    inherit_cache = True

    def __init__(self, one: Any, other: Any) -> None:
        super().__init__("least", one, other, type_=BigInteger())


@compiles(Least, "sqlite")
def _min(element: Least, compiler: Any, **options: Any) -> str:
    return f"min{compiler.process(element.clause_expr, **options)}"


class Watch(Protocol):
    """Hears what others change in a database, from `start` to `stop`."""

    def start(self) -> Deferred[None] | None:
        """Begin; the database is open. What is returned is waited for: from then on everything is heard."""

    def stop(self) -> Deferred[None]:
        """End; answer when nothing more will be told."""


class Dialect(ABC):
    """One database: how to reach it, its own SQL, and its errors in words.

    `place` is what an operator calls it, without any password; `threads` how many calls it serves at a time.
    """

    place: str
    threads: int

    @abstractmethod
    def connect(self) -> Engine:
        """Return the source of connections. One that is given the option `writes=True` is about to write."""

    def is_there(self) -> bool:
        """Say whether there is a database to connect to, where `connect` would make one."""
        return True

    @abstractmethod
    def lock_schema(self, connection: Connection) -> None:
        """Let nobody else change the schema until the transaction of `connection` ends."""

    @abstractmethod
    def upsert(self, table: Table) -> Insert:
        """Return an INSERT that replaces the row which has the same primary key."""

    @abstractmethod
    def insert_or(self, table: Table, change: Callable[[Any], Mapping[str, Any]]) -> Insert:
        """Return an INSERT that instead changes the row which has the same primary key.

        `change` is given the columns of the new row, and returns the new values of columns.
        """

    @abstractmethod
    def insert_missing(self, table: Table) -> Insert:
        """Return an INSERT that leaves out a row whose primary key is there."""

    @abstractmethod
    def execute_all(
        self,
        connection: Connection,
        statement: Write,
        names: Sequence[str],
        rows: Sequence[Row],
        *,
        told: bool = False,
    ) -> None:
        """Execute a statement for every row, which holds the values of the parameters `names`, as fast as can be.

        `told`: others who listen are told of what it changes; of a batch they are not.
        SQLAlchemy's own way costs more than the database does, and each driver has another way that is fast. The
        statement is one that is made once and comes again with each batch, so that it is compiled once.
        """

    def fetch_all(self, connection: Connection, query: Select[Any], take: Callable[[Sequence[Row]], None]) -> None:
        """Call `take` with the rows of a query that has no parameters, some at a time, as fast as can be.

        There may be millions; none of their values but places are NULL.
        """
        for rows in connection.execute(query.execution_options(yield_per=AT_A_TIME)).partitions():
            take(rows)

    def is_passing(self, error: Exception) -> bool:
        """Say whether a transaction that failed so was undone, and may well succeed if it is tried again at once."""
        del error
        return False

    def watch(self, database: Database, listener: Callable[[Change], None]) -> Watch | None:
        """Return what tells `listener`, in the reactor's thread, of others' changes; None if nothing can."""
        del database, listener
        return None

    @abstractmethod
    def words(self, error: Exception) -> str:
        """Say on one line what an error of this database means and what to do; never with values of a statement."""
