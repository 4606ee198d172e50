"""The peers of one swarm, silent ones too, by user and peer id. `swarm.py` has one of it in each swarm.

`_peers_cy.pyx` is the same, compiled.
"""

from __future__ import annotations

from collections.abc import Iterator

from mika._peer_cy import Peer


class Peers:
    """Everybody in a swarm, in no order that means anything; a user has few clients in one."""

    __slots__ = ("_count", "_of", "_walk")

    def __init__(self) -> None:
        self._count = 0
        self._of: dict[int, list[Peer]] = {}
        self._walk: list[Peer] = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Peer]:
        """Go through those who are here now; peers may come and go meanwhile."""
        return iter([peer for mine in self._of.values() for peer in mine])

    def find(self, user_id: int, peer_id: bytes) -> Peer | None:
        """Return a peer, None if it is not here."""
        mine = self._of.get(user_id)
        if mine is not None:
            for peer in mine:
                if peer.peer_id == peer_id:
                    return peer
        return None

    def of(self, user_id: int) -> list[Peer]:
        """Return the peers of one user."""
        return self._of.get(user_id, []).copy()

    def is_alone(self, peer: Peer) -> bool:
        """Say whether a peer that is here is its user's only one."""
        return len(self._of[peer.user_id]) == 1

    def add(self, peer: Peer) -> None:
        """Take in a peer that is not here."""
        mine = self._of.get(peer.user_id)
        if mine is None:
            self._of[peer.user_id] = [peer]
        else:
            mine.append(peer)
        self._count += 1

    def remove(self, peer: Peer) -> None:
        """Let go of a peer that is here."""
        mine = self._of[peer.user_id]
        mine.remove(peer)
        if not mine:
            del self._of[peer.user_id]
        self._count -= 1

    def is_walking(self) -> bool:
        """Say whether a walk is on its way."""
        return bool(self._walk)

    def walk(self, most: int) -> list[Peer]:
        """Go on with a walk through all of them, or begin one: return at most so many who come next.

        Who comes meanwhile may be left out, and who is passed twice was moved; nobody else is left out.
        """
        if not self._walk:
            self._walk = list(self)
        first = len(self._walk) - most if len(self._walk) > most else 0
        found = self._walk[first:]
        del self._walk[first:]
        return [peer for peer in found if peer in self._of.get(peer.user_id, ())]
