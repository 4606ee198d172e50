"""Who has to wait for a download slot: a leecher above what its role may leech at once. `tracker.py` calls it.

A peer that waits is credited and counted like any other, but gets no peers and is handed to nobody.
"""

from __future__ import annotations

from mika._peer_cy import Peer
from mika.model import Role, User, role_of
from mika.rules import refusal
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms


def has_to_wait(limit: int | None, held: int, *, holds: bool) -> bool:
    """Say whether a leecher has to wait: `held` slots are taken, one for this torrent among them if it `holds` one."""
    return limit is not None and held + (not holds) > limit


class Slots:
    """Keeps leechers to their roles' download slots; a torrent takes one, whatever the number of its user's clients."""

    def __init__(self, roles: dict[int, Role], swarms: Swarms) -> None:
        self._roles = roles
        self._swarms = swarms

    def ration(self, user: User, swarm: Swarm, peer: Peer) -> None:
        """Let a peer that has just announced have a slot, or wait for one; who needs none does not wait."""
        limit = role_of(user, self._roles).download_slots
        if limit is None and not peer.waiting:
            return
        held = self._swarms.presence.slots_of(user.id)
        leeches = not (peer.seeder or peer.paused)
        waits = leeches and has_to_wait(limit, held, holds=swarm.holds_slot(user.id))
        if waits and not peer.waiting:
            swarm.hold_back(peer)
        elif peer.waiting and not waits:
            self._swarms.let_in(swarm, peer)

    def words(self, user: User) -> bytes:
        """Return what the owner of a peer that waits is told."""
        limit = role_of(user, self._roles).download_slots or 0
        return refusal.slots_taken(limit, self._swarms.presence.slots_of(user.id)).encode()
