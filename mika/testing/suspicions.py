"""What a users store that keeps suspicions must do, as tests; others skip them."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import gatherResults

from mika.interfaces import ISuspicionStore, Sought
from mika.model import INT64_MAX, Suspicion
from mika.testing.history import HistoryContract
from mika.testing.subjects import make_user

ONE, OTHER = b"\1" * 20, b"\0\xfe" * 10


def make_suspicion(user_id: int, **facts: Any) -> Suspicion:
    """Return a suspicion, not kept yet."""
    defaults: dict[str, Any] = {
        "kind": "unreceived",
        "info_hash": ONE,
        "score": 50,
        "evidence": "",
        "first_seen": 5,
        "last_seen": 7,
    }
    return Suspicion(user_id=user_id, **(defaults | facts))


class SuspicionContract(HistoryContract):
    """What `ISuspicionStore` says."""

    async def keep(self, *rows: Suspicion) -> list[Suspicion]:
        """Keep first ones, and return them with their ids."""
        return [await self.store.replace_suspicion(None, row) for row in rows]

    async def test_suspicion_is_kept_and_found(self) -> None:
        """To the letter, by its id and by what it is about, also about no torrent; ids grow."""
        self.needs(ISuspicionStore)
        (user,) = await self.store.add_users([make_user()])
        rows = [
            make_suspicion(user.id, evidence="Zoë \t'\\ {}", count=2**40, first_seen=2**40, state="confirmed"),
            make_suspicion(user.id, info_hash=OTHER, score=100),
            make_suspicion(user.id, info_hash=b"", score=0),
            make_suspicion(user.id, kind="too_fast"),
        ]
        kept = await self.keep(*rows)
        ids = [row.id for row in kept]
        self.assertEqual(ids, sorted({*ids} - {0}))
        self.assertEqual([replace(row, id=0) for row in kept], rows)
        for row in kept:
            self.assertEqual(await self.store.suspicion(row.id), row)
            self.assertEqual(await self.store.suspicion_of(row.kind, row.user_id, row.info_hash), row)
        self.assertIsNone(await self.store.suspicion(ids[-1] + 1))
        self.assertIsNone(await self.store.suspicion(10**30))
        self.assertIsNone(await self.store.suspicion_of("too_fast", user.id, OTHER))
        self.assertIsNone(await self.store.suspicion_of("too_fast", 10**30, ONE))

    async def test_suspicion_takes_the_place_of_what_was_read(self) -> None:
        """Under the same id; if it was changed meanwhile, in its state or its count, nothing is lost."""
        self.needs(ISuspicionStore)
        (user,) = await self.store.add_users([make_user()])
        (first,) = await self.keep(make_suspicion(user.id))
        more = replace(first, count=2, score=90, last_seen=99, evidence="more")
        self.assertEqual(await self.store.replace_suspicion(first, more), more)
        self.assertEqual(await self.store.suspicion(first.id), more)
        self.assertIsNone(await self.store.replace_suspicion(first, replace(first, count=2, score=1)))
        self.assertIsNone(await self.store.replace_suspicion(None, make_suspicion(user.id, score=1)))
        self.assertIsNone(await self.store.replace_suspicion(more, replace(more, kind="too_fast")))
        dismissed = replace(more, state="dismissed")
        self.assertEqual(await self.store.replace_suspicion(more, dismissed), dismissed)
        self.assertIsNone(await self.store.replace_suspicion(more, replace(more, count=3)))
        self.assertEqual(await self.store.list_suspicions(Sought(), INT64_MAX, 9), [dismissed])

    async def test_one_of_many_at_once_takes_the_place(self) -> None:
        """The others hear that they came too late, and none fails."""
        self.needs(ISuspicionStore)
        (user,) = await self.store.add_users([make_user()])
        rows = [make_suspicion(user.id, score=score) for score in range(6)]
        answers = await gatherResults([self.store.replace_suspicion(None, row) for row in rows])
        (first,) = (each for each in answers if each is not None)
        rows = [replace(first, count=2, score=score) for score in range(6)]
        answers = await gatherResults([self.store.replace_suspicion(first, row) for row in rows])
        (kept,) = (each for each in answers if each is not None)
        self.assertEqual(await self.store.suspicion(first.id), kept)

    async def test_suspicions_are_listed(self) -> None:
        """The latest first, in pages, and those that are sought."""
        self.needs(ISuspicionStore)
        user, other = await self.store.add_users([make_user(), make_user(passkey="passkey-1")])
        a, b, c, d = await self.keep(
            make_suspicion(user.id),
            make_suspicion(other.id, score=80, state="dismissed"),
            make_suspicion(user.id, kind="too_fast", score=81),
            make_suspicion(other.id, kind="too_fast", info_hash=b"", score=10),
        )
        for sought, found in (
            (Sought(), [d, c, b, a]),
            (Sought(state="open"), [d, c, a]),
            (Sought(state="confirmed"), []),
            (Sought(user_id=user.id), [c, a]),
            (Sought(user_id=10**30), []),
            (Sought(kind="too_fast"), [d, c]),
            (Sought(score=80), [c, b]),
            (Sought("open", user.id, "too_fast", 81), [c]),
        ):
            self.assertEqual(await self.store.list_suspicions(sought, INT64_MAX, 9), found)
        self.assertEqual(await self.store.list_suspicions(Sought(), INT64_MAX, 2), [d, c])
        self.assertEqual(await self.store.list_suspicions(Sought(), c.id, 9), [b, a])
        self.assertEqual(await self.store.list_suspicions(Sought(user_id=user.id), c.id, 1), [a])

    async def test_many_suspicions_are_listed(self) -> None:
        """Also where few of them are sought."""
        self.needs(ISuspicionStore)
        (user,) = await self.store.add_users([make_user()])
        hashes = [number.to_bytes(20, "big") for number in range(1, 251)]
        kept = await self.keep(*(make_suspicion(user.id, info_hash=each, score=each[-1] % 100) for each in hashes))
        low = [row for row in reversed(kept) if row.score < 100]
        self.assertEqual(await self.store.list_suspicions(Sought(), INT64_MAX, 240), low[:240])
        self.assertEqual(await self.store.list_suspicions(Sought(score=99), INT64_MAX, 9), [kept[198], kept[98]])

    async def test_suspicions_end_with_their_user(self) -> None:
        """Who is given the id later is under none."""
        self.needs(ISuspicionStore)
        user, other = await self.store.add_users([make_user(), make_user(passkey="passkey-1")])
        mine, theirs = await self.keep(make_suspicion(user.id), make_suspicion(other.id))
        await self.store.delete_user(user.id)
        self.assertIsNone(await self.store.suspicion(mine.id))
        await self.store.add_users([make_user(id=user.id)])
        self.assertEqual(await self.store.list_suspicions(Sought(), INT64_MAX, 9), [theirs])
        self.assertIsNone(await self.store.suspicion_of(mine.kind, user.id, mine.info_hash))

    async def test_suspicions_outlive_a_restart(self) -> None:
        """With their numbers."""
        self.needs(ISuspicionStore)
        (user,) = await self.store.add_users([make_user()])
        (first,) = await self.keep(make_suspicion(user.id))
        await self.restart()
        (second,) = await self.keep(make_suspicion(user.id, info_hash=OTHER))
        self.assertEqual(await self.store.list_suspicions(Sought(), INT64_MAX, 9), [second, first])
