"""What the contracts of the three kinds share: a store on a place of the test's own, opened, restarted and closed."""
# ruff: noqa: PT009, PT027 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from mika.errors import ConflictError, OutOfStepError, StoreError
from mika.interfaces import Change, Mark

if TYPE_CHECKING:
    from unittest import TestCase as _TestCase  # trial's is one, but says no types
else:
    _TestCase = object  # a mixin: a TestCase of its own would be collected wherever it is imported


class Contract(_TestCase):
    """A store of the test's own. What is overridden is `make_store`, and the flags of what a store cannot do."""

    durable = True
    """Whether a store made later on the same place finds what an earlier one kept."""

    hears: float | None = None
    """Seconds after which a store has surely told what another one changed on the same place; None if it cannot."""

    store: Any
    _number = 0

    def mark(self) -> Mark:
        """Return the mark of this test's next batch, for a tracker that nothing asks about."""
        self._number += 1
        return Mark("a tracker that nothing asks about", self._number, self._number - 1)

    def make_store(self) -> Any:
        """Return a new store, not opened; called again in the same test, one on the same place. Override it."""
        raise NotImplementedError

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for it
        """Open an empty store."""
        self.store = await self.opened()

    async def opened(self) -> Any:
        """Return a store on this test's place, open until the test ends."""
        store = self.make_store()
        await store.open()
        self.addCleanup(store.close)
        return store

    async def restart(self) -> None:
        """Close the store and open another on the same place; skips the test if this one is not durable."""
        if not self.durable:
            self.skipTest("what it keeps ends with it")
        await self.store.close()
        self.store = await self.opened()

    async def listening(self) -> tuple[Any, list[Change]]:
        """Return a second store on the same place, and what it is told; skips the test if this one cannot hear."""
        if self.hears is None:
            self.skipTest("it does not hear what others change")
        heard: list[Change] = []
        store = self.make_store()
        store.hear(heard.append)
        await store.open()
        self.addCleanup(store.close)
        return store, heard

    async def later(self, seconds: float) -> None:
        """Let the reactor run."""
        from twisted.internet import reactor  # noqa: PLC0415 - installed when this is imported

        await deferLater(reactor, seconds)

    async def told(self, heard: Sequence[Change], kind: str, key: int | bytes | None) -> None:
        """Wait until `heard` has the change of this row (None: of any row), or of all rows of its kind."""
        waited = 0.0
        while not any(change.kind == kind and (key is None or change.key in {key, None}) for change in heard):
            self.assertLess(waited, self.hears or 0, f"a change of {kind} {key!r} was not told; told was {heard}")
            await self.later(0.05)
            waited += 0.05

    async def written_once(self, write: Callable[[], Deferred[None]]) -> None:
        """Write the same batch three times at once: one of them is written, the others are out of step."""
        results: Any = await DeferredList([write() for _ in range(3)], consumeErrors=True)
        wrong = [result.type for succeeded, result in results if not succeeded]
        self.assertEqual(wrong, [OutOfStepError] * 2)

    async def test_mark_of_an_instance_with_an_odd_name(self) -> None:
        """An instance is named as its operator likes, and told from others by every letter."""
        names = ("tracker 1/2", "tracker 1/3", "Tracker 1/2", "né?&=%:#", "a" * 60)
        for kind in ("users", "torrents", "peers"):
            self.assertEqual([await self.store.last_number(kind, name) for name in names], [0] * 5)

    async def test_listener_of_a_store_on_which_nothing_happens(self) -> None:
        """`hear` comes before `open`, and a store that was listened to closes like any other."""
        heard: list[Change] = []
        store = self.make_store()
        store.hear(heard.append)
        await store.open()
        await store.close()
        before = list(heard)
        await self.later(0.1)
        self.assertEqual(heard, before)

    async def test_closed_store_says_so(self) -> None:
        """What is asked of it fails at once, and in words, instead of never being answered; memory goes on."""
        if not self.durable:
            self.skipTest("what it keeps ends with it, so it need not close")
        await self.store.close()
        with self.assertRaises(StoreError) as caught:
            await self.store.last_number("users", "a")
        self.assertNotIn("\n", str(caught.exception))

    async def test_store_opens_again(self) -> None:
        """A start that failed for another reason is tried again with the same object."""
        await self.store.close()
        await self.store.open()
        self.assertEqual(await self.store.last_number("users", "a"), 0)

    async def test_close_of_a_store_that_is_not_open(self) -> None:
        """A start that failed closes everything: what never opened, and what is closed already."""
        await self.make_store().close()
        await self.store.close()
        await self.store.close()

    async def out_of_step(self, answer: Any) -> None:
        """Check that `answer` fails because its batch does not follow the last one."""
        with self.assertRaises(OutOfStepError):
            await answer

    async def conflict(self, answer: Any) -> int:
        """Return the index of the `ConflictError` that `answer` fails with."""
        with self.assertRaises(ConflictError) as caught:
            await answer
        return caught.exception.index
