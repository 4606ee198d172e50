"""Periodic work on an injected clock: Flusher (the journal to the stores), Syncer (to the disk), Reaper (silent peers).

`tap.py` starts them after the stores and stops them before: the last batch is written, then the stores close.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from mika.errors import StoreError
from mika.events import Publish
from mika.flush import Flush
from mika.journal import Journal, sync, try_to_make
from mika.swarm.swarms import Swarms

P = ParamSpec("P")
T = TypeVar("T")

REAP_INTERVAL = 1.0

PORTION = 500
"""Peers that are looked at without a pause: some three milliseconds where all of them fell silent."""


class Periodic(Service):
    """A service that does something every `interval` seconds; what goes wrong is logged, and it goes on."""

    log = Logger()

    def __init__(self, clock: IReactorTime, interval: float) -> None:
        self._loop = LoopingCall(self._safely)
        self._loop.clock = clock
        self._interval = interval
        self._work: Deferred[None] = succeed(None)

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Begin after one interval."""
        super().startService()
        self._loop.start(self._interval, now=False)

    def change_interval(self, interval: float) -> None:
        """Do it so often from now on."""
        self._interval = self._loop.interval = interval
        if self._loop.running:
            self._loop.reset()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop, and answer when what runs is done."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        done: Deferred[None] = Deferred()
        self._work.addCallback(lambda _: done.callback(None))
        return done

    def _safely(self) -> Deferred[None]:
        self._work = ensureDeferred(self.work()).addErrback(
            lambda failure: self.log.failure("{job} failed and goes on", failure, job=type(self).__name__)
        )
        return self._work

    async def work(self) -> None:
        """Do it once."""
        raise NotImplementedError


class Reaper(Periodic):
    """Lets go of peers that fell silent, and forgets counters that were kept long enough."""

    def __init__(self, swarms: Swarms, clock: IReactorTime) -> None:
        super().__init__(clock, REAP_INTERVAL)
        self.swarms = swarms
        self.clock = clock

    async def work(self) -> None:
        """Look at the peers that are due, in portions between which announces are answered."""
        now = int(self.clock.seconds())
        self.swarms.expire(now, PORTION)
        while self.running and self.swarms.has_due(now):
            await deferLater(self.clock, 0)
            self.swarms.expire(now, PORTION)


class Flusher(Periodic):
    """Lets the stores follow the journal: once at the start, every `interval`, and a last time at the stop.

    A store that fails is tried again later and later; the others are not kept waiting. Peers are written every
    `peers_interval`: the journal has them already, and one that announces twice meanwhile is written once.
    """

    def __init__(
        self, flushes: Sequence[Flush[Any]], journal: Journal, clock: IReactorTime, intervals: Mapping[str, float]
    ) -> None:
        """`intervals` are seconds, by kind."""
        super().__init__(clock, min(intervals.values()))
        self.flushes = flushes
        self.journal = journal
        self._intervals = intervals
        self._due = dict.fromkeys(intervals, 0.0)
        self._seconds = clock.seconds
        self.read_to: Callable[[], int] = lambda: journal.last
        """The last record that nobody else who reads the journal needs any more."""

    def change_intervals(self, intervals: Mapping[str, float]) -> None:
        """Write each kind so often from now on, at once the first time."""
        self._intervals = intervals
        self._due = dict.fromkeys(intervals, 0.0)
        self.change_interval(min(intervals.values()))

    @property
    def healthy(self) -> dict[str, bool]:
        """Whether each kind of store was written to without trouble the last time."""
        return {flush.kind: flush.healthy for flush in self.flushes}

    def publish_to(self, publish: Publish) -> None:
        """Have batches published, and whether stores take them."""
        for flush in self.flushes:
            flush.publish = publish

    def waiting(self) -> dict[str, int]:
        """How many announces wait to be written, by kind of store."""
        return {flush.kind: flush.waiting for flush in self.flushes}

    def startService(self) -> Deferred[None]:  # type: ignore[override]  # noqa: N802 - Twisted's name; it takes a while
        """Write what an earlier process left in the journal, before anybody is answered; then begin."""
        return ensureDeferred(self._start())

    async def _start(self) -> None:
        owed = max(self.waiting().values())
        await self.flush()
        for flush in self.flushes:
            if not flush.healthy:
                raise StoreError(
                    f"the {flush.kind} store does not take what the journal holds for it ({flush.waiting} announces): "
                    "see the line before this, and start again; nothing is lost"
                )
        if owed:
            self.log.info("{owed} announces that the last stop left in the journal are in the stores", owed=owed)
        super().startService()

    async def work(self) -> None:
        """Flush the kinds that are due; all of them while the disk is full, so that what the journal takes is freed."""
        now = self._seconds()
        due = [
            flush
            for flush in self.flushes
            if flush.retry_at <= now and (self._due[flush.kind] <= now or self.journal.trouble)
        ]
        for flush in due:
            self._due[flush.kind] = now + self._intervals[flush.kind]
            if not flush.running:  # nobody waits for it: a store that hangs must not keep the others from being written
                ensureDeferred(self._run([flush])).addErrback(
                    lambda failure: self.log.failure("the journal could not be let go of", failure)
                )

    async def flush(self) -> int:
        """Write all that waits now, due or not; answer how many rows were written."""
        return await self._run(self.flushes)

    def settle(self, kind: str) -> Deferred[None]:
        """Write all that waits for one kind; fails with `StoreError` if its store does not take it."""
        flush = next((flush for flush in self.flushes if flush.kind == kind), None)
        return succeed(None) if flush is None else ensureDeferred(self._settle(flush))

    async def _settle(self, flush: Flush[Any]) -> None:
        end = self.journal.last
        await flush.run()
        if flush.reached < end:
            raise StoreError(f"The {flush.kind} store cannot be written to.")

    async def _run(self, flushes: Sequence[Flush[Any]]) -> int:
        written = await gatherResults([ensureDeferred(flush.run()) for flush in flushes])
        self.journal.release(min(self.read_to(), *(flush.reached for flush in self.flushes)))
        return sum(written)

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Write the last batch and say how much it was."""
        return super().stopService().addCallback(lambda _: ensureDeferred(self._flush_last()))

    async def _flush_last(self) -> None:
        written = await self.flush()
        left = {kind: waiting for kind, waiting in self.waiting().items() if waiting}
        if left and self.journal.directory is None:
            self.log.critical("stopped with announces that no store took: {left}", left=left)
        elif left:
            self.log.error("the journal keeps announces for the next start, as no store took them: {left}", left=left)
        self.log.info("last batch written: {written} rows", written=written)


class Syncer(Periodic):
    """Forces the journal to the disk, so that a power cut loses no more than `interval`, and makes room ahead."""

    def __init__(self, journal: Journal, reactor: Any, interval: float) -> None:
        super().__init__(reactor, interval)
        self.journal = journal
        self._reactor = reactor
        self._trouble = ""
        self._synced_at = reactor.seconds()

    def unsynced(self) -> float:
        """Return for how many seconds the journal has records that were not forced to the disk; 0 without any."""
        return max(0.0, self._reactor.seconds() - self._synced_at) if self.journal.has_unsynced() else 0.0

    async def work(self) -> None:
        """Do both in a thread: they wait for the disk."""
        wanted = self.journal.wanted()
        begun = self._reactor.seconds()
        segments = self.journal.unsynced()
        if not segments:
            self._synced_at = begun
        else:
            try:
                await self._in_thread(sync, segments)
            except OSError as problem:
                self._say(problem.strerror or str(problem))
            else:
                self._say("")
                self._synced_at = begun
            finally:
                self.journal.synced()
        if wanted is not None and self.journal.directory is not None:
            self.journal.made(await self._in_thread(try_to_make, self.journal.directory, wanted))

    def _say(self, trouble: str) -> None:
        """Log once when the disk fails, and once when it does not any more."""
        if trouble and not self._trouble:
            self.log.critical("the journal cannot be forced to the disk: {trouble}", trouble=trouble)
        elif self._trouble and not trouble:
            self.log.info("the journal is forced to the disk again")
        self._trouble = trouble

    def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *args, **kwargs)
