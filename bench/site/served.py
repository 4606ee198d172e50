"""The real tracker on a clock that jumps: bytes in, bytes out, its stores and periodic work. `world.py` asks it.

Made by the functions of `mika/tap.py`. Left out are only sockets, the admin API, and forcing the journal to the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mika.config import Config
from mika.directory import Directory
from mika.events import Events, Publish, unheard
from mika.jobs import Reaper
from mika.journal import Journal
from mika.model import NOTHING_HELD
from mika.server.http import AnnounceFactory
from mika.services import JournalService, StoresService, SwarmsService
from mika.store.memory import MemoryStore
from mika.store.registry import Stores
from mika.tap import make_debts, make_flusher, make_follow, make_swarms, make_tracker
from mika.torrent_key import TorrentKeys
from mika.wire.address import TrustedProxies, to_text

TICK = 60
"""Seconds between two turns of the periodic work; in earnest it is one or two, which only costs time here."""


SECRET = b"0" * 64

_ADDRESSES = {4: IPv4Address, 16: IPv6Address}


class InForce:
    """A configuration that nobody changes, as `mika.live.Live` shows it."""

    def __init__(self, config: Config) -> None:
        self.config = config


class Served:
    """A tracker from its start to its stop; what is to outlive it is in the store and in the journal's folder."""

    def __init__(self, config: Config, store: MemoryStore, folder: Path, now: int, publish: Publish = unheard) -> None:
        """`publish` is told what staff and members are told; what is chosen at random is the same each time."""
        self.config, self.store, self.folder = config, store, folder
        self.clock = clock = Clock()
        clock.advance(now)
        self.journal = journal = Journal(folder)
        self.swarms = make_swarms(config.tracker, journal)
        negative_ttl = int(config.tracker.negative_ttl)
        self.directory = Directory(store, store, self.swarms, clock.seconds, self._settle, negative_ttl)
        stores = Stores(store, store, store)
        self.flusher = make_flusher(config, stores, self.directory, self.swarms, journal, clock)
        self._keys = TorrentKeys(SECRET)
        self.tracker = make_tracker(config, self.directory, self.swarms, journal, self._keys)
        self.tracker.random = Random(now).random
        self.factory = AnnounceFactory(self.tracker, self.directory, TrustedProxies([]), clock)
        in_force: Any = InForce(config)
        self.directory.publish = publish
        self.flusher.publish_to(publish)
        self.debts = make_debts(self.directory, self.flusher, in_force, Events(clock.seconds), clock)
        self.debts.publish = publish
        self.follow = make_follow(self.factory, self.swarms, self.flusher, in_force, clock)
        reaper = Reaper(self.swarms, clock)
        for job in (reaper, self.follow):
            job.change_interval(TICK)
        self._services = [
            StoresService(stores, self.directory, lambda _: None),
            JournalService(journal, self.flusher.flushes),
            SwarmsService(self.swarms, store, journal),
            self.flusher,
            reaper,
            self.debts,
            self.follow,
        ]

    def _settle(self, kind: str) -> Deferred[None]:
        return self.flusher.settle(kind)

    def start(self) -> None:
        """Start as the process does, from what store and journal have."""
        for service in self._services:
            self.finish(maybeDeferred(service.startService))

    def stop(self) -> None:
        """Stop in order."""
        for service in reversed(self._services):
            self.finish(maybeDeferred(service.stopService))

    def kill(self, folder: Path) -> tuple[MemoryStore, Path]:
        """Return what a kill in this very moment leaves: a copy of the store, and of the journal in a new `folder`."""
        shutil.copytree(self.folder, folder)
        return deepcopy(self.store, {id(NOTHING_HELD): NOTHING_HELD}), folder  # which cannot be copied

    def advance(self, now: int) -> None:
        """Let time pass."""
        self.clock.advance(now - self.clock.seconds())

    def tick(self, now: int) -> None:
        """Let time pass, and what is due then be done to its end."""
        self.advance(now)
        while self.clock.calls and self.clock.calls[0].getTime() <= now:
            self.clock.advance(0)

    def finish(self, awaitable: Awaitable[Any] | Deferred[Any]) -> Any:
        """Return what this answers with, however many turns of the reactor it takes."""
        found: list[Any] = []
        deferred = awaitable if isinstance(awaitable, Deferred) else ensureDeferred(awaitable)  # type: ignore[arg-type]
        deferred.addBoth(found.append)
        while not found:
            self.clock.advance(0)
        if hasattr(found[0], "raiseException"):
            found[0].raiseException()
        return found[0]

    def key(self, user_id: int, info_hash: bytes) -> str:
        """Return the key that is good for a user and a torrent, by its own info hash."""
        return self._keys.make(self.finish(self.directory.user(user_id)), info_hash)

    def answer(self, request: bytes, address: bytes) -> bytes:
        """Answer one request from a packed address, as a port or else a connection does."""
        ordinary = self.factory.answer_ordinary(request, 0, address)
        if ordinary is not None:
            return ordinary[0]
        transport = StringTransport(peerAddress=_ADDRESSES[len(address)]("TCP", to_text(address), 50_000), lenient=True)
        protocol = self.factory.buildProtocol(None)
        protocol.makeConnection(transport)
        protocol.dataReceived(request)
        while not transport.value():
            self.clock.advance(0)
        protocol.connectionLost()
        answer: bytes = transport.value()
        return answer
