"""Sessions that end without a stop and are followed by another at once, again and again.

Clients say `stopped` when they end, and crash now and then. `follow.py` tells of peers that fell silent.
"""

from __future__ import annotations

from mika.suspicion.finding import Finding
from mika.suspicion.sighting import Sighting

KIND = "never_stops"

WITHIN = 5 * 24 * 3600
"""Seconds over which endings are counted."""

APART = 1800
"""Seconds within which a client's torrents, which end together, are one ending."""

TIMES = 15
"""Endings without a stop from which on they are no crashes: three a day."""

MOST = 20_000
"""Users who are remembered."""


class Endings:
    """Counts the sessions of each user that were followed by another without having stopped."""

    def __init__(self) -> None:
        self._of_user: dict[int, list[int]] = {}
        self._stops: dict[int, list[int]] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._of_user.clear()
        self._stops.clear()

    def stopped(self, sighting: Sighting) -> None:
        """Hear that a client of a user stopped, as clients do."""
        if sighting.user_id in self._of_user:  # of all others it need not be known
            _enter(self._stops, sighting)

    def followed(self, sighting: Sighting) -> Finding | None:
        """Judge a peer that fell silent and has a successor in the same torrent; `seen` is when it was seen last."""
        mine = _enter(self._of_user, sighting)
        if len(mine) < TIMES:
            return None
        stops = [each for each in self._stops.get(sighting.user_id, ()) if each >= mine[0]]
        hours = (mine[-1] - mine[0]) // 3600
        evidence = (
            f"Within {hours} hours {len(mine)} sessions ended without a stop, each followed by another one in the same "
            f"torrent, and {len(stops)} times something was stopped: a client that crashes so often, or a program that "
            "does not stop."
        )
        return Finding(KIND, sighting.user_id, b"", min(80, 60 + len(mine) - TIMES), evidence)


def _enter(times: dict[int, list[int]], sighting: Sighting) -> list[int]:
    """Note when something ended for a user, once for all torrents that end together; answer with the latest ones."""
    mine = times.pop(sighting.user_id, [])
    if not mine or abs(sighting.seen - mine[-1]) >= APART:
        mine = [*(each for each in mine if sighting.seen - each < WITHIN), sighting.seen]
    times[sighting.user_id] = mine  # the latest are last
    if len(times) > MOST:
        del times[next(iter(times))]
    return mine
