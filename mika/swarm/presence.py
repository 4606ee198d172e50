"""What is counted of a user while their peers come, move and go; `swarm.py` tells it, the rules ask it.

It is told of changes alone, so that an announce which changes nothing costs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable

from mika.model import Peer
from mika.swarm._member_cy import Member
from mika.swarm.tally import Tally

Locate = Callable[[Peer], None]
"""Told of a peer that has a new address: to say where it is."""


def network_of(endpoint: bytes) -> bytes:
    """Return what counts as one address of a compact endpoint: an IPv4 address, or the 64 bits of an IPv6 network.

    A host has many IPv6 addresses in its network, and takes a new one every day (RFC 8981).
    """
    return endpoint[:4] if len(endpoint) == 6 else endpoint[:8]


class Presence:
    """`members`: by user id, where each user is who has a peer, and for how many torrents they hold a download slot.

    `addresses4` and `addresses6`: the networks of a user's active peers, and of how many; only if they are counted.
    """

    __slots__ = ("addresses4", "addresses6", "counting", "locate", "members")

    def __init__(self) -> None:
        self.members: dict[int, Member] = {}
        self.addresses4 = Tally()
        self.addresses6 = Tally()
        self.counting = False
        self.locate: Locate | None = None

    def count_slot(self, user_id: int, by: int) -> None:
        """Count a torrent for which a user leeches, or (-1) leeches no more."""
        self.members[user_id].leeching += by

    def slots_of(self, user_id: int) -> int:
        """Return for how many torrents a user holds a download slot."""
        member = self.members.get(user_id)
        return 0 if member is None else member.leeching

    def enter(self, swarm: object, user_id: int) -> None:
        """Note that a user has a first peer in a swarm."""
        member = self.members.get(user_id)
        if member is None:
            member = self.members[user_id] = Member()
        member.enter(swarm)

    def leave(self, swarm: object, user_id: int) -> None:
        """Note that a user has no peer in a swarm any more."""
        member = self.members[user_id]
        member.leave(swarm)
        if not len(member):
            del self.members[user_id]

    def moved(self, peer: Peer, old: bytes, new: bytes) -> None:
        """Hear that the address of a peer in one family is another; an empty endpoint is none."""
        if self.counting:
            addresses = self.addresses4 if len(old or new) == 6 else self.addresses6
            if old:
                addresses.add(peer.user_id, network_of(old), -1)
            if new:
                addresses.add(peer.user_id, network_of(new), 1)
        if new and self.locate is not None:
            self.locate(peer)
