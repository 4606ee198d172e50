"""Gives up a server of PostgreSQL that takes what is sent and never answers: its connection is cut.

The server's own time-outs end what it works on too long, keepalives find a machine that is gone; neither helps when the
server hangs, and libpq waits for ever. `postgresql.py` has its connections made of these classes.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any
from weakref import WeakSet

import psycopg2.extensions

_BETWEEN_LOOKS = 0.5


class Patience:
    """How long a call to the server may take, and the thread that looks whether one takes longer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._connections: WeakSet[PatientConnection] = WeakSet()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        self._ended = threading.Event()
        threading.Thread(target=self._look, args=(self._ended,), name="mika: patience", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._ended.set()

    def connect(self, **arguments: Any) -> PatientConnection:
        """Return a new connection that is looked after."""
        connection: PatientConnection = psycopg2.connect(
            connection_factory=PatientConnection, cursor_factory=_PatientCursor, **arguments
        )
        connection.patience = self
        with self._lock:
            self._connections.add(connection)
        return connection

    def _look(self, ended: threading.Event) -> None:
        while not ended.wait(_BETWEEN_LOOKS):
            now = monotonic()
            with self._lock:
                connections = list(self._connections)
            for connection in connections:
                with suppress(OSError, psycopg2.Error):  # it has just failed by itself
                    connection.cut_after(now)


class PatientConnection(psycopg2.extensions.connection):
    """A connection whose calls end with "timeout expired" when the server does not answer in time."""

    patience: Patience | None = None
    unlimited = False
    """Whether the transaction that runs may take as long as it likes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._cut = False

    def wait_anew(self) -> None:
        """Give the call that runs its whole time once more: it got on."""
        if self.patience is not None and not self.unlimited:
            self._deadline = monotonic() + self.patience.seconds

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let what runs in here take so long and no longer."""
        self.wait_anew()
        try:
            yield
        except psycopg2.Error:
            if self._cut:
                raise psycopg2.OperationalError("timeout expired") from None
            raise
        finally:
            with self._lock:
                self._deadline = None

    def cut_after(self, now: float) -> None:
        """Cut the connection if its deadline is past; called in another thread."""
        with self._lock:  # so that the call does not end meanwhile, and the file number become another's
            if self._deadline is None or now < self._deadline:
                return
            self._cut, self._deadline = True, None
            with socket.socket(fileno=socket.dup(self.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)

    def commit(self) -> None:
        """Commit."""
        with self.waiting():
            super().commit()
        self.unlimited = False

    def rollback(self) -> None:
        """Roll back."""
        self.unlimited = False
        with self.waiting():
            super().rollback()


class _PatientCursor(psycopg2.extensions.cursor):
    connection: PatientConnection

    def execute(self, *arguments: Any, **options: Any) -> None:
        with self.connection.waiting():
            super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        with self.connection.waiting():
            super().executemany(*arguments, **options)

    def copy_expert(self, *arguments: Any, **options: Any) -> None:
        with self.connection.waiting():
            super().copy_expert(*arguments, **options)
