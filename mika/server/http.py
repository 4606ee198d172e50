"""The announce port: bytes from a socket to wire/http.py, tracker.py and directory.py, and answers back.

The shortcut is `AnnouncePort.doRead`: a connection whose whole request is there already is accepted, read, answered
and, if the client asks for it, closed in one go, without ever being registered with the reactor. It is not taken when
a request is partial or one of several, when a fact must be loaded first, when the client is a trusted proxy, and over
TLS; then the connection becomes an ordinary Twisted transport with an `AnnounceProtocol`, with the bytes read so far.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import main, tcp
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mika.directory import Directory
from mika.errors import StoreError
from mika.rules import refusal
from mika.rules.refusal import Refusal
from mika.tracker import Miss, Tracker
from mika.wire.address import TrustedProxies, packed, read_proxy, to_text
from mika.wire.http import Head, read_head, read_target, write_answer, write_problem
from mika.wire.request import AnnounceRequest, BadRequest, ScrapeRequest
from mika.wire.response import AnnounceResponse, ScrapeResponse, write_announce, write_refusal, write_scrape

READ_SIZE = 8192
"""Bytes read at once: an announce has some 400, and a larger buffer costs more to make than it saves."""

BURST = 64
"""Connections accepted in one turn of the reactor, so that a rush of them starves nobody."""

HEAD_TIME = 20
"""Seconds in which a request must be complete, from its first byte, or from the connection if there is none."""

IDLE_TIME = 300
"""Seconds that a kept connection may be silent: long, since a client that is cut off mid-request counts it an error."""

SWEEP_TIME = 5
"""Seconds between two looks at who was silent for too long."""

ATTEMPTS = 5
"""How often an announce is tried again after what it missed has been loaded."""

MAX_UNSENT = 1024 * 1024
"""Bytes of answers kept for a client that does not read them: over 2,000 answers."""

MAX_UNREAD = 16 * 1024 * 1024
"""Bytes read at most from a connection that has ended: more than the kernel keeps for one."""

Request = AnnounceRequest | ScrapeRequest


class AnnounceFactory(Factory):
    """What all connections of the announce ports share: the tracker, who is connected, and the time limits."""

    noisy = False
    log = Logger()

    def __init__(
        self,
        tracker: Tracker,
        directory: Directory,
        proxies: TrustedProxies,
        reactor: IReactorTime,
        *,
        verbose: bool = False,
    ) -> None:
        """`verbose` logs every announce, without its passkey."""
        self.tracker = tracker
        self.directory = directory
        self.proxies = proxies
        self.clock: Callable[[], float] = reactor.seconds
        self.public = tracker.config.public
        self.failure_interval = tracker.interval
        self.verbose = verbose
        self.connections: set[AnnounceProtocol] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: ARG002, N802 - Twisted's interface
        """Make the protocol of one connection."""
        return AnnounceProtocol(self)

    def answer(self, head: Head, address: bytes) -> bytes | None:
        """Answer one request from a packed address at once; None, and nothing done, if a fact must be loaded first."""
        if head.method == b"HEAD":
            return write_answer(b"", head)  # a probe: it must not have an effect
        try:
            request = read_target(head.target, address, public=self.public)
            body = self._ask(request)
        except BadRequest as bad:
            body = write_refusal(bad.refusal, self.failure_interval)
        except Exception:  # noqa: BLE001 - our own fault must not cost the client its connection
            self.log.failure("an announce could not be answered")
            body = write_refusal(refusal.INTERNAL, self.failure_interval)
        return write_answer(body, head) if isinstance(body, bytes) else None

    async def answer_later(self, head: Head, address: bytes) -> bytes:
        """Answer a request for which facts must be loaded first."""
        request = read_target(head.target, address, public=self.public)
        try:
            for _ in range(ATTEMPTS):
                body = self._ask(request)
                if isinstance(body, bytes):
                    return write_answer(body, head)
                if body.register:
                    await self.directory.register(body.info_hashes)
                else:
                    await self.directory.load(body.passkey, body.info_hashes)
        except StoreError as problem:
            self.log.warn("an announce had to be refused: {problem}", problem=problem)
        except Exception:  # noqa: BLE001 - as above
            self.log.failure("an announce could not be answered")
            return write_answer(write_refusal(refusal.INTERNAL, self.failure_interval), head)
        return write_answer(write_refusal(refusal.STORE_UNAVAILABLE, self.failure_interval), head)

    def _ask(self, request: Request) -> bytes | Miss:
        now = int(self.clock())
        result: AnnounceResponse | ScrapeResponse | Refusal | Miss
        if isinstance(request, AnnounceRequest):
            result = self.tracker.announce(request, now)
        else:
            result = self.tracker.scrape(request, now)
        if self.verbose and not isinstance(result, Miss):
            self._log(request, result)
        if isinstance(result, AnnounceResponse):
            return write_announce(result)
        if isinstance(result, Refusal):
            return write_refusal(result, self.failure_interval)
        return result if isinstance(result, Miss) else write_scrape(result)

    def _log(self, request: Request, result: AnnounceResponse | ScrapeResponse | Refusal) -> None:
        outcome = f"refused: {result.code}" if isinstance(result, Refusal) else "answered"
        if isinstance(request, ScrapeRequest):
            what, whence = f"scrape of {len(request.info_hashes)}", request.address
        else:
            what, whence = f"announce {request.event.name} of {request.info_hash.hex()}", request.endpoint[:-2]
        self.log.debug("{what} from {whence} {outcome}", what=what, whence=to_text(whence), outcome=outcome)

    def end(self) -> Deferred[None]:
        """End all connections; answers when no request waits for a store any more."""
        for connection in list(self.connections):
            connection.end()
        waiting = [each.waiting for each in self.connections if each.waiting is not None]
        return gatherResults(waiting).addCallback(lambda _: None)

    def sweep(self) -> None:
        """Cut off who was silent, or busy with one request, for too long; called every `SWEEP_TIME`."""
        now = self.clock()
        for connection in [each for each in self.connections if now - each.since > each.patience]:
            connection.cut_off()


class AnnounceProtocol(Protocol):
    """HTTP/1.x on one connection: kept alive, pipelined, requests that come a byte at a time.

    Requests are answered in order; while one waits for a store, reading pauses. What has arrived is answered (and so
    counts) although the client may be gone: clients that shut down send all their stops and leave without reading.
    """

    factory: AnnounceFactory

    def __init__(self, factory: AnnounceFactory) -> None:
        self.factory = factory
        self.address = b""
        self.since = factory.clock()
        self.patience = HEAD_TIME
        self._rest = b""
        self._greeted = not factory.proxies
        self.waiting: Deferred[None] | None = None
        self._ended = False

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Remember who is there, and whether it may speak for others."""
        self.factory.connections.add(self)
        self.address = packed(self.transport.getPeer().host)  # type: ignore[union-attr]
        self._greeted = self._greeted or not self.factory.proxies.include(self.address)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802 - Twisted's interface
        """Forget the connection."""
        self.factory.connections.discard(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Answer every request that is complete."""
        if self._ended or not data:
            return
        self._rest = self._rest + data if self._rest else data
        if self.waiting is None:
            self._serve()

    def _serve(self) -> None:
        """Answer what has arrived, in order; while one request waits for a store, the rest waits behind it."""
        missed = self._answer_known()
        while missed is not None and self._answered_at_once(*missed):
            missed = self._answer_known()

    def _answer_known(self) -> tuple[Head, bytes] | None:
        """Answer requests up to the first for which a fact must be loaded; return that one and whose it is."""
        answers = []
        missed = None
        data, position = self._rest, 0
        try:
            if not self._greeted:
                position = self._greet(data)
            while self._greeted and not self._ended and position < len(data):
                head = read_head(data, position)
                if head is None:
                    break
                position = head.end
                address = self._client(head)
                answer = self.factory.answer(head, address)
                if answer is None:
                    missed = head, address
                    break
                answers.append(answer)
                self._ended = head.headers.close
        except BadRequest as bad:
            answers.append(write_problem(bad.refusal, bad.status))
            self._end_with(b"".join(answers))
            return None
        self._rest = data[position:]
        # A partial request keeps the moment it began: a byte now and then does not buy more time.
        if position or not data:
            self.since = self.factory.clock()
        self.patience = HEAD_TIME if self._rest else IDLE_TIME
        if answers:
            self._write(b"".join(answers))
        return missed

    def _greet(self, data: bytes) -> int:
        """Read the PROXY protocol header of a trusted proxy, if it sends one; answer how long it was."""
        greeting = read_proxy(data)
        if greeting is None:
            return 0
        self._greeted = True
        address, length = greeting
        if address is not None:
            self.address = address
        return length

    def _client(self, head: Head) -> bytes:
        proxies = self.factory.proxies
        return proxies.client(self.address, head.headers.forwarded, head.headers.real_ip) if proxies else self.address

    def _answered_at_once(self, head: Head, address: bytes) -> bool:
        """Answer a request when its facts are loaded, and read on then; say whether they were there at once."""
        self._transport.pauseProducing()
        waiting: Deferred[None] = Deferred()
        self.waiting = waiting
        answer = ensureDeferred(self.factory.answer_later(head, address))
        done = answer.addCallback(self._end_wait, head.headers.close).addErrback(self._failed)
        if self.waiting is None:
            return True
        done.addCallback(lambda _: self._serve()).addErrback(self._failed).chainDeferred(waiting)
        return False

    def _end_wait(self, answer: bytes, close: bool) -> None:
        self.waiting = None
        self._ended = self._ended or close
        self._write(answer)
        self._transport.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        self.waiting = None
        self._ended = True
        self.factory.log.failure("a waiting request could not be answered", failure)
        self._transport.abortConnection()

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        if self._ended:
            self._transport.loseConnection()

    def _end_with(self, data: bytes) -> None:
        """Answer what is no request and end: our side first, so that an unread rest does not cost the answer."""
        self._ended = True
        self._rest = b""
        self.since = self.factory.clock()
        self.patience = SWEEP_TIME
        self._transport.write(data)
        if hasattr(self._transport, "loseWriteConnection"):
            self._transport.loseWriteConnection()
        else:
            self._transport.loseConnection()

    def end(self) -> None:
        """End the connection after the answer that it waits for, if any."""
        self._ended = True
        if self.waiting is None:
            self._transport.loseConnection()

    def cut_off(self) -> None:
        """End a connection that used up its time."""
        if self.waiting is None:
            self._transport.abortConnection()

    @property
    def _transport(self) -> Any:
        return self.transport


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
            head = answer = None
            if data and not (factory.proxies and factory.proxies.include(address)):
                try:
                    head = read_head(data)
                    answer = head and factory.answer(head, address)
                except BadRequest:
                    pass  # the protocol reads it again and says so
            if head is None or answer is None:
                self._adopt(connection, addr).protocol.dataReceived(data)
                continue
            try:
                answer = answer[connection.send(answer, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                pass
            except OSError:
                answer = b""  # gone already; what it may have sent behind this request counts nonetheless
            if head.headers.close and not answer:
                connection.close()
                continue
            adopted = self._adopt(connection, addr)
            if answer:
                adopted.write(answer)
            if head.headers.close:
                adopted.loseConnection()
            elif head.end < len(data):
                adopted.protocol.dataReceived(data[head.end :])

    def _adopt(self, connection: Any, addr: tuple[Any, ...]) -> Any:
        """Make an ordinary transport of an accepted connection."""
        adopted = socket.socket(self.addressFamily, socket.SOCK_STREAM, 0, connection.detach())
        adopted.setblocking(False)
        protocol = self.factory.buildProtocol(None)
        transport = self.transport(adopted, protocol, addr, self, self.sessionno, self.reactor)
        self.sessionno += 1
        protocol.makeConnection(transport)
        return transport
