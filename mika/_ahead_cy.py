"""What an announce will look at is asked of memory all at once, compiled; `_ahead_cy.pyx` does it.

In plain Python there is nothing to do: what it does between two looks takes longer than memory does.
"""

from __future__ import annotations

from mika.model import Torrent, User
from mika.swarm.swarm import Swarm

FETCHES = False
"""Whether it does anything."""


def fetch_ahead(user: User, torrent: Torrent, swarm: Swarm) -> None:
    """Have the totals of both, and who is in the swarm, come to the cache of the processor."""
