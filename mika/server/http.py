"""HTTP announces: bytes of a connection to wire/http.py, tracker.py and directory.py, and answers back.

`AnnounceFactory` answers one request; `AnnounceProtocol` is a connection, kept alive and pipelined. `port.py` accepts
the connections, and answers most of them from the factory in one go, without any protocol.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from mika.counts import Traffic
from mika.directory import Directory
from mika.errors import StoreError
from mika.events import Events
from mika.ordinary import OrdinaryAnnounces
from mika.rules import refusal
from mika.rules.refusal import Refusal
from mika.server.connections import Connections
from mika.server.watch import Watch, address_of
from mika.tracker import Miss, Tracker
from mika.wire.address import TrustedProxies, packed, read_proxy
from mika.wire.http import Head, read_head, read_target, write_answer, write_problem
from mika.wire.request import AnnounceRequest, BadRequest, ScrapeRequest
from mika.wire.response import AnnounceResponse, ScrapeResponse, write_announce, write_refusal, write_scrape

HEAD_TIME = 20
"""Seconds in which a request must be complete, from its first byte, or from the connection if there is none."""

IDLE_TIME = 300
"""Seconds that a kept connection may be silent: long, since a client that is cut off mid-request counts it an error."""

SWEEP_TIME = 5
"""Seconds between two looks at who was silent for too long."""

ATTEMPTS = 5
"""How often an announce is tried again after what it missed has been loaded."""

MOST_STARTED = 5000
"""Announces with `started` that are kept until `follow.py` has looked at how they are written: some 2 MB."""

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
        watch: Watch | None = None,
    ) -> None:
        """`watch` is told of what is answered while somebody wants to know."""
        self.traffic = Traffic()
        self.tracker = tracker
        self.directory = directory
        self.proxies = proxies
        self.reactor = reactor
        self.clock: Callable[[], float] = reactor.seconds
        self.public = tracker.config.public
        self.failure_interval = tracker.interval
        self.watch = watch or Watch(tracker, Events(reactor.seconds))
        self.ordinary = OrdinaryAnnounces(tracker, self)
        self.watched = self.watch.wanted
        self.connections = Connections(reactor.seconds)
        self.waiting: set[Deferred[None]] = set()
        self.started: deque[bytes] = deque(maxlen=MOST_STARTED)

    def over_tls(self) -> AnnounceFactory:
        """Return one that answers over TLS: its counts are its own, its connections among those of this one."""
        secure = AnnounceFactory(self.tracker, self.directory, self.proxies, self.reactor, self.watch.over("https"))
        secure.connections, secure.waiting, secure.started = self.connections, self.waiting, self.started
        return secure

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: ARG002, N802 - Twisted's interface
        """Make the protocol of one connection."""
        return AnnounceProtocol(self)

    def answer_ordinary(self, data: bytes, position: int, address: bytes) -> tuple[bytes, bool, int] | None:
        """Answer an announce that is like most are: the answer, whether the connection ends, where the next one begins.

        None, and nothing done, for any other request, or if a fact must be loaded first.
        """
        return self.ordinary.answer(data, position, address, int(self.clock()))

    def answer_whole(self, data: bytes, address: bytes) -> tuple[bytes, bool, int] | None:
        """Answer the first of some requests, whatever it asks, as `answer_ordinary` does.

        None, and nothing done, if it is not whole or no HTTP, or if a fact must be loaded first.
        """
        try:
            head = read_head(data)
        except BadRequest:
            return None
        answer = None if head is None else self.answer(head, address)
        if head is None or answer is None:
            return None
        self.keep_started(head, data, 0)
        return answer, head.headers.close, head.end

    def keep_started(self, head: Head, data: bytes, position: int) -> None:
        """Keep the first words of a client, which stand at `position`."""
        if b"event=started" in head.target:
            self.started.append(data[position : head.end])

    def answer(self, head: Head, address: bytes) -> bytes | None:
        """Answer any request from a packed address at once; None, and nothing done, if a fact must be loaded first."""
        if head.method == b"HEAD":
            return write_answer(b"", head.headers)  # a probe: it must not have an effect
        try:
            body = self._ask(read_target(head.target, address, public=self.public))
        except BadRequest as bad:
            body = self._refuse(bad.refusal, address)
        return write_answer(body, head.headers) if isinstance(body, bytes) else None

    async def answer_later(self, head: Head, address: bytes) -> bytes:
        """Answer a request for which facts must be loaded first."""
        self.traffic.lookups += 1
        request = read_target(head.target, address, public=self.public)
        failure = refusal.STORE_UNAVAILABLE
        try:
            for _ in range(ATTEMPTS):
                body = self._ask(request)
                if isinstance(body, bytes):
                    return write_answer(body, head.headers)
                if body.register:
                    await self.directory.register(body.info_hashes)
                else:
                    await self.directory.load(body.user, body.info_hashes)
        except StoreError as problem:
            self.log.warn("an announce had to be refused: {problem}", problem=problem)
        except Exception:  # noqa: BLE001 - our own fault must not cost the client its connection
            self.log.failure("an announce could not be answered")
            failure = refusal.INTERNAL
        return write_answer(self._refuse(failure, address, request), head.headers)

    def _ask(self, request: Request) -> bytes | Miss:
        now = int(self.clock())
        result: AnnounceResponse | ScrapeResponse | Refusal | Miss
        try:
            if isinstance(request, AnnounceRequest):
                result = self.tracker.announce(request, now)
            else:
                result = self.tracker.scrape(request, now)
            return self.write(request, result)
        except Exception:  # noqa: BLE001 - our own fault must cost neither the client its connection nor us the port
            return self.fail(request)

    def write(self, request: Request, result: AnnounceResponse | ScrapeResponse | Refusal | Miss) -> bytes | Miss:
        """Count and encode what the tracker said; a miss is passed on."""
        if self.watched and not isinstance(result, (Miss, Refusal)):
            self.watch.see(request, result)
        if isinstance(result, AnnounceResponse):
            if len(result.external_ip) == 4:
                self.traffic.announces4 += 1
            else:
                self.traffic.announces6 += 1
            return write_announce(result)
        if isinstance(result, Refusal):
            return self._refuse(result, address_of(request), request)
        if isinstance(result, Miss):
            return result
        if len(address_of(request)) == 4:
            self.traffic.scrapes4 += 1
        else:
            self.traffic.scrapes6 += 1
        return write_scrape(result)

    def fail(self, request: Request) -> bytes:
        """Log the exception that is on its way, and encode that the client should try again."""
        self.log.failure("an announce could not be answered")
        return self._refuse(refusal.INTERNAL, address_of(request), request)

    def _refuse(self, refused: Refusal, address: bytes, request: Request | None = None) -> bytes:
        if self.watched:
            self.watch.see_refusal(refused, address, request)
        self.traffic.refusals[refused.code, 4 if len(address) == 4 else 6] += 1
        return write_refusal(refused, self.failure_interval)

    def end(self) -> Deferred[None]:
        """End all connections; answers when no request waits for a store any more."""
        self.connections.end()
        return gatherResults(list(self.waiting)).addCallback(lambda _: None)


class AnnounceProtocol(Protocol):
    """HTTP/1.x on one connection: kept alive, pipelined, requests that come a byte at a time.

    Requests are answered in order; while one waits for a store, reading pauses. What has arrived is answered (and so
    counts) although the client may be gone: clients that shut down send all their stops and leave without reading.
    """

    factory: AnnounceFactory
    transport: Any

    def __init__(self, factory: AnnounceFactory) -> None:
        self.factory = factory
        self.address = b""
        self.since = factory.clock()
        self.patience: float = HEAD_TIME
        self._rest = b""
        self._greeted = not factory.proxies
        self.waiting: Deferred[None] | None = None
        self._ended = False

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Remember who is there, and whether it may speak for others."""
        self.factory.connections.add(self)
        self.address = packed(self.transport.getPeer().host)
        self._greeted = self._greeted or not self.factory.proxies.include(self.address)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802 - Twisted's interface
        """Forget the connection."""
        self.factory.connections.discard(self)

    def is_quiet(self) -> bool:
        """Say whether the next byte begins a request, which may come straight from its client."""
        return not (self._rest or self.waiting or self._ended or self.factory.proxies)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Answer every request that is complete."""
        if self._ended or not data:
            return
        factory = self.factory
        if not (self._rest or self.waiting or factory.proxies):
            # A client that keeps its connection sends one announce at a time: the straight way through.
            answered = factory.answer_ordinary(data, 0, self.address)
            if answered is not None:
                self.since = factory.clock()
                self.patience = IDLE_TIME
                answer, self._ended, end = answered
                self._write(answer)
                if self._ended or end == len(data):
                    return
                data = data[end:]
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
                if not self.factory.proxies:
                    answered = self.factory.answer_ordinary(data, position, self.address)
                    if answered is not None:
                        known, self._ended, position = answered
                        answers.append(known)
                        continue
                head = read_head(data, position)
                if head is None:
                    break
                self.factory.keep_started(head, data, position)
                position = head.end
                address = self._client(head)
                answer = self.factory.answer(head, address)
                if answer is None:
                    missed = head, address
                    break
                answers.append(answer)
                self._ended = head.headers.close
        except BadRequest as bad:
            self.factory.traffic.malformed[bad.refusal.code] += 1
            answers.append(write_problem(bad.refusal, bad.status))
            self.end_with(b"".join(answers))
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
        self.transport.pauseProducing()
        waiting: Deferred[None] = Deferred()
        self.waiting = waiting
        answer = ensureDeferred(self.factory.answer_later(head, address))
        done = answer.addCallback(self._end_wait, head.headers.close).addErrback(self._failed)
        if self.waiting is None:
            return True
        # Known to the factory, since the client may be gone before the answer: a stop of the tracker waits for it.
        self.factory.waiting.add(waiting)
        waiting.addBoth(lambda _: self.factory.waiting.discard(waiting))
        done.addCallback(lambda _: self._serve()).addErrback(self._failed).chainDeferred(waiting)
        return False

    def _end_wait(self, answer: bytes, close: bool) -> None:
        self.waiting = None
        self._ended = self._ended or close
        self._write(answer)
        self.transport.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        self.waiting = None
        self._ended = True
        self.factory.log.failure("a waiting request could not be answered", failure)
        self.transport.abortConnection()

    def _write(self, data: bytes) -> None:
        self.transport.write(data)
        if self._ended:
            self.transport.loseConnection()

    def end_with(self, data: bytes) -> None:
        """Send the last answer and end: our side first, so that what is unread behind it does not cost the answer."""
        self._ended = True
        self._rest = b""
        self.since = self.factory.clock()
        self.patience = SWEEP_TIME
        self.transport.write(data)
        # TLS passes on what it does not know to the connection that it wraps, which must not end before it.
        if hasattr(self.transport, "loseWriteConnection") and not isinstance(self.transport, TLSMemoryBIOProtocol):
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def end(self) -> None:
        """End the connection after the answer that it waits for, if any."""
        self._ended = True
        if self.waiting is None:
            self.transport.loseConnection()

    def cut_off(self) -> bool:
        """End a connection that used up its time, unless it waits for a store; say whether it ends."""
        if self.waiting is not None:
            return False
        self.factory.traffic.cut_off += 1
        self.transport.abortConnection()
        return True
