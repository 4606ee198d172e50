"""The shortcut of an announce, for `port.py`: a connection is accepted, read, answered and closed in one go.

It makes no transport and no protocol, and the reactor does not hear of the connection. One that is kept is a `Line`,
and takes the shortcut with each request again. It is not taken when a request is not whole or no HTTP, when a fact
must be loaded first, when an answer does not fit, when the next request is there already, behind trusted proxies, and
over TLS. Then `KeptConnections.hand_over` makes an ordinary Twisted transport, with the bytes read so far.
"""

from __future__ import annotations

import os
from select import epoll
from socket import socket
from typing import TYPE_CHECKING, Any

from mika.compiled import runs_compiled
from mika.server import _shortcut_cy
from mika.server._shortcut_cy import BURST, READ_SIZE, CompiledShortcut, Line
from mika.server.http import IDLE_TIME, AnnounceFactory
from mika.wire.address import packed

if TYPE_CHECKING:
    from mika.server.kept import KeptConnections


class PlainShortcut:
    """Answers connections in one go where it can. `_shortcut_cy.py` has the same in C."""

    def __init__(self, factory: AnnounceFactory, kept: KeptConnections) -> None:
        self.factory = factory
        self.ordinary = factory.ordinary
        self.kept = kept
        self.lines: dict[int, Any] = kept.lines
        self.epoll: epoll = kept.epoll

    def accept(self, port: socket) -> tuple[int, int]:
        """Accept and answer up to `BURST` connections; return how many, and the `errno` that ended it, or 0."""
        accept = port._accept  # type: ignore[attr-defined]  # noqa: SLF001 - accept() makes an object of it
        now = self.factory.clock()
        for done in range(BURST):
            try:
                descriptor, addr = accept()
            except OSError as problem:
                return done, problem.errno or 0
            os.set_blocking(descriptor, False)
            try:
                data = os.read(descriptor, READ_SIZE)
            except BlockingIOError:
                self.kept.wait(descriptor, packed(addr[0]), now)
                continue
            except OSError:
                data = b""
            if data:
                self.serve(Line(descriptor, packed(addr[0]), now, IDLE_TIME), data, now)
            else:
                os.close(descriptor)  # gone already, without a word
        return BURST, 0

    def read_ready(self) -> None:
        """Read from kept connections that are ready, up to `BURST`: the rest is ready in the next turn."""
        ready = self.epoll.poll(0, BURST)
        now = self.factory.clock()
        for descriptor, _ in ready:
            entry = self.lines.get(descriptor)
            if isinstance(entry, Line):
                self.read(entry, now)
            elif entry is not None:  # it was closed by one before it
                self.kept.read_transport(entry)

    def read(self, line: Line, now: float) -> bool:
        """Read and answer what a connection says, if anything; say whether it did. Close it if it has ended."""
        try:
            data = os.read(line.descriptor, READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.serve(line, data, now)
        else:
            self.kept.close(line)
        return bool(data)

    def serve(self, line: Line, data: bytes, now: float) -> None:
        """Answer what a connection said; what cannot be answered in one go takes the long way."""
        answered = None
        if not self.factory.proxies:
            answered = self.ordinary.answer(data, 0, line.address, int(now))
            if answered is None:
                answered = self.factory.answer_whole(data, line.address)
        if answered is None:
            self.kept.hand_over(line, data, b"", False)
            return
        answer, ends, end = answered
        try:
            sent = os.write(line.descriptor, answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(answer)  # nobody listens any more, but what was sent behind this request counts nonetheless
        if sent < len(answer) or (end < len(data) and not ends):
            self.kept.hand_over(line, data[end:], answer[sent:], ends)
        elif not ends:
            line.since = now
            line.patience = IDLE_TIME
            if line.kept is None:
                self.kept.add(line)
        elif line.kept is None:
            os.close(line.descriptor)
        else:
            self.kept.close(line)


Shortcut = CompiledShortcut | PlainShortcut


def make_shortcut(factory: AnnounceFactory, kept: KeptConnections) -> Shortcut:
    """Return the one that is quicker here."""
    return CompiledShortcut(factory, kept) if runs_compiled(_shortcut_cy) else PlainShortcut(factory, kept)
