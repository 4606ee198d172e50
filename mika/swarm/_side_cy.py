"""One side of a swarm, seeders or leechers, in one family: the endpoints that are handed out, dense.

`swarm.py` adds and removes, `selection.py` and `strategy.py` read. `_side_cy.pyx` is the same, compiled.
"""

from __future__ import annotations

from mika._peer_cy import Peer
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED


class Side:
    """The compact endpoints of one side of a swarm in one family, kept dense.

    A peer knows its slot; removal moves the last endpoint into the hole, so that any number of peers is one slice.
    `seeding` says whether this is the seeders' side; `size` counts its peers, `requiring` those that accept only
    encrypted connections, `plain` those that cannot encrypt.
    """

    __slots__ = ("compact", "peers", "plain", "requiring", "seeding", "size", "slot_name", "width")

    def __init__(self, width: int, *, seeding: bool) -> None:
        self.width = width
        self.seeding = seeding
        self.slot_name = "slot4" if width == 6 else "slot6"
        self.compact = bytearray()
        self.peers: list[Peer] = []
        self.size = 0
        self.requiring = 0
        self.plain = 0

    def __len__(self) -> int:
        return self.size

    def add(self, peer: Peer, endpoint: bytes) -> None:
        """Hand this peer out from now on."""
        setattr(peer, self.slot_name, self.size)
        self.peers.append(peer)
        self.size += 1
        self.compact += endpoint
        self._count(peer, 1)

    def remove(self, peer: Peer) -> None:
        """Hand it out no more."""
        slot: int = getattr(peer, self.slot_name)
        setattr(peer, self.slot_name, -1)
        last = self.peers.pop()
        self.size -= 1
        width = self.width
        if last is not peer:
            self.peers[slot] = last
            setattr(last, self.slot_name, slot)
            self.compact[slot * width : (slot + 1) * width] = self.compact[-width:]
        del self.compact[-width:]
        self._count(peer, -1)

    def slot_of(self, peer: Peer) -> int:
        """Return the slot of a peer, -1 if it is not on this side."""
        if peer.seeder is not self.seeding:
            return -1
        return peer.slot4 if self.width == 6 else peer.slot6

    def at(self, slot: int) -> Peer:
        """Return the peer in a slot."""
        return self.peers[slot]

    def cut(self, start: int, count: int) -> bytes:
        """Return the endpoints in `count` slots from `start` on, where the last is followed by the first."""
        width = self.width
        end = start + count
        if end <= self.size:
            return bytes(self.compact[start * width : end * width])
        return bytes(self.compact[start * width :] + self.compact[: (end - self.size) * width])

    def gather(self, slots: list[int]) -> bytes:
        """Return the endpoints in these slots."""
        width, compact = self.width, self.compact
        return b"".join([compact[slot * width : (slot + 1) * width] for slot in slots])

    def _count(self, peer: Peer, by: int) -> None:
        if peer.crypto & CRYPTO_REQUIRED:
            self.requiring += by
        if not peer.crypto & CRYPTO_SUPPORTED:
            self.plain += by
