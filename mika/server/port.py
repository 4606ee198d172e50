"""The announce port: accepts connections for `listen.py`, and answers most of them itself.

The shortcut is `AnnouncePort.doRead`: a connection whose whole request is there already is accepted, read, answered
and, if the client asks for it, closed in one go, without ever being registered with the reactor. It is not taken when
a request is partial or unusual, when a fact must be loaded first, behind a trusted proxy, and over TLS; then the
connection becomes an ordinary Twisted transport with an `AnnounceProtocol`, with the bytes read so far.
"""

from __future__ import annotations

import errno
import select
import socket
from typing import Any

from twisted.internet import main, tcp
from twisted.logger import Logger
from twisted.python.failure import Failure

from mika.server.http import AnnounceFactory
from mika.wire.address import packed

READ_SIZE = 8192
"""Bytes read at once: an announce has some 400, and a larger buffer costs more to make than it saves."""

BURST = 64
"""Connections accepted in one turn of the reactor, so that a rush of them starves nobody."""

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
"""What `accept` says when a process, or the machine, has no descriptor left."""

REST = 0.2
"""Seconds without accepting when there is no descriptor, and no connection that could make room."""

MAX_UNSENT = 1024 * 1024
"""Bytes of answers kept for a client that does not read them: over 2,000 answers."""

MAX_UNREAD = 16 * 1024 * 1024
"""Bytes read at most from a connection that has ended: more than the kernel keeps for one."""


class KeptConnections:
    """The connections that wait for a next request: one reader to the reactor, which answers all that are ready.

    The reactor takes some ten calls from a socket that is ready to its `doRead`, and an announce on a kept connection
    is hardly longer than that. So they have an epoll of their own, and the reactor watches that one.
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._epoll = select.epoll()
        self._transports: dict[int, AnnounceTransport] = {}
        self._ending = False
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return what the reactor watches."""
        return self._epoll.fileno()

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        """Name it in Twisted's log."""
        return type(self).__name__

    def add(self, transport: AnnounceTransport) -> None:
        """Read from this connection when there is something."""
        descriptor = transport.fileno()
        if descriptor not in self._transports:
            self._transports[descriptor] = transport
            self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, transport: AnnounceTransport) -> None:
        """Read from it no more; it is still open."""
        descriptor = transport.fileno()
        if self._transports.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
            self._close_if_done()

    def end(self) -> None:
        """No connection comes any more: close when the last one is gone."""
        self._ending = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._ending and not self._transports and not self._epoll.closed:
            self._reactor.removeReader(self)
            self._epoll.close()

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """Read from those that are ready, up to `BURST`: the rest is ready in the next turn."""
        for descriptor, _ in self._epoll.poll(0, BURST):
            transport = self._transports.get(descriptor)
            if transport is None:
                continue  # ended by one before it
            try:
                why = transport.doRead()
            except Exception as problem:  # noqa: BLE001 - as the reactor does: one connection ends, the others go on
                self.log.failure("a connection failed")
                why = problem
            if why:
                self._reactor._disconnectSelectable(transport, why, True)  # noqa: SLF001 - what it does with its own

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """Let all connections be lost: the reactor ends."""
        for transport in list(self._transports.values()):
            transport.connectionLost(reason)
        self.end()


class AnnounceTransport(tcp.Server):
    """An accepted connection that writes at once what the socket takes, and reads to the end what a client sent."""

    server: AnnouncePort

    def startReading(self) -> None:  # noqa: N802 - Twisted's name
        """Wait for bytes together with the port's other connections."""
        if self.server.kept is None:
            super().startReading()
        else:
            self.server.kept.add(self)

    def stopReading(self) -> None:  # noqa: N802 - Twisted's name
        """Wait no more."""
        if self.server.kept is None:
            super().stopReading()
        else:
            self.server.kept.remove(self)

    def doRead(self) -> Any:  # noqa: N802 - Twisted's name
        """Read what is there."""
        try:
            data = self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return main.CONNECTION_LOST
        return self._dataReceived(data)

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
            self.kept = KeptConnections(self.reactor)

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
        if not isinstance(factory, AnnounceFactory):  # TLS wraps it
            super().doRead()
            return
        accept = self.socket._accept  # type: ignore[union-attr]  # noqa: SLF001 - accept() makes a slower object of it
        for done in range(BURST):
            try:
                descriptor, addr = accept()
            except BlockingIOError:
                self.accepted += done
                return
            except OSError as problem:
                self.accepted += done
                if problem.errno in OUT_OF_DESCRIPTORS and not factory.connections.make_room():
                    self._rest_a_little()
                return
            connection = socket.SocketType(self.addressFamily, socket.SOCK_STREAM, 0, descriptor)
            try:
                data = connection.recv(READ_SIZE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                data = b""
            except OSError:
                connection.close()
                continue
            address = packed(addr[0])
            answered = None if factory.proxies or not data else factory.answer_ordinary(data, 0, address)
            if answered is None:
                transport = self._adopt(connection, addr)
                if data:
                    transport.protocol.dataReceived(data)
                continue
            answer, close, end = answered
            try:
                unsent = answer[connection.send(answer, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                unsent = answer
            except OSError:
                unsent = b""  # gone already; what it may have sent behind this request counts nonetheless
            if close and not unsent:
                connection.close()
                continue
            transport = self._adopt(connection, addr)
            if unsent:
                transport.write(unsent)
            if close:
                transport.loseConnection()
            elif end < len(data):
                transport.protocol.dataReceived(data[end:])
        self.accepted += BURST

    def _rest_a_little(self) -> None:
        """Accept nothing for a moment: the reactor would ask again and again, and be told the same."""
        reactor: Any = self.reactor
        self.stopReading()
        reactor.callLater(REST, lambda: self.connected and self.startReading())

    def _adopt(self, connection: Any, addr: tuple[Any, ...]) -> Any:
        """Make an ordinary transport of an accepted connection."""
        adopted = socket.socket(self.addressFamily, socket.SOCK_STREAM, 0, connection.detach())
        adopted.setblocking(False)
        protocol = self.factory.buildProtocol(None)
        transport = self.transport(adopted, protocol, addr, self, self.sessionno, self.reactor)
        self.sessionno += 1
        protocol.makeConnection(transport)
        return transport
