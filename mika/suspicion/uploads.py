"""What one user uploaded in one torrent: from where on it is more than everybody received, announce after announce."""

from __future__ import annotations

LEAST = 64 << 20
"""Bytes below which nothing is judged."""

SHARE = 20
"""One part in so many of a torrent's size, and of what was received, may be lost or sent twice: 5 %."""

CLAIM = 256 << 20
"""Bytes of upload from which on it is asked where the data came from, or a tenth of the torrent if that is more."""

TIMES = 3
"""Announces with upload from which on it is no single accident, if it is too much without the largest of them, too."""

PAUSE = 60
"""Seconds after a look at a user's uploads, before the next one: it goes through the swarm, and the unread records."""


class Uploads:
    """A run of announces in which a user uploaded at least what all others received, and what they uploaded in all.

    The run is from `begun`, when all had received `base`, until `told`; then they had received `reached`.
    """

    __slots__ = ("base", "begun", "claimed", "judged", "largest", "reached", "size", "times", "told", "total")

    def __init__(self) -> None:
        self.begun = self.told = self.judged = 0
        self.base = self.reached = 0
        self.size = self.times = self.largest = self.total = 0
        self.claimed = False
        """Whether it was asked already if they ever had what they upload."""

    def add(self, size: int, since: int, base: int, told: int, received: int) -> None:
        """Take in what was uploaded `since` a time at which all had received `base`; now it is `received`."""
        if self.size <= self.reached - self.base + (self.reached - self.base) // SHARE:
            self.begun, self.base = since, base
            self.size = self.times = self.largest = 0
        elif since < self.begun:
            self.begun, self.base = since, base
        self.size += size
        self.total += size
        self.times += 1
        self.largest = max(self.largest, size)
        self.told = told
        self.reached = received

    def excess(self, size: int, received: int, others_left: int) -> int:
        """Return how much was uploaded beyond all that anybody can have received; `size` is the torrent's."""
        possible = received - self.base + others_left
        return self.size - possible - possible // SHARE - size // SHARE

    def is_steady(self, excess: int) -> bool:
        """Say whether so much is too much in many announces; one alone may be an accident."""
        return self.times >= TIMES and excess - self.largest > LEAST

    def is_odd(self, excess: int, size: int) -> bool:
        """Say whether so much is too much, even in a single announce if it is more than the torrent."""
        return excess > max(CLAIM, size) or self.is_steady(excess)

    def is_claim(self, size: int) -> bool:
        """Say, once, that so much was uploaded that they must have had it."""
        if self.claimed or self.total < max(CLAIM, size // 10):
            return False
        self.claimed = True
        return True
