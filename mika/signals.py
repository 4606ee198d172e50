"""SIGHUP has everything read again that can change, and systemd is told what the process is about.

`tap.py` starts `Reloads` first and `Ready` last: a signal that comes while the tracker starts waits until it has.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import DeferredLock, ensureDeferred
from twisted.logger import Logger

from mika.errors import ConfigError, StoreError
from mika.live import Live
from mika.logs import Log


def notify(message: str) -> None:
    """Tell systemd, if it started this process (sd_notify(3)); nobody need listen."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out, suppress(OSError):
            out.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)


def has_terminal() -> bool:
    """Say whether a terminal stands behind this process."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


class Reloads(Service):
    """Hears SIGHUP as long as it runs, and reads again: configuration, certificates, whitelist, the name of the log.

    Whatever cannot be read stays as it is, and is said in one line. SIGHUP of a terminal that closed ends the process.
    """

    logger = Logger()

    def __init__(
        self, reactor: Any, live: Live, read_whitelist: Callable[[], Awaitable[None]], log: Log | None
    ) -> None:
        self._reactor = reactor
        self._live = live
        self._read_whitelist = read_whitelist
        self._log = log
        self._lock = DeferredLock()
        self._ready = False
        self._asked = False
        self._before: Any = signal.SIG_DFL
        self._in_terminal = False

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen from now on."""
        super().startService()
        self._before = signal.signal(signal.SIGHUP, self._heard)
        self._in_terminal = self._before is not signal.SIG_IGN and has_terminal()  # with nohup, it may close

    def stopService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen no more."""
        super().stopService()
        signal.signal(signal.SIGHUP, self._before)

    def _heard(self, _signal: int, _frame: object) -> None:
        self._reactor.callFromThread(self._ask)

    def _ask(self) -> None:
        if self._in_terminal and not has_terminal():
            self._reactor.stop()
        elif self._ready:
            ensureDeferred(self.reload()).addErrback(lambda failure: self.logger.failure("the reload failed", failure))
        else:
            self._asked = True

    def begin(self) -> None:
        """Everything has started."""
        self._ready = True
        notify("READY=1")
        if self._asked:
            self._ask()

    def end(self) -> None:
        """Everything is about to stop."""
        self._ready = False
        notify("STOPPING=1")

    async def reload(self) -> None:
        """Read everything again."""
        async with self._lock:
            notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                if self._log is not None:
                    self._log.reopen()
                self._reload_config()
                await self._read_whitelist()
            except ConfigError as problem:
                self.logger.error("nothing was read again, all stays as it is: {problem}", problem=problem)
            except StoreError as problem:
                self.logger.error("the whitelist stays as it is: {problem}", problem=problem)
            finally:
                notify("READY=1")

    def _reload_config(self) -> None:
        difference = self._live.reload()
        if difference.restart_needed:
            keys = ", ".join(difference.restart_needed)
            self.logger.warn("these keys changed, and wait for a restart: {keys}", keys=keys)
        self.logger.info("configuration, certificates and whitelist are read again")


class Ready(Service):
    """The last to start and the first to stop: what comes before it runs."""

    def __init__(self, reloads: Reloads) -> None:
        self._reloads = reloads

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Say so."""
        super().startService()
        self._reloads.begin()

    def stopService(self) -> None:  # noqa: N802 - Twisted's name
        """Say so."""
        super().stopService()
        self._reloads.end()
