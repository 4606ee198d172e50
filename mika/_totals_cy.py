"""Totals: what announces added up to. The only arithmetic on accounts; `model.py` has it among the nouns."""

from __future__ import annotations

from collections.abc import Mapping

INT64_MAX = 2**63 - 1
"""The largest total that every store can hold."""

NAMES = (
    "uploaded",
    "downloaded",
    "uploaded_real",
    "downloaded_real",
    "bonus",
    "seed_seconds",
    "announces",
    "completed",
)
"""The figures, in the order of `Totals.values`."""


class Totals:
    """What announces added up to: for one announce, for a batch, or since the beginning.

    Credit is added to live totals, and records to a batch, with `add`; what somebody changed a total by is what it grew
    `since`. Compiled, a sum stops at `INT64_MAX`; otherwise what is written is `bounded` by it.
    """

    __slots__ = NAMES

    def __init__(  # noqa: PLR0913, PLR0917 - eight figures, in the order in which they are kept
        self,
        uploaded: int = 0,
        downloaded: int = 0,
        uploaded_real: int = 0,
        downloaded_real: int = 0,
        bonus: int = 0,
        seed_seconds: int = 0,
        announces: int = 0,
        completed: int = 0,
    ) -> None:
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.uploaded_real = uploaded_real
        self.downloaded_real = downloaded_real
        self.bonus = bonus
        self.seed_seconds = seed_seconds
        self.announces = announces
        self.completed = completed

    def add(self, other: Totals) -> None:
        """Grow by `other`, in place."""
        uploaded = self.uploaded + other.uploaded
        downloaded = self.downloaded + other.downloaded
        uploaded_real = self.uploaded_real + other.uploaded_real
        downloaded_real = self.downloaded_real + other.downloaded_real
        bonus = self.bonus + other.bonus
        if uploaded < 0 or downloaded < 0 or uploaded_real < 0 or downloaded_real < 0 or bonus < 0:
            self._add_carefully(other)  # compiled, a sum that is past 64 bits is negative
            return
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.uploaded_real = uploaded_real
        self.downloaded_real = downloaded_real
        self.bonus = bonus
        self.seed_seconds += other.seed_seconds
        self.announces += other.announces
        self.completed += other.completed

    def _add_carefully(self, other: Totals) -> None:
        for name, grown in zip(NAMES, map(sum, zip(self.values(), other.values(), strict=True)), strict=True):
            setattr(self, name, max(-INT64_MAX, min(grown, INT64_MAX)))

    def since(self, earlier: Totals) -> Totals:
        """Return the growth from `earlier` to these, kept below what a store's 64-bit column can add to."""
        pairs = zip(self.values(), earlier.values(), strict=True)
        return Totals(*(min(now, INT64_MAX) - min(then, INT64_MAX) for now, then in pairs))

    def copy(self) -> Totals:
        """Return the same totals as a value of their own."""
        return Totals(*self.values())

    def changed(self, figures: Mapping[str, int]) -> Totals:
        """Return these totals, but for the named figures."""
        return Totals(**{**dict(zip(NAMES, self.values(), strict=True)), **figures})

    def values(self) -> tuple[int, ...]:
        """Return the eight figures in the order of `NAMES`."""
        return (
            self.uploaded,
            self.downloaded,
            self.uploaded_real,
            self.downloaded_real,
            self.bonus,
            self.seed_seconds,
            self.announces,
            self.completed,
        )

    def __eq__(self, other: object) -> bool:  # without a hash: totals change
        return isinstance(other, Totals) and self.values() == other.values()

    __hash__ = None  # type: ignore[assignment]  # totals change

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in zip(NAMES, self.values(), strict=True) if value)
        return f"Totals({said})"


def worth_of(
    uploaded: int, downloaded: int, uploaded_real: int, downloaded_real: int, bonus: int, seed_seconds: int
) -> Totals:
    """Return what one announce is worth that completes nothing."""
    totals = Totals.__new__(Totals)  # compiled, arguments by C; the constructor has them as Python's integers
    totals.uploaded = uploaded
    totals.downloaded = downloaded
    totals.uploaded_real = uploaded_real
    totals.downloaded_real = downloaded_real
    totals.bonus = bonus
    totals.seed_seconds = seed_seconds
    totals.announces = 1
    totals.completed = 0
    return totals
