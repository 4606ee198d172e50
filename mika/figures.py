"""Where the figures are that `/metrics`, `/v1/stats` and the manhole show; `tap.py` gathers it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from mika.census import Census
from mika.counts import Traffic
from mika.events import Events
from mika.flush import Flush
from mika.journal import Journal
from mika.ledger.record import ANNOUNCED, CHECKSUM, FRAME, NOTHING, peer_of
from mika.model import Totals
from mika.pulse import Pulse

FAMILIES = {4: "ipv4", 6: "ipv6"}
"""How families are called in figures."""

LOOK_AHEAD = 200
"""Records that are looked at for the oldest announce: the first ones may be of peers that fell silent."""

Key = tuple[str, str, int]
"""Of a rate: "announces", "scrapes" or "refused"; the protocol; the family, 4 or 6."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted, and what can be counted when somebody asks.

    `traffic` is by protocol, `accepted` answers connections since the start by protocol and family, `connections` are
    those that are open, `unsynced` answers for how many seconds the journal was not forced to the disk,
    `open_suspicions` how many there were a minute ago.
    """

    traffic: Mapping[str, Traffic]
    accepted: Callable[[], Mapping[tuple[str, int], int]]
    connections: Sized
    flushes: Sequence[Flush[Any]]
    journal: Journal
    unsynced: Callable[[], float]
    census: Census
    pulse: Pulse
    events: Events
    open_suspicions: Callable[[], int] = lambda: 0

    @property
    def grown(self) -> Totals:
        """What was credited since the start, as far as the torrents store has it: it was added up for its batches."""
        return next((each.grown for each in self.flushes if each.kind == "torrents"), NOTHING)


def flow(traffic: Mapping[str, Traffic]) -> dict[Key, int]:
    """Return what rates are taken of."""
    counts: dict[Key, int] = {}
    for protocol, each in traffic.items():
        for family in FAMILIES:
            counts["announces", protocol, family] = each.served(family)
            counts["scrapes", protocol, family] = each.scrapes(family)
            counts["refused", protocol, family] = each.refused(family)
    return counts


def oldest_waiting(journal: Journal, reached: int, now: float) -> float:
    """Return for how many seconds the oldest announce behind the number `reached` waits; 0 if none does."""
    if journal.last <= reached:
        return 0.0
    _, frames = next(journal.read(reached, LOOK_AHEAD), (0, b""))
    for at in range(0, len(frames), FRAME):
        frame = frames[at : at + FRAME]
        found = peer_of(frame) if frame[CHECKSUM] and frame[CHECKSUM + 1] & ANNOUNCED else None
        if found is not None:
            return max(0.0, now - found[1].last_seen)
    return 0.0
