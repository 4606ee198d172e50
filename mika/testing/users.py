"""What a users store must do, as tests."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

import time

from twisted.internet.defer import gatherResults
from zope.interface.verify import verifyObject

from mika.interfaces import IUserStore, Mark, UserBatch
from mika.model import DEFAULT_ROLE, INT64_MAX, Role, Totals
from mika.testing.saved_users import SavedUsersContract
from mika.testing.subjects import make_user, user_facts


class UserStoreContract(SavedUsersContract):
    """What `IUserStore` says, and what a users store may offer beside."""

    async def test_provides_user_store(self) -> None:
        """All methods of the interface are there."""
        verifyObject(IUserStore, self.store)

    async def test_add_users_numbers_those_without_id(self) -> None:
        """Users come back in the order given, with ids of their own, around an id that one of them brought."""
        new = [make_user(passkey=f"passkey-{index}", id=id_) for index, id_ in enumerate((0, 1, 0, 77))]
        added = await self.store.add_users(new)
        self.assertEqual([user.passkey for user in added], [f"passkey-{index}" for index in range(4)])
        self.assertEqual([added[1].id, added[3].id], [1, 77])
        self.assertEqual(len({user.id for user in added} - {0}), 4)
        for user in added:
            self.assertEqual((await self.store.user_by_id(user.id)).passkey, user.passkey)

    async def test_user_is_found_with_everything(self) -> None:
        """By passkey and by id comes what was put in, and what is written is what is stored."""
        totals = Totals(1, 2, 3, 4, -5, 6, INT64_MAX, 8)
        new = make_user(
            name="Zoë",
            role=7,
            enabled=False,
            download_enabled=False,
            upload_enabled=False,
            multiplier_up=1500,
            multiplier_down=0,
            remote_id="site-9",
            created_at=11,
            updated_at=2**40,
            totals=totals,
        )
        (user,) = await self.store.add_users([new])
        for found in (await self.store.user_by_passkey(user.passkey), await self.store.user_by_id(user.id)):
            self.assertIsNot(found, user)
            self.assertEqual(user_facts(found), user_facts(user))
            self.assertEqual((found.totals, found.written), (totals, totals))
            self.assertIsNot(found.totals, found.written)

    async def test_absent_user_is_none(self) -> None:
        """Nobody has an unknown passkey, one of another case, or an id that no column holds."""
        await self.store.add_users([make_user(passkey="abcdefgh")])
        self.assertIsNone(await self.store.user_by_passkey("ABCDEFGH"))
        self.assertIsNone(await self.store.user_by_id(12345))
        self.assertIsNone(await self.store.user_by_id(10**30))
        self.assertFalse(await self.store.delete_user(10**30))

    async def test_kept_user_is_a_copy(self) -> None:
        """What the caller does to its users later does not change what is kept."""
        user = make_user()
        await self.store.add_users([user])
        user.name = "changed"
        user.totals.uploaded += 5
        found = await self.store.user_by_id(user.id)
        self.assertEqual((found.name, found.totals.uploaded), ("member", 0))

    async def test_users_are_listed_in_pages(self) -> None:
        """Pages follow one another in order of id."""
        added = await self.store.add_users([make_user(passkey=f"passkey-{index}") for index in range(5)])
        ids = sorted(user.id for user in added)
        first = await self.store.list_users(0, 3)
        rest = await self.store.list_users(first[-1].id, 3)
        self.assertEqual([user.id for user in first + rest], ids)
        self.assertEqual(await self.store.list_users(10**30, 3), [])

    async def test_taken_user_is_named_by_index_and_nothing_is_added(self) -> None:
        """A taken id or passkey, in the store or earlier in the list, refuses the whole list."""
        await self.store.add_users([make_user(id=5, passkey="passkey-5")])
        fresh = make_user(passkey="fresh-passkey")
        for clash in (make_user(id=5, passkey="passkey-6"), make_user(passkey="passkey-5")):
            self.assertEqual(await self.conflict(self.store.add_users([fresh, clash])), 1)
        twins = [make_user(id=8, passkey="passkey-8"), fresh, make_user(id=8, passkey="passkey-9")]
        self.assertEqual(await self.conflict(self.store.add_users(twins)), 2)
        twins = [fresh, make_user(passkey="passkey-8"), make_user(passkey="passkey-8")]
        self.assertEqual(await self.conflict(self.store.add_users(twins)), 2)
        self.assertEqual(len(await self.store.list_users(0, 10)), 1)
        self.assertEqual(fresh.id, 0)

    async def test_deleted_user_is_gone_and_the_id_is_not_given_again(self) -> None:
        """Nobody inherits the id, and with it the completions, of who is gone."""
        (user,) = await self.store.add_users([make_user()])
        self.assertTrue(await self.store.delete_user(user.id))
        self.assertFalse(await self.store.delete_user(user.id))
        self.assertIsNone(await self.store.user_by_passkey(user.passkey))
        (again,) = await self.store.add_users([make_user()])
        self.assertGreater(again.id, user.id)

    async def test_default_role_is_there_from_the_start(self) -> None:
        """A new store has the default role, and keeps it."""
        self.assertEqual(await self.store.list_roles(), [Role(DEFAULT_ROLE, "member")])
        await self.conflict(self.store.delete_role(DEFAULT_ROLE))
        self.assertEqual(await self.store.list_roles(), [Role(DEFAULT_ROLE, "member")])

    async def test_roles_are_added_replaced_and_deleted(self) -> None:
        """A role's id is not given again: users may still have the role that is gone."""
        vip = await self.store.save_role(Role(0, "vip", 5, 2000, 500, False, False, 3, 9))
        self.assertEqual(await self.store.list_roles(), [Role(DEFAULT_ROLE, "member"), vip])
        await self.store.save_role(Role(vip.id, "star"))
        await self.store.save_role(Role(DEFAULT_ROLE, "everybody"))
        self.assertEqual(await self.store.list_roles(), [Role(DEFAULT_ROLE, "everybody"), Role(vip.id, "star")])
        (user,) = await self.store.add_users([make_user(role=vip.id)])
        self.assertTrue(await self.store.delete_role(vip.id))
        self.assertFalse(await self.store.delete_role(vip.id))
        self.assertEqual((await self.store.user_by_id(user.id)).role, vip.id)
        self.assertNotEqual((await self.store.save_role(Role(0, "new"))).id, vip.id)

    async def test_growth_adds_to_users(self) -> None:
        """Every figure grows, a correction shrinks it, and a user who is gone is skipped and not made."""
        one, two = await self.store.add_users(
            [make_user(totals=Totals(uploaded=2**62)), make_user(passkey="passkey-2")]
        )
        growth = Totals(1, 2, 3, 4, 5, 6, 7, 8)
        await self.store.apply_users(UserBatch(Mark("a", 1), [(one.id, growth), (two.id, growth), (999, growth)]))
        await self.store.apply_users(UserBatch(self.mark(), [(one.id, Totals(bonus=-15))]))
        self.assertEqual((await self.store.user_by_id(one.id)).totals, Totals(2**62 + 1, 2, 3, 4, -10, 6, 7, 8))
        self.assertEqual((await self.store.user_by_id(two.id)).totals, growth)
        self.assertIsNone(await self.store.user_by_id(999))

    async def test_total_below_zero_grows(self) -> None:
        """A correction may leave a total below zero; what comes then is added like anything else."""
        (user,) = await self.store.add_users([make_user(totals=Totals(bonus=-15))])
        await self.store.apply_users(UserBatch(self.mark(), [(user.id, Totals(bonus=5))]))
        self.assertEqual((await self.store.user_by_id(user.id)).totals, Totals(bonus=-10))
        await self.store.apply_users(UserBatch(self.mark(), [(user.id, Totals(bonus=INT64_MAX))]))
        self.assertEqual((await self.store.user_by_id(user.id)).totals, Totals(bonus=INT64_MAX - 10))

    async def test_users_mark(self) -> None:
        """Each instance has a number of its own."""
        self.assertEqual(await self.store.last_number("users", "a"), 0)
        for mark in (Mark("a", 7), Mark("b", 2), Mark("a", 2**40, 7)):
            await self.store.apply_users(UserBatch(mark, []))
        self.assertEqual(await self.store.last_number("users", "a"), 2**40)
        self.assertEqual(await self.store.last_number("users", "b"), 2)
        self.assertEqual(await self.store.last_number("peers", "a"), 0)

    async def test_users_batch_out_of_step_is_refused_whole(self) -> None:
        """A batch that comes twice, late, or after one that is missing, adds nothing; then the right one does."""
        (user,) = await self.store.add_users([make_user()])
        growth = [(user.id, Totals(uploaded=1))]
        await self.store.apply_users(UserBatch(Mark("a", 7), growth))
        for mark in (Mark("a", 7), Mark("a", 9), Mark("a", 9, 6), Mark("a", 9, 8), Mark("b", 9, 7)):
            await self.out_of_step(self.store.apply_users(UserBatch(mark, growth)))
        self.assertEqual((await self.store.user_by_id(user.id)).totals, Totals(uploaded=1))
        self.assertEqual(await self.store.last_number("users", "a"), 7)
        self.assertEqual(await self.store.last_number("users", "b"), 0)
        await self.store.apply_users(UserBatch(Mark("a", 9, 7), growth))
        self.assertEqual((await self.store.user_by_id(user.id)).totals, Totals(uploaded=2))

    async def test_user_totals_stop_at_the_largest(self) -> None:
        """A client that lies beyond all bounds does not hold up the batches of the others."""
        totals = Totals(uploaded=INT64_MAX - 5, downloaded=7)
        (user,) = await self.store.add_users([make_user(totals=totals)])
        for growth in (Totals(uploaded=5), Totals(uploaded=1), Totals(uploaded=INT64_MAX, downloaded=INT64_MAX)):
            await self.store.apply_users(UserBatch(self.mark(), [(user.id, growth)]))
        found = await self.store.user_by_id(user.id)
        self.assertEqual(found.totals, Totals(uploaded=INT64_MAX, downloaded=INT64_MAX))

    async def test_large_batch_of_users(self) -> None:
        """Ten thousand rows in one batch, each grown once, none forgotten."""
        new = [make_user(id=number, passkey=f"passkey-{number}") for number in range(1, 10_001)]
        await self.store.add_users(new)
        growth = [(user.id, Totals(uploaded=user.id, announces=1)) for user in new]
        await self.store.apply_users(UserBatch(self.mark(), growth))
        found = await self.store.list_users(0, 20_000)
        self.assertEqual([user.totals for user in found], [totals for _, totals in growth])

    async def test_names_are_kept_to_the_letter(self) -> None:
        """Whatever is in them: other scripts, quotes, signs that mean something to SQL, JSON or Redis, or nothing."""
        names = ("Zoë 😀 中文", 'O\'Neil "x" \\ % _ ? :x {y} $1', "line\nbreak\ttab", " spaces ", "")
        new = [make_user(passkey=f"passkey-{at}", name=name, remote_id=name) for at, name in enumerate(names)]
        added = await self.store.add_users(new)
        for user in added:
            found = await self.store.user_by_id(user.id)
            self.assertEqual((found.name, found.remote_id), (user.name, user.remote_id))
            await self.store.save_user(user)
        self.assertEqual([user.name for user in await self.store.list_users(0, 10)], list(names))
        role = await self.store.save_role(Role(0, names[0]))
        self.assertEqual((await self.store.list_roles())[-1], role)

    async def test_ids_that_a_site_brings(self) -> None:
        """Up to where the integers of JavaScript end; growth finds them, and new ids are none of them."""
        large = 2**53 - 2
        await self.store.add_users([make_user(id=large - 1), make_user(id=large, passkey="passkey-1")])
        await self.store.apply_users(UserBatch(self.mark(), [(large, Totals(uploaded=5))]))
        self.assertEqual([user.id for user in await self.store.list_users(large - 2, 10)], [large - 1, large])
        self.assertEqual((await self.store.user_by_id(large)).totals.uploaded, 5)
        self.assertEqual((await self.store.user_by_id(large - 1)).totals.uploaded, 0)
        (new,) = await self.store.add_users([make_user(passkey="passkey-2")])
        self.assertNotIn(new.id, (0, large - 1, large))
        self.assertTrue(await self.store.delete_user(large))
        self.assertIsNone(await self.store.user_by_id(large))

    async def test_pages_of_users_end(self) -> None:
        """Page after page of one comes to an end, and past it there is nothing; nothing can be added, too."""
        self.assertEqual(await self.store.list_users(0, 10), [])
        self.assertEqual(await self.store.add_users([]), [])
        added = await self.store.add_users([make_user(passkey=f"passkey-{index}") for index in range(3)])
        seen, after = [], 0
        while page := await self.store.list_users(after, 1):
            seen += page
            after = page[-1].id
        self.assertEqual([user.id for user in seen], sorted(user.id for user in added))
        self.assertEqual(await self.store.list_users(after, 1000), [])

    async def test_users_are_added_at_the_same_time(self) -> None:
        """Calls that do not wait for one another all succeed, and no id is given twice."""
        calls = [self.store.add_users([make_user(passkey=f"passkey-{index}")]) for index in range(20)]
        reads = [self.store.list_roles() for _ in range(20)]
        added = [users[0] for users in await gatherResults(calls)]
        await gatherResults(reads)
        self.assertEqual(len({user.id for user in added}), 20)
        for user in added:
            self.assertEqual((await self.store.user_by_passkey(user.passkey)).id, user.id)

    async def test_same_batch_of_users_at_the_same_time(self) -> None:
        """However calls cross, a batch is written once."""
        (user,) = await self.store.add_users([make_user()])
        for batch in (UserBatch(self.mark(), [(user.id, Totals(uploaded=1))]) for _ in range(3)):
            await self.written_once(lambda batch=batch: self.store.apply_users(batch))  # type: ignore[misc]
        self.assertEqual((await self.store.user_by_id(user.id)).totals, Totals(uploaded=3))

    async def test_users_are_written_as_they_were_at_the_call(self) -> None:
        """Totals and users go on changing while they are written."""
        user, totals = make_user(), Totals(uploaded=1)
        added = self.store.add_users([user])
        user.name = "changed"
        await added
        await self.store.save_user(make_user(id=user.id, name="saved"))
        batch = UserBatch(self.mark(), [(user.id, totals)])
        written = self.store.apply_users(batch)
        totals.uploaded += 100
        batch.growth.clear()
        await written
        saved = self.store.save_user(user, totals)
        user.name = "changed again"
        totals.uploaded += 100
        await saved
        found = await self.store.user_by_id(user.id)
        self.assertEqual((found.name, found.totals.uploaded), ("changed", 102))

    async def test_close_waits_for_users(self) -> None:
        """What was asked for before `close` is done and answered before it, and is there afterwards."""
        (user,) = await self.store.add_users([make_user()])
        answers: list[str] = []
        batch = self.store.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(uploaded=5))]))
        batch.addCallback(lambda _: answers.append("batch"))
        read = self.store.user_by_id(user.id)
        read.addCallback(lambda _: answers.append("read"))
        await self.store.close()
        self.assertEqual(sorted(answers), ["batch", "read"])
        await self.restart()
        self.assertEqual((await self.store.user_by_id(user.id)).totals.uploaded, 5)
        self.assertEqual(await self.store.last_number("users", "a"), 1)

    async def test_users_changed_by_others_are_told(self) -> None:
        """A user who is disabled elsewhere is refused soon; so it is with roles. After `close` nothing is told."""
        now = int(time.time())  # as the API sets it: where stores are asked what changed, that is what they go by
        (user,) = await self.store.add_users([make_user(updated_at=now)])
        other, heard = await self.listening()
        await self.store.save_user(make_user(id=user.id, enabled=False, updated_at=now + 2))
        await self.told(heard, "user", user.id)
        await self.store.save_role(Role(0, "vip"))
        await self.told(heard, "role", None)
        many = await self.store.add_users([make_user(passkey=f"many-{at}", updated_at=now) for at in range(20)])
        await self.later(1.1)  # what changes twice in one second may be told once
        del heard[:]
        changed = [make_user(id=each.id, passkey=each.passkey, enabled=False, updated_at=now + 3) for each in many]
        await self.store.save_users([(each, Totals(uploaded=1)) for each in changed])
        for each in many:
            await self.told(heard, "user", each.id)
        await other.close()
        del heard[:]
        await self.store.save_user(make_user(id=user.id, updated_at=now + 3))
        await self.later(self.hears or 0)
        self.assertEqual(heard, [])

    async def test_users_outlive_a_restart(self) -> None:
        """Accounts, roles and marks are there after a restart, and ids go on."""
        (user,) = await self.store.add_users([make_user()])
        await self.store.save_role(Role(0, "vip"))
        await self.store.apply_users(UserBatch(Mark("a", 3), [(user.id, Totals(uploaded=5))]))
        await self.store.delete_user((await self.store.add_users([make_user(passkey="passkey-2")]))[0].id)
        await self.restart()
        found = await self.store.user_by_passkey(user.passkey)
        self.assertEqual((found.id, found.totals.uploaded), (user.id, 5))
        self.assertEqual([role.name for role in await self.store.list_roles()], ["member", "vip"])
        self.assertEqual(await self.store.last_number("users", "a"), 3)
        (third,) = await self.store.add_users([make_user(passkey="passkey-3")])
        self.assertEqual(third.id, user.id + 2)
