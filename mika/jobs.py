"""Periodic work on an injected clock: the Flusher writes what waits to the stores, the Reaper lets silent peers go.

`tap.py` starts them after the stores and stops them before: the last batch is written, then the stores close.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from mika.errors import StoreError
from mika.interfaces import IPeerStore, ITorrentStore, IUserStore, Mark, PeerBatch, TorrentBatch, UserBatch
from mika.ledger.pending import Pending
from mika.model import Peer
from mika.swarm.swarms import PeerKey, Swarms

REAP_INTERVAL = 1.0


class Periodic(Service):
    """A service that does something every `interval` seconds; what goes wrong is logged, and it goes on."""

    log = Logger()

    def __init__(self, clock: IReactorTime, interval: float) -> None:
        self._loop = LoopingCall(self._safely)
        self._loop.clock = clock
        self._interval = interval

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Begin after one interval."""
        super().startService()
        self._loop.start(self._interval, now=False)

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop, and answer when what runs is done."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        return succeed(None)

    def _safely(self) -> Deferred[None]:
        return ensureDeferred(self.work()).addErrback(
            lambda failure: self.log.failure("{job} failed and goes on", failure, job=type(self).__name__)
        )

    async def work(self) -> None:
        """Do it once."""
        raise NotImplementedError


class Reaper(Periodic):
    """Lets go of peers that fell silent, and forgets counters that were kept long enough."""

    def __init__(self, swarms: Swarms, clock: IReactorTime) -> None:
        super().__init__(clock, REAP_INTERVAL)
        self.swarms = swarms
        self.seconds = clock.seconds

    async def work(self) -> None:
        """Look at the peers that are due."""
        self.swarms.expire(int(self.seconds()))


@dataclass(frozen=True, slots=True)
class Targets:
    """The stores that are written to."""

    users: IUserStore
    torrents: ITorrentStore
    peers: IPeerStore


class Flusher(Periodic):
    """Writes what waits, in batches, never two of one kind at once.

    A batch that fails waits on, merged with what comes; a store's trouble is logged once when it begins and once when
    it ends. `instance` names this tracker in the marks that go with each batch.
    """

    def __init__(
        self, targets: Targets, pending: Pending, swarms: Swarms, clock: IReactorTime, interval: float, most: int
    ) -> None:
        super().__init__(clock, interval)
        self.targets = targets
        self.pending = pending
        self.swarms = swarms
        self.most = most
        self.instance = "mika"
        self.healthy = {"users": True, "torrents": True, "peers": True}
        self._lock = DeferredLock()

    def waiting(self) -> dict[str, int]:
        """Rows of each kind that wait to be written."""
        return {
            "users": len(self.pending.users),
            "torrents": len(self.pending.torrents),
            "peers": len(self.swarms.unsaved),
        }

    async def work(self) -> None:
        """Flush what waits."""
        await self.flush()

    async def flush(self) -> int:
        """Write all that waits now; answer how many rows were written."""
        await self._lock.acquire()
        try:
            return (
                await self._drain("users", self._write_users)
                + await self._drain("torrents", self._write_torrents)
                + await self._drain("peers", self._write_peers)
            )
        finally:
            self._lock.release()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Write the last batch and say how much it was."""
        super().stopService()
        return ensureDeferred(self._flush_last())

    async def _flush_last(self) -> None:
        written = await self.flush()
        lost = {kind: rows for kind, rows in self.waiting().items() if rows}
        if lost:
            self.log.critical("stopped with rows that no store took: {lost}", lost=lost)
        self.log.info("last batch written: {written} rows", written=written)

    async def _drain(self, kind: str, write: Callable[[], Awaitable[int]]) -> int:
        """Write batch after batch of what waits now; what comes meanwhile is the next flush's."""
        written = 0
        owed = self.waiting()[kind]
        try:
            while written < owed and (rows := await write()):
                written += rows
        except Exception as problem:  # noqa: BLE001 - an adapter's own fault must not cost the other kinds their flush
            if self.healthy[kind]:
                self._say_trouble(kind, problem)
            self.healthy[kind] = False
        else:
            if not self.healthy[kind]:
                self.log.info("the {kind} store is written to again: {written} rows", kind=kind, written=written)
            self.healthy[kind] = True
        return written

    def _say_trouble(self, kind: str, problem: Exception) -> None:
        """Log one line; with a traceback if it is no trouble that a store has words for."""
        write = self.log.error if isinstance(problem, StoreError) else self.log.failure
        write(
            "the {kind} store cannot be written to, {rows} rows wait: {problem}",
            kind=kind,
            rows=self.waiting()[kind],
            problem=problem,
        )

    def _mark(self) -> Mark:
        return Mark(self.instance, 0)  # the number of the last journal record, once there is a journal

    async def _write_users(self) -> int:
        taken = self.pending.take_users(self.most)
        if not taken:
            return 0
        try:
            await self.targets.users.apply_users(
                UserBatch(self._mark(), sorted(((user.id, grown) for user, grown in taken), key=_first))
            )
        except BaseException:
            self.pending.users.update(user for user, _ in taken)
            raise
        for user, grown in taken:
            user.written.add(grown)
        return len(taken)

    async def _write_torrents(self) -> int:
        taken = self.pending.take_torrents(self.most)
        if not taken:
            return 0
        completions = self.pending.take_completions()
        completers = sorted((torrent.info_hash, user_id) for torrent, user_id in completions)
        growth = sorted(((torrent.info_hash, grown) for torrent, grown in taken), key=_first)
        try:
            await self.targets.torrents.apply_torrents(TorrentBatch(self._mark(), growth, completers))
        except BaseException:
            self.pending.torrents.update(torrent for torrent, _ in taken)
            self.pending.completions |= completions
            raise
        for torrent, grown in taken:
            torrent.written.add(grown)
        return len(taken)

    async def _write_peers(self) -> int:
        taken = self.swarms.take_unsaved(self.most)
        if not taken:
            return 0
        present: list[tuple[bytes, Peer]] = []
        gone: list[PeerKey] = []
        for key, peer in taken.items():
            if peer is None:
                gone.append(key)
            else:
                present.append((key[0], peer))
        try:
            await self.targets.peers.apply_peers(PeerBatch(self._mark(), present, gone))
        except BaseException:
            self.swarms.give_back(taken)
            raise
        return len(taken)


def _first(row: tuple[bytes | int, object]) -> bytes | int:
    return row[0]
