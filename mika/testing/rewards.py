"""What a users store that offers freeleech tokens or a bonus ledger must do, as tests; others skip them."""
# ruff: noqa: PT009, PT027 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from twisted.internet.defer import DeferredList, gatherResults
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyObject

from mika.errors import ConflictError, NotFoundError
from mika.interfaces import IBonusStore, IFreeleechStore, UserBatch
from mika.model import INT64_MAX, BonusEntry, Totals
from mika.testing.contract import Contract
from mika.testing.subjects import make_user, user_facts

ONE, OTHER = b"\1" * 20, b"\xfe" * 20
ANY = INT64_MAX
"""As `before`: from the latest entry on."""


def make_entry(user_id: int, amount: int, **facts: Any) -> BonusEntry:
    """Return an entry, not numbered yet."""
    defaults: dict[str, Any] = {"id": 0, "user_id": user_id, "amount": amount, "reason": "", "created_at": 1}
    return BonusEntry(**(defaults | facts))


class RewardsContract(Contract):
    """What `IFreeleechStore` and `IBonusStore` say."""

    def needs(self, interface: InterfaceClass) -> None:
        """Skip the test if the store does not offer this."""
        if not interface.providedBy(self.store):
            self.skipTest(f"it does not provide {interface.__name__}")
        verifyObject(interface, self.store)

    async def test_token_comes_with_its_user(self) -> None:
        """By passkey, by id and in a list; one that is given again is changed; others have none."""
        self.needs(IFreeleechStore)
        user, other = await self.store.add_users([make_user(), make_user(passkey="passkey-1")])
        await self.store.save_freeleech(user.id, ONE, 2**40)
        await self.store.save_freeleech(user.id, OTHER, 7)
        await self.store.save_freeleech(user.id, OTHER, 8)
        tokens = {ONE: 2**40, OTHER: 8}
        for found in (
            await self.store.user_by_passkey(user.passkey),
            await self.store.user_by_id(user.id),
            (await self.store.list_users(user.id - 1, 1))[0],
        ):
            self.assertEqual(found.freeleech, tokens)
        self.assertEqual([each.freeleech for each in await self.store.list_users(user.id, 9)], [{}])
        self.assertEqual((await self.store.user_by_id(other.id)).freeleech, {})

    async def test_token_is_taken_away(self) -> None:
        """Whoever asks hears whether there was one."""
        self.needs(IFreeleechStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.save_freeleech(user.id, ONE, 7)
        await self.store.save_freeleech(user.id, OTHER, 9)
        self.assertEqual([await self.store.delete_freeleech(user.id, ONE) for _ in range(2)], [True, False])
        self.assertFalse(await self.store.delete_freeleech(12345, OTHER))
        self.assertEqual((await self.store.user_by_id(user.id)).freeleech, {OTHER: 9})

    async def test_save_user_leaves_tokens(self) -> None:
        """What is said of a user does not touch them, and batches do not either."""
        self.needs(IFreeleechStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.save_freeleech(user.id, ONE, 7)
        await self.store.save_user(make_user(id=user.id, name="new", freeleech={OTHER: 1}), Totals(bonus=4))
        await self.store.apply_users(UserBatch(self.mark(), [(user.id, Totals(bonus=1))]))
        self.assertEqual((await self.store.user_by_id(user.id)).freeleech, {ONE: 7})

    async def test_tokens_end_with_their_user(self) -> None:
        """Nobody who is given the id later has them; for nobody none is kept."""
        self.needs(IFreeleechStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.save_freeleech(user.id, ONE, 7)
        await self.store.delete_user(user.id)
        await self.store.save_freeleech(user.id, OTHER, 7)
        await self.store.save_freeleech(4711, OTHER, 7)
        added = await self.store.add_users([make_user(id=user.id), make_user(id=4711, passkey="passkey-1")])
        self.assertEqual([(await self.store.user_by_id(each.id)).freeleech for each in added], [{}, {}])

    async def test_tokens_given_by_others_are_told(self) -> None:
        """As a change of their user, when one is given, changed or taken away elsewhere."""
        self.needs(IFreeleechStore)
        (user,) = await self.store.add_users([make_user(updated_at=int(time.time()) - 1000)])
        _, heard = await self.listening()
        for change in (
            lambda: self.store.save_freeleech(user.id, ONE, 7),
            lambda: self.store.save_freeleech(user.id, ONE, 8),
            lambda: self.store.delete_freeleech(user.id, ONE),
        ):
            await self.later(1.1 if heard else 0)  # what changes twice in one second may be told once
            del heard[:]
            await change()
            await self.told(heard, "user", user.id)

    async def test_entry_changes_the_bonus_and_is_kept(self) -> None:
        """Exactly, to the end of what fits; each knows the balance after it, and the latest comes first."""
        self.needs(IBonusStore)
        user, other = await self.store.add_users(
            [make_user(totals=Totals(1, bonus=INT64_MAX - 10), updated_at=5), make_user(passkey="passkey-1")]
        )
        amounts = (-(INT64_MAX - 10), 2**53 + 1, 7, -8)
        for at, amount in enumerate(amounts):
            key = f"k {at}" if at % 2 else None
            entry = make_entry(user.id, amount, reason=f"Zoë {at}", created_at=4 + at, key=key)
            added, new = await self.store.add_bonus_entry(entry)
            self.assertEqual((new, added), (True, replace(entry, id=added.id, balance=added.balance)))
        await self.store.add_bonus_entry(make_entry(other.id, 3))
        found = await self.store.bonus_entries(user.id, ANY, 10)
        self.assertEqual([each.amount for each in found], list(reversed(amounts)))
        self.assertEqual([each.balance for each in found], [2**53, 2**53 + 8, 2**53 + 1, 0])
        self.assertEqual([each.reason for each in found], ["Zoë 3", "Zoë 2", "Zoë 1", "Zoë 0"])
        ids = [each.id for each in found]
        self.assertEqual(ids, sorted(set(ids), reverse=True))
        self.assertEqual(await self.store.bonus_entries(user.id, ids[0], 2), found[1:3])
        self.assertEqual(await self.store.bonus_entries(user.id, ids[3], 2), [])
        stored = await self.store.user_by_id(user.id)
        self.assertEqual((stored.totals, stored.updated_at), (Totals(1, bonus=2**53), 7))

    async def test_bonus_never_goes_negative(self) -> None:
        """However many spend at once: as many as there is bonus for, and of the others nothing is kept."""
        self.needs(IBonusStore)
        (user,) = await self.store.add_users([make_user(totals=Totals(bonus=35))])
        results: Any = await DeferredList(
            [self.store.add_bonus_entry(make_entry(user.id, -10)) for _ in range(8)], consumeErrors=True
        )
        refused = [result.type for done, result in results if not done]
        self.assertEqual(refused, [ConflictError] * 5)
        self.assertEqual((await self.store.user_by_id(user.id)).totals.bonus, 5)
        balances = [each.balance for each in await self.store.bonus_entries(user.id, ANY, 99)]
        self.assertEqual(balances, [5, 15, 25])

    async def test_entry_that_does_not_fit_is_refused(self) -> None:
        """More than can be kept, or of nobody; what is below zero by a correction may be made good."""
        self.needs(IBonusStore)
        (user,) = await self.store.add_users([make_user(totals=Totals(bonus=-5))])
        await self.conflict(self.store.add_bonus_entry(make_entry(user.id, -1)))
        added, _ = await self.store.add_bonus_entry(make_entry(user.id, 4))
        self.assertEqual(added.balance, -1)
        await self.store.add_bonus_entry(make_entry(user.id, INT64_MAX))
        await self.conflict(self.store.add_bonus_entry(make_entry(user.id, 2)))
        self.assertEqual((await self.store.user_by_id(user.id)).totals.bonus, INT64_MAX - 1)
        with self.assertRaises(NotFoundError):
            await self.store.add_bonus_entry(make_entry(4711, 5))
        self.assertEqual(await self.store.bonus_entries(4711, ANY, 9), [])

    async def test_entry_with_a_key_counts_once(self) -> None:
        """Whoever lost the answer sends it again, also at once; the key of another user is another one."""
        self.needs(IBonusStore)
        user, other = await self.store.add_users([make_user(totals=Totals(bonus=9)), make_user(passkey="passkey-1")])
        entry = make_entry(user.id, -6, reason="invitation", key="é order-7")
        answers = await gatherResults([self.store.add_bonus_entry(entry) for _ in range(4)])
        self.assertEqual(sorted(new for _, new in answers), [False, False, False, True])
        self.assertEqual(len({each for each, _ in answers}), 1)
        _, new = await self.store.add_bonus_entry(make_entry(other.id, 6, key=entry.key))
        self.assertTrue(new)
        self.assertEqual((await self.store.user_by_id(user.id)).totals.bonus, 3)
        self.assertEqual(len(await self.store.bonus_entries(user.id, ANY, 9)), 1)

    async def test_entries_and_batches_add_up(self) -> None:
        """What announces earn while others spend is all there."""
        self.needs(IBonusStore)
        (user,) = await self.store.add_users([make_user(totals=Totals(bonus=100))])
        for _ in range(5):
            await gatherResults(
                [
                    self.store.apply_users(UserBatch(self.mark(), [(user.id, Totals(bonus=7))])),
                    self.store.add_bonus_entry(make_entry(user.id, -11)),
                ]
            )
        self.assertEqual((await self.store.user_by_id(user.id)).totals.bonus, 100 + 5 * 7 - 5 * 11)

    async def test_entries_end_with_their_user(self) -> None:
        """Who is given the id later begins with none, and may use each key."""
        self.needs(IBonusStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.add_bonus_entry(make_entry(user.id, 5, key="a"))
        await self.store.delete_user(user.id)
        self.assertEqual(await self.store.bonus_entries(user.id, ANY, 9), [])
        await self.store.add_users([make_user(id=user.id)])
        added, new = await self.store.add_bonus_entry(make_entry(user.id, 2, key="a"))
        self.assertEqual((added.balance, new), (2, True))

    async def test_rewards_outlive_a_restart(self) -> None:
        """Tokens, entries and their numbers."""
        self.needs(IFreeleechStore)
        self.needs(IBonusStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.save_freeleech(user.id, ONE, 7)
        first, _ = await self.store.add_bonus_entry(make_entry(user.id, 5))
        facts = user_facts(await self.store.user_by_id(user.id))
        await self.restart()
        self.assertEqual(user_facts(await self.store.user_by_id(user.id)), facts)
        second, _ = await self.store.add_bonus_entry(make_entry(user.id, 5))
        self.assertGreater(second.id, first.id)
        self.assertEqual(await self.store.bonus_entries(user.id, ANY, 9), [second, first])
