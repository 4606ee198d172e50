"""The connections of a port that wait for a next request, for `port.py`: one reader to the reactor for all of them.

The reactor takes some ten calls from a socket that is ready to its `doRead`, and an announce on a kept connection is
hardly longer than that. So they have an epoll of their own, and the reactor watches that one. Most of them are a
`Line` and take the shortcut (`shortcut.py`); the others are transports.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from mika.server._shortcut_cy import Line
from mika.server.http import HEAD_TIME, AnnounceFactory
from mika.server.shortcut import make_shortcut


class KeptConnections:
    """Lines and transports by their descriptor, and what becomes of a line that cannot take the shortcut."""

    log = Logger()

    def __init__(self, reactor: Any, factory: AnnounceFactory, adopt: Callable[[int, bytes], Any]) -> None:
        """`adopt` makes an ordinary transport of a descriptor that was accepted from a packed address."""
        self.lines: dict[int, Any] = {}
        self.epoll = select.epoll()
        self.shortcut = make_shortcut(factory, self)
        self._reactor = reactor
        self._factory = factory
        self._adopt = adopt
        self._ending = False
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return what the reactor watches."""
        return self.epoll.fileno()

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        """Name it in Twisted's log."""
        return type(self).__name__

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """Read from those that are ready."""
        self.shortcut.read_ready()

    def wait(self, descriptor: int, address: bytes, now: float) -> None:
        """Wait for the first request of a connection."""
        self.add(Line(descriptor, address, now, HEAD_TIME))

    def add(self, line: Line) -> None:
        """Wait for the next request on a line."""
        line.kept = self
        self.lines[line.descriptor] = line
        self.epoll.register(line.descriptor, select.EPOLLIN)
        self._factory.connections.add(line)

    def remove(self, line: Line) -> None:
        """Wait no more; its descriptor is still open."""
        line.kept = None
        del self.lines[line.descriptor]
        self.epoll.unregister(line.descriptor)
        self._factory.connections.discard(line)

    def close(self, line: Line) -> None:
        """End a line."""
        self.remove(line)
        os.close(line.descriptor)
        self._close_if_done()

    def cut_off(self, line: Line) -> bool:
        """End a line that was silent for too long; say whether it was: what it has said by now is answered instead."""
        if self.shortcut.read_one(line):
            return False
        if line.kept is not None:
            self._factory.traffic.cut_off += 1
            self.close(line)
        return True

    def end_line(self, line: Line) -> None:
        """End a line when what it has said by now is answered."""
        self.shortcut.read_one(line)
        if line.kept is not None:
            self.close(line)

    def hand_over(self, line: Line, data: bytes, unsent: bytes, ends: bool) -> None:
        """Make an ordinary transport of a line: for `data` that it sent, and what is unsent of an answer to it."""
        if line.kept is not None:
            self.remove(line)
        transport = self._adopt(line.descriptor, line.address)
        try:
            if ends:
                transport.protocol.end_with(unsent)
            else:
                if unsent:
                    transport.write(unsent)
                transport.protocol.dataReceived(data)
        except Exception:  # noqa: BLE001 - as the reactor does: one connection ends, the others go on
            self.log.failure("a connection failed")
            transport.abortConnection()

    def add_transport(self, transport: Any) -> None:
        """Read from a transport when there is something."""
        descriptor = transport.fileno()
        if descriptor not in self.lines:
            self.lines[descriptor] = transport
            self.epoll.register(descriptor, select.EPOLLIN)

    def remove_transport(self, transport: Any) -> None:
        """Read from it no more; it is still open."""
        descriptor = transport.fileno()
        if self.lines.pop(descriptor, None) is not None:
            self.epoll.unregister(descriptor)
            self._close_if_done()

    def read_transport(self, transport: Any) -> None:
        """Read from a transport, as the reactor does."""
        try:
            why = transport.doRead()
        except Exception as problem:  # noqa: BLE001 - as the reactor does: one connection ends, the others go on
            self.log.failure("a connection failed")
            why = problem
        if why:
            self._reactor._disconnectSelectable(transport, why, True)  # noqa: SLF001 - what it does with its own

    def end(self) -> None:
        """No connection comes any more: close when the last one is gone."""
        self._ending = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._ending and not self.lines and not self.epoll.closed:
            self._reactor.removeReader(self)
            self.epoll.close()

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Let all connections be lost: the reactor ends."""
        for each in list(self.lines.values()):
            if isinstance(each, Line):
                self.close(each)
            else:
                each.connectionLost(reason)
        self.end()
