"""The shortcut of an announce, for `port.py`: a connection is accepted, read, answered and closed in one go.

It makes no transport and no protocol, and the reactor does not hear of the connection. One that is kept is a `Line`,
and takes the shortcut with each request again. It is not taken when a request is not whole or no HTTP, when a fact
must be loaded first, when an answer does not fit, when the next request is there already, behind trusted proxies, and
over TLS. Then `KeptConnections.hand_over` makes an ordinary Twisted transport, with the bytes read so far.
"""

from __future__ import annotations

import os
import socket
from select import epoll
from typing import TYPE_CHECKING, Any

from mika.compiled import runs_compiled
from mika.server import _shortcut_cy
from mika.server._shortcut_cy import BURST, READ_SIZE, CompiledShortcut, Line
from mika.server.http import IDLE_TIME, AnnounceFactory
from mika.wire.address import packed

if TYPE_CHECKING:
    from mika.server.kept import KeptConnections


LAST = socket.MSG_DONTWAIT | getattr(socket, "MSG_MORE", 0)
"""How an answer is sent behind which the connection ends."""


def staying(connection: Any) -> int:
    """Return the descriptor of a connection that is not closed at once, without the object for its socket."""
    descriptor: int = connection.detach()
    os.set_blocking(descriptor, False)
    return descriptor


class PlainShortcut:
    """Answers connections in one go where it can. `_shortcut_cy.py` has the same in C."""

    def __init__(self, factory: AnnounceFactory, kept: KeptConnections) -> None:
        self.factory = factory
        self.ordinary = factory.ordinary
        self.second = 0
        self.proxied = False
        self.kept = kept
        self.lines: dict[int, Any] = kept.lines
        self.epoll: epoll = kept.epoll

    def look(self) -> float:
        """See what is so for a whole turn: the time, which is returned, and whether there are proxies."""
        now = self.factory.clock()
        self.second = int(now)
        self.proxied = bool(self.factory.proxies)
        return now

    def accept(self, port: socket.socket) -> tuple[int, int]:
        """Accept and answer up to `BURST` connections; return how many, and the `errno` that ended it, or 0."""
        accept = port._accept  # type: ignore[attr-defined]  # noqa: SLF001 - accept() makes a slower object of it
        family = port.family
        now = self.look()
        for done in range(BURST):
            try:
                descriptor, addr = accept()
            except OSError as problem:
                return done, problem.errno or 0
            connection = socket.SocketType(family, socket.SOCK_STREAM, 0, descriptor)
            try:
                data = connection.recv(READ_SIZE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self.kept.wait(staying(connection), packed(addr[0]), now)
                continue
            except OSError:
                data = b""
            if not data:
                connection.close()  # gone already, without a word
                continue
            address = packed(addr[0])
            answered = self.ask(data, address)
            if answered is None:
                self.kept.hand_over(Line(staying(connection), address, now, IDLE_TIME), data, b"", False)
                continue
            answer, ends, _ = answered
            if ends and len(data) == READ_SIZE:
                line = Line(staying(connection), address, now, IDLE_TIME)
                self.kept.hand_over(line, b"", answer, True)  # more may be unread, and its end would cost it the answer
                continue
            # The end of the connection goes in the packet of its answer, which spares the kernel much of its work.
            try:
                sent = connection.send(answer, LAST if ends else socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = len(answer)  # nobody listens any more, but what was sent behind this request counts
            if ends and sent == len(answer):
                connection.close()
            else:
                self.go_on(Line(staying(connection), address, now, IDLE_TIME), data, answered, sent)
        return BURST, 0

    def read_ready(self) -> None:
        """Read from kept connections that are ready, up to `BURST`: the rest is ready in the next turn."""
        ready = self.epoll.poll(0, BURST)
        now = self.look()
        for descriptor, _ in ready:
            entry = self.lines.get(descriptor)
            if isinstance(entry, Line):
                self.read(entry, now)
            elif entry is not None:  # it was closed by one before it
                self.kept.read_transport(entry)

    def read_one(self, line: Line) -> bool:
        """Read and answer what a connection says out of turn; say whether it said anything."""
        return self.read(line, self.look())

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
        """Answer what a kept connection said."""
        answered = self.ask(data, line.address)
        if answered is None:
            self.kept.hand_over(line, data, b"", False)
            return
        answer, ends, _ = answered
        if ends and len(data) == READ_SIZE:
            self.kept.hand_over(line, b"", answer, True)
            return
        try:
            sent = os.write(line.descriptor, answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(answer)
        line.since = now
        self.go_on(line, data, answered, sent)

    def ask(self, data: bytes, address: bytes) -> tuple[bytes, bool, int] | None:
        """Return an answer, whether the connection ends, and where the next request begins; None for the long way."""
        if self.proxied:
            return None
        return self.ordinary.answer(data, 0, address, self.second) or self.factory.answer_whole(data, address)

    def go_on(self, line: Line, data: bytes, answered: tuple[bytes, bool, int], sent: int) -> None:
        """Wait for the next request when this one is answered, end, or take the long way with what is left to do."""
        answer, ends, end = answered
        if sent < len(answer) or (end < len(data) and not ends):
            self.kept.hand_over(line, data[end:], answer[sent:], ends)
        elif ends:
            self.kept.close(line)
        else:
            line.patience = IDLE_TIME
            if line.kept is None:
                self.kept.add(line)


Shortcut = CompiledShortcut | PlainShortcut


def make_shortcut(factory: AnnounceFactory, kept: KeptConnections) -> Shortcut:
    """Return the one that is quicker here."""
    return CompiledShortcut(factory, kept) if runs_compiled(_shortcut_cy) else PlainShortcut(factory, kept)
