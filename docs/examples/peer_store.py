"""A store of one's own for swarms, in a SQLite file: docs/write-a-store.md explains it."""

import sqlite3
from ast import literal_eval
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from mika.errors import OutOfStepError, StoreError
from mika.interfaces import Circle, IPeerStore, Mark, PeerBatch
from mika.store.globe import distance
from mika.store.values import freeze_peer, thaw_peer

SCHEMA = """CREATE TABLE IF NOT EXISTS marks (kind, instance, number, PRIMARY KEY (kind, instance));
CREATE TABLE IF NOT EXISTS peers (info_hash, user_id, peer_id, facts, PRIMARY KEY (info_hash, user_id, peer_id));"""
LAST = "SELECT number FROM marks WHERE kind = ? AND instance = ?"


def in_thread(work: Callable[..., Any]) -> Callable[..., Deferred[Any]]:
    """Let a method that waits for the disk be called by the reactor, which never waits: it answers with a Deferred."""

    def call(self: "PeerStore", *args: Any) -> Deferred[Any]:
        if self._pool is None:
            return fail(StoreError(f"The swarms in {self._path} are not open."))
        return deferToThreadPool(self._reactor, self._pool, self._in_words, work, *args)

    return call


@implementer(IPeerStore)
class PeerStore:
    """Keeps every peer as a row, its facts as Python writes them."""

    def __init__(self, reactor: Any, state_dir: Any) -> None:
        self._reactor, self._path = reactor, state_dir / "swarms.sqlite"
        self._pool: ThreadPool | None = None
        self._database: Any = None

    def open(self) -> Deferred[None]:
        self._pool = ThreadPool(0, 1)  # one thread: calls are done in the order in which they come
        self._pool.start()
        return self._connect().addErrback(lambda why: self.close().addCallback(lambda _: why))

    @in_thread
    def _connect(self) -> None:
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._database.executescript(SCHEMA)

    def close(self) -> Deferred[None]:
        pool, self._pool = self._pool, None
        stop = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), pool.stop) if pool else succeed(None)
        return stop.addCallback(lambda _: self._database and self._database.close())

    def _in_words(self, work: Callable[..., Any], *args: Any) -> Any:
        try:
            return work(self, *args)
        except sqlite3.Error as error:
            raise StoreError(f"The swarms in {self._path} cannot be read or written: {error}.") from None

    def hear(self, listener: Callable[[Any], None]) -> None:
        """Nobody else writes the file, and changes of peers are not told at all."""

    @in_thread
    def last_number(self, kind: str, instance: str) -> int:
        return (self._database.execute(LAST, (kind, instance)).fetchone() or (0,))[0]

    def apply_peers(self, batch: PeerBatch) -> Deferred[None]:
        present = [(info_hash, freeze_peer(peer)) for info_hash, peer in batch.present]  # now: they go on changing
        return self._apply(batch.mark, present, list(batch.gone))

    @in_thread
    def _apply(self, mark: Mark, present: Any, gone: Any) -> None:
        rows = [(info_hash, *frozen[:2], repr(frozen)) for info_hash, frozen in present]
        with self._database:  # commits at its end, and rolls back when something is raised
            self._database.execute("BEGIN IMMEDIATE")
            if (self._database.execute(LAST, ("peers", mark.instance)).fetchone() or (0,))[0] != mark.after:
                raise OutOfStepError(f"The last batch in {self._path} is another than the one before this.")
            self._database.execute("REPLACE INTO marks VALUES ('peers', ?, ?)", (mark.instance, mark.number))
            self._database.executemany("DELETE FROM peers WHERE info_hash = ? AND user_id = ? AND peer_id = ?", gone)
            self._database.executemany("REPLACE INTO peers VALUES (?, ?, ?, ?)", rows)

    @in_thread
    def load_peers(self, keep: Callable[[Any], None]) -> None:
        rows = self._database.execute("SELECT info_hash, facts FROM peers")
        while some := rows.fetchmany(1000):
            found = [(info_hash, thaw_peer(literal_eval(facts))) for info_hash, facts in some]
            blockingCallFromThread(self._reactor, keep, found)

    @in_thread
    def peers_near(self, info_hash: bytes, circle: Circle) -> list[tuple[int, bytes]]:
        rows = self._database.execute("SELECT facts FROM peers WHERE info_hash = ?", (info_hash,))
        peers = [thaw_peer(literal_eval(facts)) for (facts,) in rows]
        middle = (circle.latitude, circle.longitude)
        found = [(distance(each.location, middle), each.user_id, each.peer_id) for each in peers if each.location]
        return [(user_id, peer_id) for metres, user_id, peer_id in sorted(found) if metres <= circle.metres]
