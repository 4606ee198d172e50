"""The announce ports as a service, for `tap.py`: each configured address on an `AnnouncePort`, plain or over TLS."""

from __future__ import annotations

import errno
import resource
import socket
import sys
from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from mika.config_values import HostPort
from mika.counts import Traffic
from mika.server.connections import Connections
from mika.server.http import SWEEP_TIME, AnnounceFactory
from mika.server.port import AnnouncePort

BACKLOG = 4096
"""Connections that wait to be accepted: clients start thousands of announces at once (client-quirks 2.3)."""


class AnnounceService(Service):
    """Listens as long as it runs; an address that cannot be had fails the start (`CannotListenError`)."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        factory: AnnounceFactory,
        plain: Sequence[HostPort],
        tls: Sequence[HostPort],
        context: IOpenSSLContextFactory | None,
    ) -> None:
        """`plain` and `tls` are where to listen; `context` is there if `tls` is not empty."""
        self.url = ""
        self._reactor = reactor
        self._factory = factory
        self.factories = {"http": factory}
        """What answers, by protocol."""
        if tls:
            self.factories["https"] = factory.over_tls()
        self._wanted = [(address, False) for address in plain] + [(address, True) for address in tls]
        self._context = context
        self._ports: list[tuple[str, AnnouncePort]] = []
        self._sweep = LoopingCall(factory.connections.sweep)
        self._sweep.clock = reactor

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen everywhere, or nowhere."""
        self._factory.connections.allow(allow_many_descriptors())
        try:
            for address, secure in self._wanted:
                self._listen(address, secure=secure)
        except CannotListenError:
            for _, port in self._ports:
                port.stopListening()
            raise
        self._sweep.start(SWEEP_TIME, now=False)
        super().startService()

    def _listen(self, address: HostPort, *, secure: bool) -> None:
        protocol = "https" if secure else "http"
        factory: Any = self.factories[protocol]
        if self._context is not None and secure:
            factory = TLSMemoryBIOFactory(self._context, False, factory)
            factory.noisy = False
        port = AnnouncePort(address.port, factory, BACKLOG, address.host, self._reactor)
        try:
            port.startListening()
        except CannotListenError as problem:
            no_ipv6 = getattr(problem.socketError, "errno", None) == errno.EAFNOSUPPORT
            if no_ipv6 and address.host == "::" and any(":" not in other.host for other, _ in self._wanted):
                self.log.warn("this machine has no IPv6: {address} is left out", address=str(address))
                return
            raise
        self._ports.append((protocol, port))
        url = f"{protocol}://{reachable(HostPort(address.host, port.getHost().port))}"
        self.url = self.url or url  # the one to show, of several
        self.log.info("announces are served at {url}", url=url)

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop listening, then end the connections, answered as far as what they sent goes."""
        super().stopService()
        if self._sweep.running:
            self._sweep.stop()
        closed = gatherResults([maybeDeferred(port.stopListening) for _, port in self._ports])
        self._ports = []
        return closed.addCallback(lambda _: self._factory.end())

    @property
    def traffic(self) -> dict[str, Traffic]:
        """What was answered, by protocol."""
        return {protocol: factory.traffic for protocol, factory in self.factories.items()}

    @property
    def connections(self) -> Connections:
        """The open connections of all ports."""
        return self._factory.connections

    def accepted(self) -> dict[tuple[str, int], int]:
        """How many connections were accepted since the start, by protocol and family (4, 6)."""
        counts: dict[tuple[str, int], int] = {}
        for protocol, port in self._ports:
            key = protocol, 6 if port.addressFamily == socket.AF_INET6 else 4
            accepted = port.sessionno if protocol == "https" else port.accepted
            counts[key] = counts.get(key, 0) + accepted
        return counts

    def look_who_watches(self) -> None:
        """Have the announces told to who watches now, or to nobody."""
        for factory in self.factories.values():
            factory.watched = factory.watch.wanted


def allow_many_descriptors() -> int:
    """Raise the limit of open files, one of which is a connection, as far as this process may; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else sys.maxsize


def reachable(address: HostPort) -> str:
    """Return an address as a client on this machine writes it: a wildcard becomes the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 - compared
    return str(HostPort(host, address.port))
