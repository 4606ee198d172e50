"""Many users or torrents that are not in memory, read with few questions: `directory.py` is about to change them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred

from mika.changes import Changes

Key = TypeVar("Key", int, bytes)
Account = TypeVar("Account")

PAGE = 1000
"""Rows that are read with one question."""

WORTHWHILE = 20
"""Wanted rows that a page must bring; where there are fewer among the others, each is better asked for alone."""


async def find_in_pages(
    changes: Changes,
    wanted: Sequence[Key],
    ask: Callable[[Key, int], Deferred[list[Account]]],
    key_of: Callable[[Account], Key],
    remember: Callable[[Account], object],
) -> None:
    """Remember those of the wanted that are there, as long as they are many among all others.

    `ask` answers with so many rows from a key on, in order of the key. What is not remembered after this may be there.
    """
    left = sorted(wanted)

    def keep(page: list[Account]) -> tuple[int, Key | None]:
        these = set(left)
        found = [account for account in page if key_of(account) in these]
        for account in found:
            remember(account)
        return len(found), key_of(page[-1]) if page else None

    while len(left) >= WORTHWHILE:
        count, last = await changes.read(partial(ask, left[0], PAGE), keep)
        if last is None or count < WORTHWHILE:
            return
        left = left[bisect_right(left, last) :]
