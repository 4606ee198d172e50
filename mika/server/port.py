"""The announce port: accepts connections for `listen.py`, and answers most of them itself.

The shortcut is `AnnouncePort.doRead`: a connection whose whole request is there already is accepted, read, answered
and, if the client asks for it, closed in one go, without ever being registered with the reactor. It is not taken when
a request is partial or unusual, when a fact must be loaded first, behind a trusted proxy, and over TLS; then the
connection becomes an ordinary Twisted transport with an `AnnounceProtocol`, with the bytes read so far.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import main, tcp
from twisted.python.failure import Failure

from mika.server.http import AnnounceFactory
from mika.wire.address import packed

READ_SIZE = 8192
"""Bytes read at once: an announce has some 400, and a larger buffer costs more to make than it saves."""

BURST = 64
"""Connections accepted in one turn of the reactor, so that a rush of them starves nobody."""

MAX_UNSENT = 1024 * 1024
"""Bytes of answers kept for a client that does not read them: over 2,000 answers."""

MAX_UNREAD = 16 * 1024 * 1024
"""Bytes read at most from a connection that has ended: more than the kernel keeps for one."""


class AnnounceTransport(tcp.Server):
    """An accepted connection that writes at once what the socket takes, and reads to the end what a client sent."""

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
        for _ in range(BURST):
            try:
                descriptor, addr = accept()
            except BlockingIOError:
                return
            except OSError:
                super().doRead()  # out of descriptors, say: Twisted knows what to do
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

    def _adopt(self, connection: Any, addr: tuple[Any, ...]) -> Any:
        """Make an ordinary transport of an accepted connection."""
        adopted = socket.socket(self.addressFamily, socket.SOCK_STREAM, 0, connection.detach())
        adopted.setblocking(False)
        protocol = self.factory.buildProtocol(None)
        transport = self.transport(adopted, protocol, addr, self, self.sessionno, self.reactor)
        self.sessionno += 1
        protocol.makeConnection(transport)
        return transport
