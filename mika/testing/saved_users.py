"""How a users store saves users who were changed, one and many at once, as tests."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from mika.model import Totals
from mika.testing.subjects import make_user, user_facts
from mika.testing.suspicions import SuspicionContract


class SavedUsersContract(SuspicionContract):
    """What `IUserStore` says of `save_user` and `save_users`."""

    async def test_save_user_leaves_totals(self) -> None:
        """Everything but the totals is written, and the old passkey finds nobody any more."""
        (user,) = await self.store.add_users([make_user(totals=Totals(uploaded=9))])
        changed = make_user(id=user.id, passkey="another-passkey", name="new", totals=Totals(uploaded=1))
        await self.store.save_user(changed)
        found = await self.store.user_by_passkey("another-passkey")
        self.assertEqual(user_facts(found), user_facts(changed))
        self.assertEqual(found.totals, Totals(uploaded=9))
        self.assertIsNone(await self.store.user_by_passkey(user.passkey))

    async def test_save_user_adds_to_totals(self) -> None:
        """A correction by staff is written with the rest, and not at all where the rest is refused."""
        user, other = await self.store.add_users([make_user(totals=Totals(uploaded=9)), make_user(passkey="passkey-1")])
        await self.store.save_user(make_user(id=user.id, name="new"), Totals(uploaded=-4, bonus=7))
        clash = make_user(id=user.id, passkey=other.passkey)
        await self.conflict(self.store.save_user(clash, Totals(uploaded=100)))
        found = await self.store.user_by_id(user.id)
        self.assertEqual((found.name, found.totals), ("new", Totals(uploaded=5, bonus=7)))

    async def test_save_user_refuses_a_taken_passkey(self) -> None:
        """Another's passkey is a conflict; a user who is gone is not brought back."""
        one, two = await self.store.add_users([make_user(passkey="passkey-1"), make_user(passkey="passkey-2")])
        await self.conflict(self.store.save_user(make_user(id=one.id, passkey="passkey-2", name="new")))
        self.assertEqual((await self.store.user_by_id(one.id)).name, "member")
        await self.store.delete_user(two.id)
        await self.store.save_user(two)
        self.assertIsNone(await self.store.user_by_id(two.id))

    async def test_save_users_writes_all_and_leaves_totals(self) -> None:
        """Each as `save_user` does, in whatever order they come; one who is gone is not brought back."""
        one, two, gone = await self.store.add_users([make_user(passkey=f"passkey-{at}") for at in range(3)])
        await self.store.delete_user(gone.id)
        changed = [
            (make_user(id=two.id, passkey="new-passkey-2", name="two", remote_id="r", updated_at=5), None),
            (make_user(id=gone.id, passkey=gone.passkey), Totals(uploaded=1)),
            (make_user(id=one.id, passkey=one.passkey, enabled=False, totals=Totals(bonus=9)), Totals(uploaded=7)),
        ]
        await self.store.save_users(changed)
        for user, growth in (changed[0], changed[2]):
            found = await self.store.user_by_id(user.id)
            self.assertEqual((user_facts(found), found.totals), (user_facts(user), growth or Totals()))
        self.assertEqual((await self.store.user_by_passkey("new-passkey-2")).id, two.id)
        self.assertIsNone(await self.store.user_by_passkey(two.passkey))
        self.assertIsNone(await self.store.user_by_id(gone.id))
        await self.store.save_users([])

    async def test_save_users_refuses_a_taken_passkey_whole(self) -> None:
        """The passkey of another, one that another gives up in the same list too, or of an earlier one in the list."""
        await self.store.add_users([make_user(id=at, passkey=f"passkey-{at}") for at in (1, 2, 3)])
        named, freed = make_user(id=1, passkey="passkey-1", name="new"), make_user(id=2, passkey="passkey-9")
        for clash in ("passkey-2", "passkey-9"):
            changes = [(named, Totals(uploaded=1)), (freed, None), (make_user(id=3, passkey=clash), None)]
            self.assertEqual(await self.conflict(self.store.save_users(changes)), 2)
        changes = [(make_user(id=3, passkey="passkey-2"), None), (freed, None), (named, None)]
        self.assertEqual(await self.conflict(self.store.save_users(changes)), 0)
        found = await self.store.list_users(0, 10)
        self.assertEqual([user.passkey for user in found], ["passkey-1", "passkey-2", "passkey-3"])
        self.assertEqual((found[0].name, found[0].totals), ("member", Totals()))

    async def test_thousands_of_users_are_added_and_saved(self) -> None:
        """All of ten thousand without ids are numbered, and each is changed as it is said, and no other."""
        added = await self.store.add_users([make_user(passkey=f"passkey-{at}") for at in range(10_000)])
        ids = [user.id for user in added]
        self.assertEqual(len(set(ids) - {0}), len(ids))
        changes = [
            (make_user(id=user.id, passkey=user.passkey, name=f"name {user.id}"), Totals(uploaded=user.id))
            for user in added[::2]
        ]
        await self.store.save_users(changes)
        found = {user.id: user for user in await self.store.list_users(0, 20_000)}
        self.assertEqual([found[user.id].passkey for user in added], [user.passkey for user in added])
        new = {user.id: (user.name, growth) for user, growth in changes}
        for user_id, user in found.items():
            self.assertEqual((user.name, user.totals), new.get(user_id, ("member", Totals())))

    async def test_many_users_are_saved_to_the_letter(self) -> None:
        """Whatever they are called, with and without what may be absent; and refused whole, as a few are."""
        added = await self.store.add_users([make_user(passkey=f"passkey-{at}") for at in range(40)])
        names = ("Zoë", "a\\b\tc", "100 %s %(x)s", 'it\'s "1"', "x'00'", "\\N", "🦉", " a ")
        changed = [
            make_user(
                id=user.id,
                name=names[at % len(names)],
                passkey=f"A-{at}_{'x' * 50}",
                remote_id=names[-at % len(names)] if at % 3 else None,
                enabled=at % 2 == 0,
                multiplier_up=at,
                updated_at=at,
            )
            for at, user in enumerate(added)
        ]
        await self.store.save_users([(user, None) for user in changed])
        self.assertEqual(list(map(user_facts, await self.store.list_users(0, 99))), list(map(user_facts, changed)))
        clash = [*changed[:20], make_user(id=changed[20].id, passkey=changed[30].passkey)]
        self.assertEqual(await self.conflict(self.store.save_users([(user, None) for user in clash])), 20)

    async def test_users_are_saved_as_they_were_at_the_call(self) -> None:
        """They, and what their totals grow by, may change while they are written."""
        (user,) = await self.store.add_users([make_user()])
        growth = Totals(uploaded=1)
        changes = [(make_user(id=user.id, name="new"), growth)]
        written = self.store.save_users(changes)
        changes[0][0].name = "changed"
        growth.uploaded += 100
        changes.clear()
        await written
        found = await self.store.user_by_id(user.id)
        self.assertEqual((found.name, found.totals), ("new", Totals(uploaded=1)))
