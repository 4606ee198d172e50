"""The services that make mika one process: started one after another, each ready before the next, stopped in reverse.

`tap.makeService` lists them. `MultiService` alone starts and stops all at once, and a stop must write before it closes.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import IServiceCollection, MultiService, Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver, Logger

from mika.directory import Directory
from mika.errors import MikaError
from mika.flush import Flush
from mika.interfaces import Change, IPeerStore
from mika.journal import RECORDS, Journal
from mika.ledger.record import FRAME, peer_of
from mika.loading import loading
from mika.model import Peer
from mika.store.registry import Stores
from mika.swarm.swarms import Swarms


class InOrder(MultiService):
    """Starts its services one after another and stops them in reverse, waiting for each.

    A start that fails stops what was started, says why in one line, and ends the process with status 1.
    """

    log = Logger()

    def __init__(self, reactor: Any, services: Sequence[Service], observer: ILogObserver | None = None) -> None:
        """`observer` replaces the log that twistd would write."""
        super().__init__()
        self._reactor = reactor
        self._observer = observer
        self._started: list[Service] = []
        self._start: Deferred[None] | None = None
        for service in services:
            service.setServiceParent(self)

    def setServiceParent(self, parent: Any) -> None:  # noqa: N802 - Twisted's name
        """Join the application, which takes its log observer from here."""
        if self._observer is not None and hasattr(parent, "setComponent"):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(IServiceCollection(parent, parent))

    def privilegedStartService(self) -> None:  # noqa: N802 - Twisted's name
        """Do nothing yet: the ports open when what they answer from is there."""

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Begin to start; the reactor runs meanwhile."""
        Service.startService(self)
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        self._start = ensureDeferred(self._start_all()).addErrback(self._failed)

    async def _start_all(self) -> None:
        for service in self.services:
            if not self.running:
                return
            self._started.append(service)
            await maybeDeferred(service.startService)

    def _failed(self, failure: Any) -> None:
        if failure.check(CannotListenError):
            host, port, why = failure.value.interface, failure.value.port, failure.value.socketError
            words = f"cannot listen on {host or 'any address'} port {port}: {why.strerror or why}"
        elif failure.check(MikaError):
            words = str(failure.value)
        else:
            self.log.failure("the start failed", failure)
            words = "the start failed"
        self._started.pop()
        self.log.critical("mika did not start: {words}", words=words)
        sys.__stderr__.write(f"mika did not start: {words}\n")  # type: ignore[union-attr]
        exit_with_failure()
        if self.running and self._reactor.running:  # else it is being stopped already
            self._reactor.stop()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop in reverse what was started."""
        Service.stopService(self)
        return ensureDeferred(self._stop_all())

    async def _stop_all(self) -> None:
        if self._start is not None:
            await self._start
        while self._started:
            service = self._started.pop()
            try:
                await maybeDeferred(service.stopService)
            except Exception:  # noqa: BLE001 - the others must still be stopped
                self.log.failure("{service} did not stop as it should", service=type(service).__name__)


def exit_with_failure() -> None:
    """Have this process end with status 1: twistd itself knows only 0 once its reactor has run."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    atexit.register(leave)


class StoresService(Service):
    """Opens the stores, and reads what the directory always has in memory; others' changes go to `hear`."""

    log = Logger()

    def __init__(self, stores: Stores, directory: Directory, hear: Callable[[Change], None]) -> None:
        self._stores = stores
        self._directory = directory
        self._hear = hear

    def startService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Open each store once."""
        super().startService()
        return ensureDeferred(self._open_all())

    async def _open_all(self) -> None:
        try:
            for store in self._stores.unique:
                store.hear(self._hear)
                await store.open()
            await self._directory.open()
        except BaseException:
            await self._close_all()
            raise

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Close them."""
        super().stopService()
        return ensureDeferred(self._close_all())

    async def _close_all(self) -> None:
        """Close every store, open or not: one that was cut short while it opened may hold something."""
        for store in reversed(self._stores.unique):
            try:
                await store.close()
            except Exception:  # noqa: BLE001 - the others must still be closed
                self.log.failure("a store did not close as it should")


class JournalService(Service):
    """Opens the journal and asks the stores how far they are; lets go of it when the last batch is written."""

    def __init__(self, journal: Journal, flushes: Sequence[Flush[Any]]) -> None:
        self._journal = journal
        self._flushes = flushes

    def startService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Begin behind every number that was given before."""
        super().startService()
        self._journal.open()
        return ensureDeferred(self._begin())

    async def _begin(self) -> None:
        self._journal.begin(max([await flush.begin() for flush in self._flushes]))

    def stopService(self) -> None:  # noqa: N802 - Twisted's name
        """Keep what a store still lacks."""
        super().stopService()
        self._journal.close(min(flush.reached for flush in self._flushes))


class SwarmsService(Service):
    """Fills the swarms from the peers store, and from what the journal knows better, before anybody announces."""

    log = Logger()

    def __init__(self, swarms: Swarms, peers: IPeerStore, journal: Journal) -> None:
        self._swarms = swarms
        self._peers = peers
        self._journal = journal

    def startService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Load every peer and the counters of the silent ones."""
        super().startService()
        return ensureDeferred(self._load())

    async def _load(self) -> None:
        with loading():
            await self._peers.load_peers(self._restore)
            self._catch_up()
        self.log.info(
            "{peers} peers in {swarms} swarms restored", peers=self._swarms.peer_count, swarms=len(self._swarms)
        )

    def _catch_up(self) -> None:
        """Let peers be as their last records left them; those that the store has already are only said again."""
        latest: dict[tuple[bytes, int, bytes], tuple[bytes, Peer, bool]] = {}
        for _, frames in self._journal.read(0, RECORDS):
            for at in range(0, len(frames), FRAME):
                found = peer_of(frames[at : at + FRAME])
                if found is not None:
                    info_hash, peer, _ = found
                    latest[info_hash, peer.user_id, peer.peer_id] = found
        for info_hash, peer, gone in latest.values():
            self._swarms.replace(info_hash, peer, gone=gone)

    def _restore(self, peers: Sequence[tuple[bytes, Peer]]) -> None:
        for info_hash, peer in peers:
            self._swarms.restore(info_hash, peer)
