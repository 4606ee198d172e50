"""The keys of a batch in order, a piece at a time. `flush.py` calls it.

To sort 50,000 keys at once would keep announces waiting for longer than it takes to look up what they are keys of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

K = TypeVar("K", bound=Any)

PARTS = 8
"""Bits of a key by which it is sorted first, so that what remains is 256 short lists."""


def in_order(keys: Iterable[K], part_of: Callable[[K], int], most: int) -> Iterator[list[K]]:
    """Yield all keys in ascending order, in pieces: a few lists that are empty come first, as that takes time, too.

    `part_of` says to which part a key belongs, a number that never falls as keys rise. `most` keys are looked at
    before an empty list is yielded.
    """
    parts: defaultdict[int, list[K]] = defaultdict(list)
    for number, key in enumerate(keys, 1):
        parts[part_of(key)].append(key)
        if number % most == 0:
            yield []
    for part in sorted(parts):
        yield sorted(parts.pop(part))


def parts_of_ids(ids: Iterable[int]) -> int:
    """Return by how many bits to shift these numbers, all of them 0 or more, to have their part."""
    return max(0, max(ids, default=0).bit_length() - PARTS)
