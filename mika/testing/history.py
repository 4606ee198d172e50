"""What a users store that keeps what each user did with each torrent must do, as tests; others skip them."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import gatherResults

from mika.interfaces import HistoryBatch, IHistoryStore, Mark
from mika.model import INT64_MAX, LEFT_UNKNOWN, Debt, History, Totals
from mika.testing.keys import KeyContract
from mika.testing.subjects import make_user

ONE, TWO, THREE = b"\1" * 20, b"\x20" * 20, b"\xff" * 20


def make_history(user_id: int, info_hash: bytes = ONE, totals: Totals | None = None, **facts: Any) -> History:
    """Return a row, or what one grew by."""
    return History(user_id, info_hash, totals or Totals(announces=1), **({"left": 0} | facts))


class HistoryContract(KeyContract):
    """What `IHistoryStore` says."""

    async def grow(self, *rows: History) -> None:
        """Apply a batch with these."""
        growth = sorted(rows, key=lambda row: (row.user_id, row.info_hash))
        await self.store.apply_history(HistoryBatch(self.mark(), growth))

    async def test_history_is_added_up(self) -> None:
        """Totals grow; the last announce says what is left, the first when it began, and the first completion stays."""
        self.needs(IHistoryStore)
        first = make_history(1, ONE, Totals(1, 2, 3, 4, 5, 6, 7, 0), left=LEFT_UNKNOWN, first_seen=10, last_seen=20)
        other = make_history(2, ONE, Totals(uploaded=INT64_MAX), left=2**63, first_seen=2**31, last_seen=2**32)
        await self.grow(first, other)
        self.assertEqual(await self.store.history_of(1, b"", 9), [first])
        self.assertEqual(await self.store.history_of(2, b"", 9), [other])
        done = Totals(10, 20, 30, 40, 50, 60, 70, 1)
        await self.grow(
            make_history(1, ONE, done, left=0, first_seen=30, last_seen=30, completed_at=25, debt=Debt.OWING),
            make_history(2, ONE, Totals(uploaded=5, bonus=3), left=9, first_seen=30, last_seen=30),
        )
        await self.grow(make_history(1, ONE, Totals(announces=1), left=7, last_seen=40, completed_at=39))
        total = Totals(11, 22, 33, 44, 55, 66, 78, 1)
        expected = History(1, ONE, total, 7, 10, 40, 25, Debt.OWING)
        self.assertEqual(await self.store.history_of(1, b"", 9), [expected])
        expected = replace(other, totals=Totals(uploaded=INT64_MAX, bonus=3), left=9, last_seen=30)
        self.assertEqual(await self.store.history_of(2, b"", 9), [expected])

    async def test_history_comes_in_pages(self) -> None:
        """Of one user, in order of info hash."""
        self.needs(IHistoryStore)
        rows = [make_history(user_id, info_hash) for user_id in (1, 2, 10) for info_hash in (ONE, TWO, THREE)]
        await self.grow(*rows)
        self.assertEqual(await self.store.history_of(2, b"", 2), rows[3:5])
        self.assertEqual(await self.store.history_of(2, TWO, 2), rows[5:6])
        self.assertEqual(await self.store.history_of(2, THREE, 2), [])
        self.assertEqual(await self.store.history_of(10**30, b"", 2), [])

    async def test_history_is_written_once(self) -> None:
        """A batch that is written again, for whatever reason, is out of step; the number is one of its own."""
        self.needs(IHistoryStore)
        batch = HistoryBatch(Mark("a", 7), [make_history(1)])
        await self.written_once(lambda: self.store.apply_history(batch))
        self.assertEqual(await self.store.last_number("history", "a"), 7)
        self.assertEqual(await self.store.last_number("users", "a"), 0)
        await self.out_of_step(self.store.apply_history(HistoryBatch(Mark("a", 9, 6), [make_history(1)])))
        await self.store.apply_history(HistoryBatch(Mark("a", 9, 7), [make_history(1)]))
        self.assertEqual((await self.store.history_of(1, b"", 9))[0].totals, Totals(announces=2))

    async def test_history_of_two_trackers_at_once(self) -> None:
        """Adds up, in whatever order it comes."""
        self.needs(IHistoryStore)
        rows = [make_history(user_id, bytes([number]) * 20) for user_id in (1, 2) for number in range(1, 120)]
        await gatherResults(
            [
                self.store.apply_history(HistoryBatch(Mark(name, number, number - 1), rows))
                for name in ("a", "b")
                for number in (1,)
            ]
        )
        found = await self.store.history_of(2, b"", 999)
        self.assertEqual([row.totals.announces for row in found], [2] * 119)

    async def test_debts_are_listed_and_changed(self) -> None:
        """Those of whom something is owed, in order and in pages; a debt that was paid does not come back."""
        self.needs(IHistoryStore)
        owing: dict[str, Any] = {"completed_at": 5, "debt": Debt.OWING}
        rows = [make_history(user_id, info_hash, **owing) for user_id in (2, 10) for info_hash in (ONE, TWO)]
        await self.grow(*rows, make_history(3, ONE), make_history(10, THREE))
        self.assertEqual(await self.store.debts((0, b""), 3), rows[:3])
        self.assertEqual(await self.store.debts((10, ONE), 3), rows[3:])
        self.assertEqual(await self.store.debts((0, b""), 9, TWO), rows[1::2])
        self.assertEqual(await self.store.debts((0, b""), 1, TWO), rows[1:2])
        self.assertEqual(await self.store.debts((2, TWO), 9, TWO), rows[3:])
        self.assertEqual(await self.store.debts((0, b""), 9, THREE), [])
        await self.store.save_debts([(10, ONE, Debt.PAID), (2, TWO, Debt.OVERDUE), (99, ONE, Debt.PAID)])
        await self.grow(make_history(10, ONE, **owing))
        found = await self.store.debts((0, b""), 9)
        self.assertEqual(
            [(row.user_id, row.info_hash, row.debt) for row in found],
            [(2, ONE, Debt.OWING), (2, TWO, Debt.OVERDUE), (10, TWO, Debt.OWING)],
        )
        self.assertEqual((await self.store.history_of(10, b"", 1))[0].debt, Debt.PAID)
        self.assertEqual(await self.store.history_of(99, b"", 1), [])
        await self.store.save_debts([])

    async def test_history_ends_with_its_user(self) -> None:
        """Who is given the id later did nothing yet, and owes nothing."""
        self.needs(IHistoryStore)
        (user,) = await self.store.add_users([make_user()])
        row = make_history(user.id, debt=Debt.OWING, completed_at=1)
        await self.grow(row)
        await self.store.delete_user(user.id)
        self.assertEqual(await self.store.history_of(user.id, b"", 9), [])
        await self.grow(row)  # a batch that was under way
        await self.store.add_users([make_user(id=user.id)])
        self.assertEqual(await self.store.history_of(user.id, b"", 9), [])
        self.assertEqual(await self.store.debts((0, b""), 9), [])

    async def test_history_outlives_a_restart(self) -> None:
        """With its number."""
        self.needs(IHistoryStore)
        row = make_history(1, debt=Debt.OWING, completed_at=1)
        await self.store.apply_history(HistoryBatch(Mark("a", 3), [row]))
        await self.restart()
        self.assertEqual(await self.store.history_of(1, b"", 9), [row])
        self.assertEqual(await self.store.last_number("history", "a"), 3)
