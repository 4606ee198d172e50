"""The open connections of the announce ports, for `http.py`: who was silent for too long, and who must make room.

Every connection takes a descriptor, of which a process has so many. What the stores, the journal and the API need is
kept back; when the rest is taken, those that were silent longest are cut off, so that a newcomer is always served.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from twisted.logger import Logger

RESERVE = 128
"""Descriptors kept back for stores, journal, log and API, and for a burst that comes before room is made."""

LEAST = 16
"""Connections that are allowed however few descriptors there are."""

PORTION = 32
"""One of so many connections is cut off at a time, so that making room is rare."""

LOG_TIME = 60
"""Seconds between two lines about it."""


class Connection(Protocol):
    """What is asked of a connection: `since` when it is silent, and for how long it may be, in seconds."""

    since: float
    patience: float

    def cut_off(self) -> bool:
        """End it, unless it waits for a store; say whether it ends."""

    def end(self) -> None:
        """End it after the answer that it waits for, if any."""


class Connections:
    """All open connections, as many at most as `allow` said."""

    log = Logger()

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: set[Connection] = set()
        self._ending: set[Connection] = set()
        self._most = float("inf")
        self._cut_off = 0
        self._told_at = float("-inf")

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open))

    def allow(self, descriptors: int) -> None:
        """Say how many descriptors the process has."""
        self._most = max(LEAST, descriptors - RESERVE)

    def add(self, connection: Connection) -> None:
        """Take in a new connection; the ones that were silent longest make room for it if need be."""
        self._open.add(connection)
        if len(self._open) - len(self._ending) > self._most:
            self.make_room()

    def discard(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)
        self._ending.discard(connection)

    def end(self) -> None:
        """End them all, and those that a line becomes when its last words are read."""
        ended: set[Connection] = set()
        while ending := self._open - ended:
            for connection in ending:
                connection.end()
            ended |= ending

    def sweep(self) -> None:
        """Cut off who was silent, or busy with one request, for too long."""
        now = self._clock()
        for connection in [each for each in self._open if now - each.since > each.patience]:
            connection.cut_off()

    def make_room(self) -> bool:
        """Cut off some of those that were silent longest; say whether there were any. Logs once a minute at most."""
        staying = self._open - self._ending
        by_silence = sorted(staying, key=lambda each: each.since)
        ending = list(islice((each for each in by_silence if each.cut_off()), max(1, len(staying) // PORTION)))
        self._ending.update(self._open.intersection(ending))  # a line has ended already
        self._cut_off += len(ending)
        now = self._clock()
        if now - self._told_at >= LOG_TIME:
            self.log.warn(
                "too few open files are allowed ({limit}): of {open} connections, {cut_off} that were silent longest"
                " were cut off; raise LimitNOFILE= of the unit, or ulimit -n",
                limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                open=len(self._open),
                cut_off=self._cut_off,
            )
            self._told_at = now
            self._cut_off = 0
        return bool(ending)
