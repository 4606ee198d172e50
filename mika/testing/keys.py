"""What a users store that keeps which keys a torrent are void must do, as tests; others skip them."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

import time

from twisted.internet.defer import gatherResults

from mika.interfaces import IKeyStore, UserBatch
from mika.model import Totals
from mika.testing.rewards import ONE, OTHER, RewardsContract
from mika.testing.subjects import make_user


class KeyContract(RewardsContract):
    """What `IKeyStore` says."""

    async def test_void_keys_come_with_their_user(self) -> None:
        """Each is counted, by user and torrent; by passkey, by id and in a list."""
        self.needs(IKeyStore)
        user, other = await self.store.add_users([make_user(), make_user(passkey="passkey-1")])
        self.assertEqual([await self.store.void_key(user.id, ONE) for _ in range(2)], [1, 2])
        self.assertEqual(await self.store.void_key(user.id, OTHER), 1)
        void = {ONE: 2, OTHER: 1}
        for found in (
            await self.store.user_by_passkey(user.passkey),
            await self.store.user_by_id(user.id),
            (await self.store.list_users(user.id - 1, 1))[0],
        ):
            self.assertEqual(dict(found.void_keys), void)
        self.assertEqual([dict(each.void_keys) for each in await self.store.list_users(user.id, 9)], [{}])
        self.assertEqual(dict((await self.store.user_by_id(other.id)).void_keys), {})

    async def test_keys_voided_at_once_all_count(self) -> None:
        """No two are answered the same."""
        self.needs(IKeyStore)
        (user,) = await self.store.add_users([make_user()])
        answers = await gatherResults([self.store.void_key(user.id, ONE) for _ in range(5)])
        self.assertEqual(sorted(answers), [1, 2, 3, 4, 5])
        self.assertEqual(dict((await self.store.user_by_id(user.id)).void_keys), {ONE: 5})

    async def test_save_user_leaves_void_keys(self) -> None:
        """What is said of a user does not touch them, and batches and tokens do not either."""
        self.needs(IKeyStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.void_key(user.id, ONE)
        await self.store.save_user(make_user(id=user.id, name="new", void_keys={OTHER: 1}), Totals(bonus=4))
        await self.store.apply_users(UserBatch(self.mark(), [(user.id, Totals(bonus=1))]))
        self.assertEqual(dict((await self.store.user_by_id(user.id)).void_keys), {ONE: 1})

    async def test_void_keys_end_with_their_user(self) -> None:
        """Nobody who is given the id later has them; of nobody none is void."""
        self.needs(IKeyStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.void_key(user.id, ONE)
        await self.store.delete_user(user.id)
        self.assertEqual([await self.store.void_key(each, OTHER) for each in (user.id, 4711, 2**70)], [0, 0, 0])
        added = await self.store.add_users([make_user(id=user.id), make_user(id=4711, passkey="passkey-1")])
        self.assertEqual([dict((await self.store.user_by_id(each.id)).void_keys) for each in added], [{}, {}])

    async def test_keys_voided_by_others_are_told(self) -> None:
        """As a change of their user."""
        self.needs(IKeyStore)
        (user,) = await self.store.add_users([make_user(updated_at=int(time.time()) - 1000)])
        _, heard = await self.listening()
        for _again in range(2):
            await self.later(1.1 if heard else 0)  # what changes twice in one second may be told once
            del heard[:]
            await self.store.void_key(user.id, ONE)
            await self.told(heard, "user", user.id)

    async def test_void_keys_outlive_a_restart(self) -> None:
        """They stay void."""
        self.needs(IKeyStore)
        (user,) = await self.store.add_users([make_user()])
        await self.store.void_key(user.id, ONE)
        await self.restart()
        self.assertEqual(dict((await self.store.user_by_id(user.id)).void_keys), {ONE: 1})
        self.assertEqual(await self.store.void_key(user.id, ONE), 2)
