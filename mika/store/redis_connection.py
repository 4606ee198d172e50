"""Connections to Redis that come back by themselves: one to ask, one to hear. `redis.py` opens and closes both.

A call while there is no connection fails at once, and whatever is not answered in time fails with its connection: so
nothing waits in silence and is carried out when nobody counts on it any more. Hence the protocols of txredisapi, but
not its pool, which keeps commands until it has a connection.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from OpenSSL.crypto import Error as CertificateFileError
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, fail, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from txredisapi import RedisError, RedisProtocol, ResponseError

from mika.errors import StoreError
from mika.store.redis_url import RedisPlace
from mika.store.redis_words import CLUSTER, LOST, LOST_AT_ONCE, OLDEST, REPLICA, SILENT, SILENT_TO_TLS, TOO_OLD, words

ANSWER_SECONDS = 10.0
"""How long Redis may take to connect, and to answer a command."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect: doubled each time, and up to a half more by chance."""

_PEM_END = b"-----END CERTIFICATE-----"
_log = Logger()


class _Asking(RedisProtocol):  # type: ignore[misc]  # txredisapi ships no types
    """A connection for commands, that tells when and why it is lost."""

    def __init__(self, reactor: Any, seconds: float) -> None:
        super().__init__(charset=None, convertNumbers=False, replyTimeout=seconds)
        self.callLater = reactor.callLater  # txredisapi takes the reactor that is installed
        self.lost: Deferred[None] = Deferred()
        self.why: BaseException | None = None

    def connectionLost(self, why: Failure) -> None:  # noqa: N802 - Twisted's name
        """Tell, and then fail what waits for an answer: it may ask again at once."""
        self.why = why.value
        self.lost.callback(None)
        super().connectionLost(why)


class _Hearing(_Asking):
    """A connection for messages; what is no message is the reply to a command."""

    def __init__(self, reactor: Any, seconds: float, told: Callable[[bytes], None]) -> None:
        super().__init__(reactor, seconds)
        self._told = told

    def replyReceived(self, reply: Any) -> None:  # noqa: N802 - txredisapi's name
        """Hand a message on."""
        if isinstance(reply, list) and reply[:1] == [b"message"]:
            self._told(reply[-1])
        else:
            super().replyReceived(reply)


class Connection:
    """One connection to Redis, made again whenever it is lost."""

    def __init__(self, place: RedisPlace, reactor: Any, seconds: float = ANSWER_SECONDS) -> None:
        self.place = place
        self._reactor = reactor
        self._seconds = seconds
        self._protocol: Any = None
        self._trouble = self.error("is not open")
        self._attempts: Deferred[None] | None = None
        self._open = False

    async def open(self) -> None:
        """Connect; fails with `StoreError`, and then holds nothing. From then on it reconnects until `close`."""
        self._open = True
        try:
            await self._connect()
        except BaseException:
            self._open = False
            raise

    async def close(self) -> None:
        """Let go of the connection, or of the attempt to make one."""
        self._open = False
        protocol, self._protocol = self._protocol, None
        attempts, self._attempts = self._attempts, None
        self._trouble = self.error("is not open")
        if attempts is not None:
            attempts.cancel()
            await attempts
        if protocol is not None:
            await self._drop(protocol)

    def error(self, trouble: str) -> StoreError:
        """Return the fault that says what is the matter with this place."""
        return StoreError(f"{self.place} {trouble}.")

    async def ask(self, *command: bytes | str | int) -> Any:
        """Return the reply to a command; `StoreError` says why there is none."""
        try:
            return await self.send(*command)
        except ResponseError as error:
            raise self.error(words(error)) from None

    def send(self, *command: bytes | str | int) -> Deferred[Any]:
        """Answer with the reply to a command; fails with `StoreError`, or with `ResponseError` if Redis refuses it."""
        if self._protocol is None:
            return fail(StoreError(str(self._trouble)))
        return self._send(self._protocol, *command)

    def _send(self, protocol: Any, *command: bytes | str | int) -> Deferred[Any]:
        def explain(failure: Failure) -> Any:
            failure.trap(RedisError)
            if failure.check(ResponseError):
                return failure
            raise self.error(words(failure.value)) from None

        encoded = [word.encode() if isinstance(word, str) else word for word in command]
        asked: Deferred[Any] = maybeDeferred(protocol.execute_command, *encoded)
        return asked.addErrback(explain)

    # ---- making it

    def _new_protocol(self) -> Any:
        return _Asking(self._reactor, self._seconds)

    async def _prepare(self, protocol: Any) -> None:
        """Make the connection ready for use."""

    async def _connect(self) -> None:
        factory = Factory.forProtocol(self._new_protocol)
        factory.noisy = False
        try:
            protocol: Any = await self._endpoint().connect(factory)
        except (CancelledError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever sockets and TLS raise
            raise self.error(words(error)) from None
        try:
            await self._greet(protocol)
            await self._prepare(protocol)
        except CancelledError:
            await self._drop(protocol)
            raise
        except StoreError as error:
            raise await self._explained(protocol, error) from None
        except Exception as error:  # noqa: BLE001 - a reply that is none of Redis's, or what a listener raises
            await self._drop(protocol)
            raise self.error(words(error)) from None
        if protocol.lost.called:
            raise self.error(LOST)
        if not self._open:  # closed meanwhile
            await self._drop(protocol)
            raise StoreError(str(self._trouble))
        self._protocol = protocol
        protocol.lost.addCallback(lambda _: self._lost(protocol.why))

    async def _explained(self, protocol: Any, error: StoreError) -> StoreError:
        """Return a fault that says why a connection was lost before it could be used, if that says more."""
        early = protocol.lost.called
        reason = words(await self._drop(protocol))
        if self.place.tls and SILENT in str(error):
            return self.error(SILENT_TO_TLS)
        if not early or LOST not in str(error):
            return error
        return self.error(LOST_AT_ONCE if reason == LOST else reason)

    async def _drop(self, protocol: Any) -> BaseException | None:
        if not protocol.lost.called:
            protocol.transport.abortConnection()
            await protocol.lost
        why: BaseException | None = protocol.why
        return why

    def _endpoint(self) -> IStreamClientEndpoint:
        place = self.place
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self._reactor, place.host, place.port, timeout=self._seconds)
        if not place.tls:
            return endpoint
        trust = platformTrust() if place.ca is None else trustRootFromCertificates(self._authorities())
        return wrapClientTLS(optionsForClientTLS(place.host, trustRoot=trust), endpoint)

    def _authorities(self) -> list[Certificate]:
        path = self.place.ca
        if path is None:
            return []
        try:
            parts = path.read_bytes().split(_PEM_END)[:-1]
            found = [Certificate.loadPEM(part + _PEM_END + b"\n") for part in parts]
        except OSError as error:
            raise StoreError(f"The CA's file {path} cannot be read: {error.strerror or error}.") from None
        except (CertificateFileError, ValueError):
            found = []
        if not found:
            raise StoreError(f"The CA's file {path} has no certificate in PEM form.")
        return found

    async def _greet(self, protocol: Any) -> None:
        place = self.place
        if place.user or place.password:  # by itself: a Redis that does not know HELLO says back what it was given
            await self._send(protocol, "AUTH", *([place.user] if place.user else []), place.password)
        reply = await self._send(protocol, "HELLO", "2")
        told = dict(zip(reply[::2], reply[1::2], strict=False))
        if told.get(b"mode") == b"cluster":
            raise self.error(CLUSTER)
        if tuple(int(part) for part in told[b"version"].split(b".")[:2] if part.isdigit()) < OLDEST:
            raise self.error(TOO_OLD)
        if told.get(b"role") != b"master":
            raise self.error(REPLICA)
        await self._send(protocol, "SELECT", place.db)
        await self._send(protocol, "EXISTS", f"{place.prefix}schema")  # while it loads its data, it refuses this

    # ---- making it again

    def _lost(self, why: BaseException | None) -> None:
        self._protocol = None
        if self._open:
            self._trouble = self.error(words(why))
            self._attempts = ensureDeferred(self._reconnect()).addErrback(self._given_up)

    def _given_up(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            _log.failure("{place} is not tried any more", failure, place=self.place)

    async def _reconnect(self) -> None:
        pause = FIRST_PAUSE
        while self._open and self._protocol is None:
            await deferLater(self._reactor, pause * random.uniform(1, 1.5))  # noqa: S311 - nobody gains by guessing it
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                await self._connect()
            except StoreError as error:
                self._trouble = error


class Subscription(Connection):
    """A connection that hears what is published on one channel."""

    def __init__(
        self,
        place: RedisPlace,
        reactor: Any,
        channel: str,
        told: Callable[[bytes], None],
        missed: Callable[[], None],
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`told` is called with each message, `missed` when some may have been: after every reconnection."""
        super().__init__(place, reactor, seconds)
        self._channel = channel
        self._told = told
        self._missed = missed
        self._heard_before = False

    def _new_protocol(self) -> Any:
        return _Hearing(self._reactor, self._seconds, self._told)

    async def _prepare(self, protocol: Any) -> None:
        await self._send(protocol, "PING")  # what is forbidden is found out here
        await self._send(protocol, "SUBSCRIBE", self._channel)
        if self._heard_before:
            self._missed()
        self._heard_before = True
        probing = ensureDeferred(self._probe(protocol))
        protocol.lost.addCallback(lambda _: probing.cancel())

    async def _probe(self, protocol: Any) -> None:
        """Ask for a sign of life again and again: who only listens never learns that the other end is gone."""
        try:
            while not protocol.lost.called:
                await deferLater(self._reactor, self._seconds / 2)
                await self._send(protocol, "PING")
        except (CancelledError, StoreError, ResponseError):
            pass


class Script:
    """A script in Lua, run by its hash; `ARGV[1]` is the prefix of all keys."""

    def __init__(self, source: str) -> None:
        self.source = source.strip()
        self._digest = sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, connection: Connection, *arguments: bytes | str | int) -> Any:
        """Return what the script returns; `StoreError` if Redis cannot run it."""
        prefix = connection.place.prefix
        try:
            return await connection.send("EVALSHA", self._digest, 0, prefix, *arguments)
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise connection.error(words(error)) from None
        return await connection.ask("EVAL", self.source, 0, prefix, *arguments)  # for the first time since its start
