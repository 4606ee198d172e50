"""Where a tracker of the functional tests keeps everything: each kind of store on a real server of the test's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from functional.tracker_process import TrackerProcess
from servers.mariadb import MariaDb
from servers.postgresql import PostgreSQL
from servers.redis import Redis


@dataclass
class Place:
    """A URL for `[stores]`, and the server behind it."""

    url: str
    stop: Callable[[], object]
    start: Callable[[], object]
    reads: Callable[[], int] = lambda: 0
    """How many reads the server has served so far, by its own statistics."""

    settled: float = 1
    """Seconds after which that figure is up to date."""

    def settings(self) -> dict[str, str]:
        """Return the environment of a tracker that keeps everything here."""
        return dict.fromkeys(("MIKA_STORES__USERS", "MIKA_STORES__TORRENTS", "MIKA_STORES__PEERS"), self.url)

    def tracker(self, directory, **settings: str) -> TrackerProcess:
        """Return a tracker that keeps everything here, not started."""
        return TrackerProcess(directory, MIKA_GENERAL__LOG_LEVEL="info", **self.settings(), **settings)


@contextmanager
def sqlite() -> Iterator[Place]:
    """Keep everything in a file of the tracker's own, which is the default."""
    yield Place("sqlite:", lambda: None, lambda: None)


@contextmanager
def postgresql() -> Iterator[Place]:
    """Start PostgreSQL with PostGIS, as durable as it is on an operator's disk."""
    server = PostgreSQL(durable=True)
    try:
        server.start()
        name = server.database()

        def reads() -> int:
            scans = "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables"
            return int(server.sql(scans, database=name)[0][0])

        yield Place(server.url(name), server.stop, server.start, reads, settled=12)  # idle ones report every 10 s
    finally:
        server.remove()


@contextmanager
def mariadb() -> Iterator[Place]:
    """Start MariaDB."""
    server = MariaDb()
    try:
        server.start()

        def reads() -> int:
            return int(server.sql("SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1])

        yield Place(server.url(server.fresh()), server.stop, server.start, reads)
    finally:
        server.remove()


@contextmanager
def redis() -> Iterator[Place]:
    """Start Redis, which writes everything to its disk before it answers."""
    server = Redis()
    try:
        server.start()

        def reads() -> int:
            calls = re.findall(rb"cmdstat_(\w+)[^:]*:calls=(\d+)", server.ask("INFO", "commandstats"))
            return sum(int(count) for name, count in calls if name not in {b"info", b"hello", b"auth", b"ping"})

        yield Place(server.url(), server.stop, server.start, reads)
    finally:
        server.remove()


PLACES = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mariadb, "redis": redis}
SERVERS = {name: place for name, place in PLACES.items() if name != "sqlite"}
