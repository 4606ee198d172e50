"""A store follows the journal: records behind the number that it has become a batch, which it writes with their number.

`flush_kinds.py` has a class for each kind; `jobs.Flusher` runs them. Whatever fails, the store is asked how far it is
and goes on from there, so that a batch is never left out and never written twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from mika.changes import Changes
from mika.counts import Histogram
from mika.errors import StoreError
from mika.events import Publish, unheard
from mika.interfaces import IStore, Mark
from mika.journal import Journal
from mika.ledger.merge import HistoryGrowth, PeerKeys, TorrentGrowth, UserGrowth
from mika.ledger.order import in_order
from mika.ledger.record import FRAME
from mika.model import Totals

AT_ONCE = 2000
"""Records that are added up, or rows put in order, before the reactor may go on: some three milliseconds."""

FEW_ROWS = 10_000
"""Rows of a batch while little waits: in one transaction with more of them, others would wait longer for the store."""

BUSY = 8
"""Records that wait for each row that a batch may have beside: large transactions cost less, which counts then.

Where more records wait than there are rows in all, a batch may have every row: written once, and not once a batch.
"""

LONGEST_WAIT = 30.0
"""Seconds between two tries at a store that fails."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds by which the time that a batch takes is counted."""

K = TypeVar("K")
Merge = TypeVar("Merge", UserGrowth, TorrentGrowth, HistoryGrowth, PeerKeys)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rows a batch has at most, and the clock and the chance (0 to 1) by which a try is repeated."""

    clock: IReactorTime
    most: int
    random: Callable[[], float]


class Flush(ABC, Generic[Merge]):
    """One kind of store and how far it is: `reached` is the last record that it has, or that has nothing for it."""

    log = Logger()
    kind: str

    def __init__(self, store: IStore, journal: Journal, pace: Pace, changes: Changes) -> None:
        """Hold `changes` while a batch is written."""
        self.reached = 0
        self.healthy = True
        self.retry_at = 0.0
        self.publish: Publish = unheard
        self.batches = 0
        self.rows = 0
        self.failures = 0
        self.seconds = Histogram(SECONDS)
        self.grown = Totals()
        """What was added to all torrents together since the start, as far as this is the flush of torrents."""
        self._store = store
        self._journal = journal
        self._pace = pace
        self._most: int = min(pace.most, getattr(store, "most_rows", pace.most))
        self._changes = changes
        self._lock = DeferredLock()
        self._stored = 0  # the number that the store has
        self._merged: Merge = self.new_merge()
        self._merged_to = 0
        self._tried: list[int] = []  # numbers of batches of which we do not know what became, since `_stored`
        self._failures = 0  # since the last success

    # ---- what each kind does

    @abstractmethod
    def new_merge(self) -> Merge:
        """Return what adds up records for this kind, empty."""

    @abstractmethod
    def known(self) -> int:
        """Return about how many rows all records can be of."""

    @abstractmethod
    async def apply(self, mark: Mark, merged: Merge) -> None:
        """Write a batch."""

    @abstractmethod
    def confirm(self, merged: Merge) -> None:
        """Note that the store has this."""

    # ---- following

    async def begin(self) -> int:
        """Ask the store how far it is, and answer that."""
        self._stored = self.reached = self._merged_to = await self._store.last_number(self.kind, self._journal.instance)
        return self.reached

    @property
    def running(self) -> bool:
        """Whether something is being written."""
        return bool(self._lock.locked)

    @property
    def waiting(self) -> int:
        """How many records wait to be written."""
        return self._journal.last - self.reached

    async def run(self) -> int:
        """Write all that waits now; what comes meanwhile is the next run's. Answers how many rows were written.

        Never fails: trouble is logged once when it begins and once when it ends.
        """
        await self._lock.acquire()
        written = 0
        try:
            end = self._journal.last
            while self.reached < end:
                written += await self._write(end)
        except Exception as problem:  # noqa: BLE001 - an adapter's own fault must not end the flush of the other kinds
            self._fail(problem)
        else:
            self._recover()
        finally:
            self._lock.release()
        return written

    async def _write(self, end: int) -> int:
        """Write one batch; answer how many rows it had."""
        async with self._changes:
            if self._tried:
                await self._find_out()
            await self._merge(end, self._room())
            rows = len(self._merged)
            if rows:
                self._tried.append(self._merged_to)
                self._changes.in_doubt = True
                begun = self._pace.clock.seconds()
                await self.apply(Mark(self._journal.instance, self._merged_to, self._stored), self._merged)
                self._confirmed()
                took = self._pace.clock.seconds() - begun
                self.seconds.add(took)
            self.reached = self._merged_to
            if rows:
                fields = {"kind": self.kind, "rows": rows, "seconds": round(took, 6), "waiting": self.waiting}
                self.publish("flush", fields)
        return rows

    def _room(self) -> int:
        """Return how many rows the next batch may have."""
        waiting = self.waiting
        return self._most if waiting > self.known() else min(self._most, max(FEW_ROWS, waiting // BUSY))

    async def _merge(self, end: int, most: int | None) -> None:
        """Add up records until `end`, or until there are `most` rows; the reactor may run meanwhile."""
        breath = 0
        while self._merged_to < end:
            room = AT_ONCE if most is None else min(AT_ONCE, most - len(self._merged))
            if room <= 0:
                return
            number, frames = next(self._journal.read(self._merged_to, min(room, end - self._merged_to)), (end, b""))
            if number > end:  # numbers were left out before these, so that more of them came than were asked for
                number, frames = end, frames[: max(0, len(frames) - (number - end) * FRAME)]
            self._merged.add(frames)
            self._merged_to = number
            breath += room
            if breath >= AT_ONCE and self._merged_to < end:
                breath = 0
                await deferLater(self._pace.clock, 0)

    async def _in_order(self, keys: Iterable[K], part_of: Callable[[K], int]) -> AsyncIterator[list[K]]:
        """Yield the keys of a batch in order, in pieces; the reactor may run in between."""
        breath = 0
        for piece in in_order(keys, part_of, AT_ONCE):
            yield piece
            breath += len(piece) or AT_ONCE
            if breath >= AT_ONCE:
                breath = 0
                await deferLater(self._pace.clock, 0)

    async def _find_out(self) -> None:
        """Ask the store which of the batches that may have failed it has."""
        found = await self._store.last_number(self.kind, self._journal.instance)
        if found != self._stored:
            if found not in self._tried:
                raise StoreError(
                    f"somebody else writes to the {self.kind} store in the name of this tracker (it has the number "
                    f"{found}): two must not share a copy of one state directory"
                )
            if found != self._merged_to:  # an earlier one of several tries: what it held is added up again
                self._merged, self._merged_to = self.new_merge(), self._stored
                await self._merge(found, None)
            self._confirmed()
            self.reached = found

    def _confirmed(self) -> None:
        self.confirm(self._merged)
        self.batches += 1
        self.rows += len(self._merged)
        self._stored = self._merged_to
        self._merged = self.new_merge()
        self._tried.clear()
        self._changes.in_doubt = False

    # ---- trouble

    def _fail(self, problem: Exception) -> None:
        if self.healthy:
            write = self.log.error if isinstance(problem, StoreError) else self.log.failure
            write(
                "the {kind} store cannot be written to, {waiting} announces wait in the journal: {problem}",
                kind=self.kind,
                waiting=self.waiting,
                problem=problem,
            )
            self._publish_health(ok=False, problem=str(problem) if isinstance(problem, StoreError) else "see the log")
        self.healthy = False
        self.failures += 1
        self._failures += 1
        # Several trackers that wait for the same server must not all come back in the same moment.
        wait = min(LONGEST_WAIT, 2.0 ** min(self._failures, 10)) * (0.5 + self._pace.random() / 2)
        self.retry_at = self._pace.clock.seconds() + wait

    def _recover(self) -> None:
        if not self.healthy:
            self.log.info("the {kind} store is written to again", kind=self.kind)
            self._publish_health(ok=True)
        self.healthy = True
        self._failures = 0
        self.retry_at = 0.0

    def _publish_health(self, *, ok: bool, problem: str = "") -> None:
        self.publish("store", {"kind": self.kind, "ok": ok, "problem": problem, "waiting": self.waiting})
