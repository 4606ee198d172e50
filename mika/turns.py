"""Long lists, some items at a time, with turns of the reactor between them: announces are answered meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

From = TypeVar("From")
To = TypeVar("To")

Rest = Callable[[], Awaitable[object]]
"""Lets the reactor have its turn."""

AT_A_TIME = 100
"""Items that are worked on in one go: some milliseconds."""


async def at_once() -> None:
    """Go on without a rest: the list is short."""


async def in_turns(items: Iterable[From], make: Callable[[int, From], To], rest: Rest) -> list[To]:
    """Return what `make` makes of each item and its index."""
    made: list[To] = []
    for index, item in enumerate(items):
        if index and index % AT_A_TIME == 0:
            await rest()
        made.append(make(index, item))
    return made
