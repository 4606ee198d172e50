"""What is known not to be there, so that a flood of invented passkeys reads the stores once a key at most.

`directory.py` asks it at each miss on the announce path.
"""

from __future__ import annotations

from collections.abc import Hashable

MAX_ABSENT = 100_000
"""How many keys that are in no store are remembered: a flood of invented passkeys fills this and no more."""


class Absent:
    """Keys that were looked for and are in no store: remembered for `ttl` seconds, the oldest forgotten first."""

    def __init__(self, ttl: int) -> None:
        self.ttl = ttl
        self._until: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, key: Hashable, now: int) -> None:
        """Remember that `key` was not there at `now`."""
        self._until.pop(key, None)
        while len(self._until) >= MAX_ABSENT:
            del self._until[next(iter(self._until))]
        self._until[key] = now + self.ttl

    def forget(self) -> None:
        """Forget all of them."""
        self._until.clear()

    def discard(self, key: Hashable) -> None:
        """Forget it: it has just been added."""
        self._until.pop(key, None)

    def has(self, key: Hashable, now: int) -> bool:
        """Say whether `key` is known not to be there."""
        return self._until.get(key, -1) >= now
