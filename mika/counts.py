"""What cannot be read from the tracker's state is counted here, in plain integers, by whoever makes it happen.

`server/` counts what it answers, `flush.py` what it writes, `jobs.py` how late it is; `admin/metrics.py` and
`admin/stats.py` read the counts when they are asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence


class Traffic:
    """What the announce ports of one protocol answered since the start.

    Families are 4 and 6. `refusals` are by code and family, `malformed` (what is no HTTP request) by code, `lookups`
    how many requests had to wait for a store, `cut_off` connections that used up their time.
    """

    __slots__ = ("announces4", "announces6", "cut_off", "lookups", "malformed", "refusals", "scrapes4", "scrapes6")

    def __init__(self) -> None:
        self.announces4 = 0
        self.announces6 = 0
        self.scrapes4 = 0
        self.scrapes6 = 0
        self.lookups = 0
        self.cut_off = 0
        self.refusals: Counter[tuple[str, int]] = Counter()
        self.malformed: Counter[str] = Counter()

    def served(self, family: int) -> int:
        """How many announces were answered with peers, or as a stop."""
        return self.announces4 if family == 4 else self.announces6

    def scrapes(self, family: int) -> int:
        """How many scrapes were answered with figures."""
        return self.scrapes4 if family == 4 else self.scrapes6

    def refused(self, family: int) -> int:
        """How many announces and scrapes were refused."""
        return sum(count for (_, each), count in self.refusals.items() if each == family)


class Histogram:
    """How many values were at most each of `bounds`, how many were larger, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, int]]:
        """Return bounds as Prometheus writes them, each with how many values were at most that."""
        total = 0
        found = []
        for bound, count in zip((*(str(float(bound)) for bound in self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found

    def quantile(self, share: float) -> float | None:
        """Return the bound below which this share of the values is; the largest if it is beyond; None without any."""
        wanted = sum(self.counts) * share
        if not wanted:
            return None
        total = 0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            total += count
            if total >= wanted:
                return bound
        return self.bounds[-1]
