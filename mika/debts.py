"""Who owes seed time is looked at now and then: who has paid, and who is late, is noted in the store and published.

`tap.py` starts it. What members and staff are shown is worked out when they ask, and never waits for this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from mika.config import HitAndRun
from mika.directory import Directory
from mika.errors import NotFoundError, StoreError
from mika.events import Publish, unheard
from mika.interfaces import IHistoryStore
from mika.jobs import Periodic
from mika.ledger.debts import Terms, debt_event, debt_of
from mika.model import Debt, History

PAGE = 1000

_STATES = {Debt.OWING: "owing", Debt.OVERDUE: "hit_and_run", Debt.PAID: "satisfied"}


def terms_of(section: HitAndRun) -> Terms:
    """Return what is owed by the configuration."""
    return Terms(int(section.seed_time), section.ratio, int(section.deadline))


class Debts(Periodic):
    """Looks at every debt each `[hit_and_run] interval`."""

    def __init__(self, directory: Directory, clock: IReactorTime, section: Callable[[], HitAndRun]) -> None:
        """`section` is asked for what is in force."""
        super().__init__(clock, section().interval)
        self.publish: Publish = unheard
        self._directory = directory
        self._section = section

    async def work(self) -> None:
        """Look once, if the site wants that and the store keeps it."""
        store: Any = self._directory.user_store
        section = self._section()
        if not section.enabled or not IHistoryStore.providedBy(store):
            return
        try:
            await self._directory.settle("history")
            after = (0, b"")
            while page := await store.debts(after, PAGE):
                changed = [each for row in page if (each := await self._judged(row, terms_of(section))) is not None]
                if changed:
                    await store.save_debts(changed)
                for user_id, info_hash, debt in changed:
                    self.publish("user", debt_event(user_id, info_hash, _STATES[debt]))
                after = page[-1].user_id, page[-1].info_hash
        except StoreError as problem:
            self.log.debug("debts cannot be looked at yet: {problem}", problem=problem)

    async def _judged(self, row: History, terms: Terms) -> tuple[int, bytes, Debt] | None:
        """Return the debt that a row has now, None if that is the one it had."""
        debt = debt_of(row, terms, self._directory.now())
        if debt is row.debt:
            return None
        if debt is Debt.OVERDUE and not await self._is_there(row.info_hash):
            debt = Debt.PAID  # nobody can seed a torrent that was deleted
        return row.user_id, row.info_hash, debt

    async def _is_there(self, info_hash: bytes) -> bool:
        try:
            await self._directory.torrent(info_hash)
        except NotFoundError:
            return False
        return True
