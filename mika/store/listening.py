"""Hears by LISTEN what others change in a database of PostgreSQL: the triggers of step 0003 tell it.

`SqlStore` starts it when the database is open. It has a connection of its own, and a thread that waits for it.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, Literal, cast, get_args

import psycopg2
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from mika.interfaces import Change

CHANNEL = "mika"

Kind = Literal["user", "role", "torrent", "whitelist"]

_KINDS = cast("tuple[Kind, ...]", get_args(Kind))
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 15.0

_log = Logger()


def change_of(payload: str, origin: str) -> Change | None:
    """Return the change that a trigger told ("kind key origin"); None if it is nothing to hear, or our own."""
    kind, _, rest = payload.partition(" ")
    key, _, by = rest.partition(" ")
    if by == origin or kind not in _KINDS:
        return None
    try:
        if kind == "user" and key != "*":
            return Change("user", int(key))
        if kind == "torrent" and key != "*":
            return Change("torrent", bytes.fromhex(key))
    except ValueError:
        pass  # whatever somebody has sent there by hand: look at all of that kind
    return Change(kind)


class Listening:
    """Tells `listener`, in the reactor's thread, what others than `origin` change, from `start` to `stop`."""

    def __init__(
        self,
        connect: Callable[[], Any],
        origin: str,
        reactor: IReactorFromThreads,
        listener: Callable[[Change], None],
    ) -> None:
        """`connect` returns a new connection of psycopg2's."""
        self._connect = connect
        self._origin = origin
        self._reactor = reactor
        self._listener = listener
        self._stopping = False
        self._wake = (-1, -1)
        self._thread: threading.Thread | None = None
        self._started: Deferred[None] | None = None
        self._stopped: Deferred[None] = Deferred()

    def start(self) -> Deferred[None]:
        """Begin; answers when it hears, or when the first try has failed and it goes on trying."""
        self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        started: Deferred[None] = Deferred()
        self._started = started
        self._thread = threading.Thread(target=self._run, name="mika: listening", daemon=True)
        self._thread.start()
        return started

    def stop(self) -> Deferred[None]:
        """End; nothing is told any more from now on."""
        self._stopping = True
        if not self._stopped.called:
            os.write(self._wake[1], b"\0")
        return self._stopped

    # ---- in the reactor's thread

    def _begun(self) -> None:
        started, self._started = self._started, None
        if started is not None:
            started.callback(None)

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            if not self._stopping:
                self._listener(change)

    def _ended(self) -> None:
        if self._thread is not None:
            self._thread.join()
        for end in self._wake:
            os.close(end)
        self._begun()
        self._stopped.callback(None)

    # ---- in the thread

    def _run(self) -> None:
        missed = False
        delay = _FIRST_DELAY
        while not self._stopping:
            try:
                with closing(self._connect()) as connection:
                    connection.autocommit = True
                    with connection.cursor() as cursor:
                        cursor.execute(f"LISTEN {CHANNEL}")
                    self._reactor.callFromThread(self._begun)
                    if missed:
                        self._reactor.callFromThread(self._tell, [Change(kind) for kind in _KINDS])
                    missed, delay = True, _FIRST_DELAY
                    self._wait_and_tell(connection)
            except (psycopg2.Error, OSError):  # the store's own calls say what is wrong
                missed = True
                self._reactor.callFromThread(self._begun)
                select.select([self._wake[0]], [], [], delay)
                delay = min(2 * delay, _LONGEST_DELAY)
            except Exception:  # noqa: BLE001 - this thread is nobody's to catch in, and ends with words
                _log.failure("hears no changes of the database any more")
                break
        self._reactor.callFromThread(self._ended)

    def _wait_and_tell(self, connection: Any) -> None:
        while not self._stopping:
            told = [change_of(notice.payload, self._origin) for notice in connection.notifies]
            connection.notifies.clear()
            changes = list(dict.fromkeys(change for change in told if change is not None))
            if changes:
                self._reactor.callFromThread(self._tell, changes)
            select.select([connection, self._wake[0]], [], [])
            connection.poll()
