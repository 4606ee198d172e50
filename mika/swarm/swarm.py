"""One torrent's swarm: who is in it, how many seed, and the compact endpoints that are handed out.

`tracker.py` joins, refreshes and removes peers; `selection.py` reads the sides. Every step costs the same whatever the
size of the swarm.
"""

from __future__ import annotations

from collections.abc import Callable

from mika import _peer_cy
from mika._peer_cy import Peer
from mika.swarm._peers_cy import Peers
from mika.swarm._side_cy import Side
from mika.swarm.presence import Presence
from mika.wire._request_cy import AnnounceRequest
from mika.wire.request import PAUSED

Listable = Callable[[bytes], bool]
"""Whether a compact endpoint may be handed out."""


# What a swarm has where nobody is: a side of its own is made for the first who comes.
NO_SEEDERS4 = Side(6, seeding=True)
NO_LEECHERS4 = Side(6, seeding=False)
NO_SEEDERS6 = Side(18, seeding=True)
NO_LEECHERS6 = Side(18, seeding=False)

NEVER = 2**32 - 1
"""A second that does not come."""


def leeches(peer: Peer) -> bool:
    """Say whether a peer holds a download slot."""
    return peer.active and not (peer.seeder or peer.paused or peer.waiting)


class Swarm:
    """The peers of one torrent.

    `peers` has the silent ones too. `complete` and `incomplete` count the active ones, a dual-stack client once;
    `paused` those of the incomplete that are partial seeds. `gone`, `due` and `soonest` are of `Swarms`: whether the
    last peer left and this is no swarm any more; when it looks at this swarm for who fell silent, and when next, as far
    as a look that is on its way knows.
    """

    __slots__ = (
        "complete",
        "due",
        "gone",
        "incomplete",
        "info_hash",
        "leechers4",
        "leechers6",
        "paused",
        "peers",
        "presence",
        "seeders4",
        "seeders6",
        "soonest",
    )

    def __init__(self, info_hash: bytes, presence: Presence) -> None:
        self.info_hash = info_hash
        self.presence = presence
        self.peers = Peers()
        self.complete = 0
        self.incomplete = 0
        self.paused = 0
        self.gone = False
        self.due = NEVER
        self.soonest = NEVER
        self.seeders4 = NO_SEEDERS4
        self.leechers4 = NO_LEECHERS4
        self.seeders6 = NO_SEEDERS6
        self.leechers6 = NO_LEECHERS6

    def active_of(self, user_id: int) -> list[Peer]:
        """Return the active peers of one user."""
        return [peer for peer in self.peers.of(user_id) if peer.active]

    def holds_slot(self, user_id: int) -> bool:
        """Say whether a user has a download slot for this torrent."""
        return any(leeches(peer) for peer in self.peers.of(user_id))

    def add(self, peer: Peer) -> None:
        """Take in a peer that is not active yet."""
        self.peers.add(peer)

    def discard(self, peer: Peer) -> None:
        """Forget a peer with its endpoints and its counters."""
        if peer.active:
            self.silence(peer)
        self.peers.remove(peer)

    def silence(self, peer: Peer) -> None:
        """Take an active peer out of lists and counts; its counters stay."""
        self._count(peer, -1)
        peer.active = False
        self.displace(peer, 4)
        self.displace(peer, 6)

    def refresh(self, peer: Peer, request: AnnounceRequest, now: int, listable: Listable) -> None:
        """Bring a peer up to date with its announce; a new or silent one becomes active."""
        seeder = request.left == 0
        paused = request.event is PAUSED and not seeder
        if not peer.active or peer.seeder is not seeder or peer.paused is not paused or peer.crypto != request.crypto:
            self._reclassify(peer, seeder, paused, request.crypto)
        endpoint = request.endpoint
        if not _peer_cy.is_at(peer, endpoint):
            self.place(peer, endpoint, listable)
        if len(endpoint) == 6:
            peer.seen4 = now
        else:
            peer.seen6 = now
        peer.uploaded = request.uploaded
        peer.downloaded = request.downloaded
        peer.left = request.left
        _peer_cy.set_key(peer, request.key)
        peer.last_seen = now

    def place(self, peer: Peer, endpoint: bytes, listable: Listable) -> None:
        """Give a peer this endpoint in its family, handed out if it is listable."""
        family = 4 if len(endpoint) == 6 else 6
        self.unlist(peer, family)
        if family == 4:
            old, peer.endpoint4 = peer.endpoint4, endpoint
        else:
            old, peer.endpoint6 = peer.endpoint6, endpoint
        if old[:-2] != endpoint[:-2]:
            self.presence.moved(peer, old, endpoint)
        if listable(endpoint) and not peer.waiting:
            self._side(peer, family).add(peer, endpoint)

    def displace(self, peer: Peer, family: int) -> None:
        """Take the peer's endpoint of this family from it."""
        self.unlist(peer, family)
        if family == 4:
            old, peer.endpoint4 = peer.endpoint4, b""
        else:
            old, peer.endpoint6 = peer.endpoint6, b""
        if old:
            self.presence.moved(peer, old, b"")

    def hold_back(self, peer: Peer) -> None:
        """Let an active peer wait: it is handed to nobody, and holds no download slot."""
        self._count(peer, -1)
        peer.waiting = True
        self._count(peer, 1)
        self.unlist(peer, 4)
        self.unlist(peer, 6)

    def let_in(self, peer: Peer, listable: Listable) -> None:
        """Let an active peer wait no longer."""
        self._count(peer, -1)
        peer.waiting = False
        self._count(peer, 1)
        self.relist(peer, listable)

    def relist(self, peer: Peer, listable: Listable) -> None:
        """Hand out those of an active peer's endpoints that are listable, and no other."""
        for endpoint, slot in ((peer.endpoint4, peer.slot4), (peer.endpoint6, peer.slot6)):
            if endpoint and (slot >= 0) is not (listable(endpoint) and not peer.waiting):
                self.place(peer, endpoint, listable)

    def restore(self, peer: Peer, listable: Listable) -> None:
        """Let a peer that was added be as a store kept it, active or silent."""
        if peer.active:
            self._count(peer, 1)
            endpoints = peer.endpoint4, peer.endpoint6
            peer.endpoint4 = peer.endpoint6 = b""
            for endpoint in endpoints:
                if endpoint:
                    self.place(peer, endpoint, listable)

    def unlist(self, peer: Peer, family: int) -> None:
        """Hand out the peer's endpoint of this family no more."""
        if (peer.slot4 if family == 4 else peer.slot6) >= 0:
            self._side(peer, family).remove(peer)

    def _reclassify(self, peer: Peer, seeder: bool, paused: bool, crypto: int) -> None:
        """Move a peer to where it belongs now: among the seeders or the leechers, with this kind of encryption."""
        listed = [family for family in (4, 6) if (peer.slot4 if family == 4 else peer.slot6) >= 0]
        for family in listed:
            self.unlist(peer, family)
        if peer.active:
            self._count(peer, -1)
        peer.seeder = seeder
        peer.paused = paused
        peer.crypto = crypto
        peer.active = True
        self._count(peer, 1)
        for family in listed:
            self._side(peer, family).add(peer, peer.endpoint4 if family == 4 else peer.endpoint6)

    def _side(self, peer: Peer, family: int) -> Side:
        """Return the side on which a peer is, or is to be."""
        if family == 4:
            if peer.seeder:
                if self.seeders4 is NO_SEEDERS4:
                    self.seeders4 = Side(6, seeding=True)
                return self.seeders4
            if self.leechers4 is NO_LEECHERS4:
                self.leechers4 = Side(6, seeding=False)
            return self.leechers4
        if peer.seeder:
            if self.seeders6 is NO_SEEDERS6:
                self.seeders6 = Side(18, seeding=True)
            return self.seeders6
        if self.leechers6 is NO_LEECHERS6:
            self.leechers6 = Side(18, seeding=False)
        return self.leechers6

    def _count(self, peer: Peer, by: int) -> None:
        if peer.seeder:
            self.complete += by
        else:
            self.incomplete += by
            if peer.paused:
                self.paused += by
            elif not peer.waiting and peer.user_id >= 0:  # in public mode a peer is its own account: nothing to count
                self._count_slot(peer, by)

    def _count_slot(self, peer: Peer, by: int) -> None:
        """Count the download slot that a user has for this torrent: one, whatever the number of their leechers."""
        if self.peers.is_alone(peer) or not any(
            each is not peer and leeches(each) for each in self.peers.of(peer.user_id)
        ):
            self.presence.count_slot(peer.user_id, by)
