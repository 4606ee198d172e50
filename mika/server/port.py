"""The announce port: accepts connections for `listen.py`, and answers most of them itself.

`AnnouncePort.doRead` is where they come in. Most are answered by the shortcut, which `shortcut.py` describes; the
others become an `AnnounceTransport` with an `AnnounceProtocol`, as Twisted does it, with the bytes read so far.
"""

from __future__ import annotations

import errno
import select
import socket
from typing import Any

from twisted.internet import main, tcp
from twisted.python.failure import Failure

from mika.server._shortcut_cy import READ_SIZE, Line
from mika.server.http import AnnounceFactory, AnnounceProtocol
from mika.server.kept import KeptConnections
from mika.wire.address import to_text

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
"""What `accept` says when a process, or the machine, has no descriptor left."""

REST = 0.2
"""Seconds without accepting when there is no descriptor, and no connection that could make room."""

MAX_UNSENT = 1024 * 1024
"""Bytes of answers kept for a client that does not read them: over 2,000 answers."""

MAX_UNREAD = 16 * 1024 * 1024
"""Bytes read at most from a connection that has ended: more than the kernel keeps for one."""


class AnnounceTransport(tcp.Server):
    """An accepted connection that writes at once what the socket takes, and reads to the end what a client sent."""

    server: AnnouncePort
    protocol: Any

    def startReading(self) -> None:  # noqa: N802 - Twisted's name
        """Wait for bytes together with the port's other connections."""
        if self.server.kept is None:
            super().startReading()
        else:
            self.server.kept.add_transport(self)

    def stopReading(self) -> None:  # noqa: N802 - Twisted's name
        """Wait no more."""
        if self.server.kept is None:
            super().stopReading()
        else:
            self.server.kept.remove_transport(self)

    def doRead(self) -> Any:  # noqa: N802 - Twisted's name
        """Read what is there."""
        try:
            data = self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return main.CONNECTION_LOST
        why = self._dataReceived(data)
        if why is None and self.server.kept is not None and self._is_quiet():
            self._hand_back(self.server.kept)
        return why

    def _is_quiet(self) -> bool:
        """Say whether nothing is under way, so that it may be a line (again)."""
        protocol = self.protocol
        return (
            isinstance(protocol, AnnounceProtocol)
            and protocol.is_quiet()
            and not (self.disconnecting or self.disconnected or self._aborting)
            and not (self.dataBuffer or self._tempDataLen)
        )

    def _hand_back(self, kept: KeptConnections) -> None:
        """Take the shortcut with the next request: what is left of this object is garbage."""
        self.stopReading()
        line = Line(self.socket.detach(), self.protocol.address, self.protocol.since, self.protocol.patience)
        self.connected = 0
        self.disconnected = 1
        self.protocol.connectionLost()
        del self.protocol, self.socket, self.fileno
        kept.add(line)

    def write(self, data: bytes) -> None:
        """Send now if nothing waits before it; what does not fit is sent by the reactor as usual."""
        unsent = len(self.dataBuffer) + self._tempDataLen
        if unsent > MAX_UNSENT:
            self.abortConnection()  # it sends and never reads: its announces count, its answers are not kept
            return
        if self.connected and not unsent:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the client does not listen any more, but what it sent before may still be there to read
            if not data:
                return
        super().write(data)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Hand over what is still unread: stops that a client sent before it left must count."""
        try:
            for _ in range(MAX_UNREAD // READ_SIZE):
                data = self.socket.recv(READ_SIZE) if self.connected else b""
                if not data:
                    break
                self.protocol.dataReceived(data)
        except OSError:
            pass
        super().connectionLost(reason)


class AnnouncePort(tcp.Port):
    """A listening port that answers a connection in one go where it can; otherwise an ordinary Twisted port."""

    transport = AnnounceTransport
    factory: Any
    kept: KeptConnections | None = None
    accepted = 0
    """Connections since the start, answered in one go or not; over TLS `sessionno` counts them."""

    def startListening(self) -> None:  # noqa: N802 - Twisted's name
        """Listen, and be ready for connections that stay."""
        super().startListening()
        if hasattr(select, "epoll"):
            announces = getattr(self.factory, "wrappedFactory", self.factory)  # TLS wraps it
            self.kept = KeptConnections(self.reactor, announces, self._adopt)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Listen no more."""
        super().connectionLost(reason)
        if self.kept is not None:
            self.kept.end()

    def createInternetSocket(self) -> socket.socket:  # noqa: N802 - Twisted's name
        """Make the socket: woken only when a request is there, and with each family on a socket of its own."""
        listening: socket.socket = super().createInternetSocket()
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        if self.addressFamily == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        return listening

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """Accept, read, answer and close as many as are waiting, up to `BURST`."""
        factory = self.factory
        if self.kept is None or not isinstance(factory, AnnounceFactory):  # TLS wraps it
            super().doRead()
            return
        accepted, problem = self.kept.shortcut.accept(self.socket)
        self.accepted += accepted
        if problem in OUT_OF_DESCRIPTORS and not factory.connections.make_room():
            self._rest_a_little()

    def _rest_a_little(self) -> None:
        """Accept nothing for a moment: the reactor would ask again and again, and be told the same."""
        reactor: Any = self.reactor
        self.stopReading()
        reactor.callLater(REST, lambda: self.connected and self.startReading())

    def _adopt(self, descriptor: int, address: bytes) -> AnnounceTransport:
        """Make an ordinary transport of an accepted connection."""
        adopted = socket.socket(self.addressFamily, socket.SOCK_STREAM, 0, descriptor)
        protocol = self.factory.buildProtocol(None)
        # Nobody asks for the port that it came from, or the flow and the scope of IPv6.
        client = (to_text(address), 0, 0, 0)[: 2 if len(address) == 4 else 4]
        transport = self.transport(adopted, protocol, client, self, self.sessionno, self.reactor)
        self.sessionno += 1
        protocol.makeConnection(transport)
        return transport
