"""What the contracts of the three kinds share: a store on a place of the test's own, opened, restarted and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mika.errors import ConflictError, OutOfStepError
from mika.interfaces import Mark

if TYPE_CHECKING:
    from unittest import TestCase as _TestCase  # trial's is one, but says no types
else:
    _TestCase = object  # a mixin: a TestCase of its own would be collected wherever it is imported


class Contract(_TestCase):
    """A store of the test's own. What is overridden is `make_store`, and perhaps `durable`."""

    durable = True
    """Whether a store made later on the same place finds what an earlier one kept."""

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

    async def test_close_of_a_store_that_is_not_open(self) -> None:
        """A start that failed closes everything: what never opened, and what is closed already."""
        await self.make_store().close()
        await self.store.close()
        await self.store.close()

    async def out_of_step(self, answer: Any) -> None:
        """Check that `answer` fails because its batch does not follow the last one."""
        with self.assertRaises(OutOfStepError):  # noqa: PT027 - as below
            await answer

    async def conflict(self, answer: Any) -> int:
        """Return the index of the `ConflictError` that `answer` fails with."""
        with self.assertRaises(ConflictError) as caught:  # noqa: PT027 - a trial TestCase
            await answer
        return caught.exception.index
