"""The shortcut of `shortcut.py` in C: accepts, reads, answers and closes without an object of Python's for a socket.

It runs compiled only: what it calls of the kernel is declared in its .pxd. `shortcut.py` has the plain twin, and
says what both do.
"""

from __future__ import annotations

from socket import socket
from typing import TYPE_CHECKING, Any

from mika.server.http import IDLE_TIME, AnnounceFactory

if TYPE_CHECKING:
    from mika.server.kept import KeptConnections

READ_SIZE = 8192
"""Bytes read at once: an announce has some 400, and a larger buffer costs more to make than it saves."""

BURST = 64
"""Connections accepted, or read from, in one turn of the reactor, so that a rush of them starves nobody."""


class Line:
    """A connection from which the next request is awaited: a descriptor without a transport or a protocol.

    `address` is packed, `since` when it last said something, `patience` for how many seconds it may be silent, `kept`
    who waits for it, None until somebody does.
    """

    __slots__ = ("address", "descriptor", "kept", "patience", "since")

    def __init__(self, descriptor: int, address: bytes, since: float, patience: float) -> None:
        self.descriptor = descriptor
        self.address = address
        self.since = since
        self.patience = patience
        self.kept: KeptConnections | None = None

    def cut_off(self) -> bool:
        """Close it, unless it has something to say after all; say whether it ends."""
        return self.kept is not None and self.kept.cut_off(self)

    def end(self) -> None:
        """Answer what it has said, and close it."""
        if self.kept is not None:
            self.kept.end_line(self)


class CompiledShortcut:
    """Answers connections in one go where it can; `PlainShortcut` says how."""

    def __init__(self, factory: AnnounceFactory, kept: KeptConnections) -> None:
        self.factory = factory
        self.ordinary = factory.ordinary
        self.second = 0
        self.proxied = False
        self.kept = kept
        self.lines: dict[int, Any] = kept.lines
        self.epoll = kept.fileno()

    def look(self) -> float:
        """See what is so for a whole turn: the time, which is returned, and whether there are proxies."""
        now = self.factory.clock()
        self.second = int(now)
        self.proxied = bool(self.factory.proxies)
        return now

    def accept(self, port: socket) -> tuple[int, int]:
        """Accept and answer up to `BURST` connections; return how many, and the `errno` that ended it, or 0."""
        listening = port.fileno()
        place = _place
        now = self.look()
        for done in range(BURST):
            _length[0] = 128
            descriptor = accept4(listening, place, _length, SOCK_NONBLOCK | SOCK_CLOEXEC)
            if descriptor < 0:
                return done, errno
            size = recv(descriptor, _room, READ_SIZE, 0)
            if size > 0:
                line = Line.__new__(Line)
                line.descriptor = descriptor
                line.address = address_of()
                self.serve(line, _room[:size], now)
            elif size < 0 and may_come():
                self.kept.wait(descriptor, address_of(), now)
            else:
                close(descriptor)
        return BURST, 0

    def read_ready(self) -> None:
        """Read from kept connections that are ready, up to `BURST`: the rest is ready in the next turn."""
        count = epoll_wait(self.epoll, _ready, BURST, 0)
        now = self.look()
        for index in range(count):
            entry = self.lines.get(_ready[index].data.fd)
            if isinstance(entry, Line):
                self.read(entry, now)
            elif entry is not None:
                self.kept.read_transport(entry)

    def read_one(self, line: Line) -> bool:
        """Read and answer what a connection says out of turn; say whether it said anything."""
        return self.read(line, self.look())

    def read(self, line: Line, now: float) -> bool:
        """Read and answer what a connection says, if anything; say whether it did. Close it if it has ended."""
        size: int = recv(line.descriptor, _room, READ_SIZE, 0)
        if size > 0:
            self.serve(line, _room[:size], now)
        elif size == 0 or not may_come():
            self.kept.close(line)
        return size > 0

    def serve(self, line: Line, data: bytes, now: float) -> None:
        """Answer what a connection said; what cannot be answered in one go takes the long way."""
        answered = None
        if not self.proxied:
            answered = self.ordinary.answer(data, 0, line.address, self.second)
            if answered is None:
                answered = self.factory.answer_whole(data, line.address)
        if answered is None:
            self.kept.hand_over(line, data, b"", False)
            return
        answer = answered[0]
        ends = answered[1]
        end = answered[2]
        size = len(answer)
        if ends and len(data) == READ_SIZE:
            self.kept.hand_over(line, b"", answer, True)  # more may be unread, and its end would cost it the answer
            return
        # The end of the connection goes in the packet of its answer, which spares the kernel much of its work.
        sent = send(line.descriptor, answer, size, MSG_NOSIGNAL | MSG_MORE if ends else MSG_NOSIGNAL)
        if sent < 0:
            sent = 0 if may_come() else size
        if sent < size or (end < len(data) and not ends):
            self.kept.hand_over(line, data[end:], answer[sent:], ends)
        elif not ends:
            line.since = now
            line.patience = IDLE_TIME
            if line.kept is None:
                self.kept.add(line)
        elif line.kept is None:
            close(line.descriptor)
        else:
            self.kept.close(line)


def may_come() -> bool:
    """Say whether the kernel only has nothing to give or to take now."""
    return errno in (EAGAIN, EINTR)


def address_of() -> bytes:
    """Return the packed address that was accepted last; IPv4-mapped IPv6 is IPv4."""
    place: bytes = _place
    if _length[0] < 24:
        return place[4:8]  # a `sockaddr_in`: family and port, two bytes each, and the address
    for index in range(8, 18):
        if place[index]:
            return place[8:24]  # a `sockaddr_in6` has four more bytes in between
    return place[20:24] if place[18] == 255 and place[19] == 255 else place[8:24]
