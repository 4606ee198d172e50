"""Peer: one client in one swarm. `model.py` has it among the nouns; `_peer_cy.pyx` is the same packed, and compiled."""

from __future__ import annotations

from mika._place_cy import NOWHERE, Place

PEER_ID = 20
"""Bytes of a peer id."""

LEFT_UNKNOWN = 2**64 - 1
"""`left` of a client that does not know yet: it has no metadata, or did not say (client quirk 2.2)."""


class Peer:
    """One client of one user in one swarm: (user, torrent, peer_id), with one endpoint a family at most.

    An endpoint is the compact form of BEP 23 or BEP 7: address and port, 6 or 18 bytes, empty when there is none.
    A slot is the peer's place among the endpoints that are handed out, -1 when this one is not. A peer that fell
    silent is no longer `active`: it is in no list and no count, but its counters stay the baseline for its return.
    One that is `waiting` for a download slot is active, and handed to nobody.
    `place` is where its address is, the same object for all that are there. Speeds are bytes a second; they and the
    `priority` of its user, 0 to 100, are only noted where peer selection needs them.
    """

    __slots__ = (
        "active",
        "crypto",
        "downloaded",
        "endpoint4",
        "endpoint6",
        "first_seen",
        "key",
        "last_seen",
        "left",
        "paused",
        "peer_id",
        "place",
        "priority",
        "seeder",
        "seen4",
        "seen6",
        "slot4",
        "slot6",
        "speed_down",
        "speed_up",
        "uploaded",
        "user_id",
        "waiting",
    )

    def __init__(self, user_id: int, peer_id: bytes, now: int) -> None:
        if len(peer_id) != PEER_ID:
            raise ValueError("a peer id is 20 bytes")
        self.user_id = user_id
        self.peer_id = peer_id
        self.key = b""
        self.uploaded = 0
        self.downloaded = 0
        self.left = LEFT_UNKNOWN
        self.seeder = False
        self.paused = False
        self.active = False
        self.waiting = False
        self.crypto = 0
        self.endpoint4 = b""
        self.endpoint6 = b""
        self.slot4 = -1
        self.slot6 = -1
        self.seen4 = 0
        self.seen6 = 0
        self.first_seen = now
        self.last_seen = now
        self.place = NOWHERE
        self.priority = 0
        self.speed_up = 0
        self.speed_down = 0

    @property
    def country(self) -> str:
        """The country of its place, empty if unknown."""
        return self.place.country

    @property
    def asn(self) -> int:
        """The network of its place, 0 if unknown."""
        return self.place.asn

    @property
    def location(self) -> tuple[float, float] | None:
        """Degrees north and east of its place, None if unknown."""
        return self.place.location

    @location.setter
    def location(self, location: tuple[float, float] | None) -> None:
        if location != self.place.location:
            self.place = Place(self.place.country, self.place.asn, location)


def is_at(peer: Peer, endpoint: bytes) -> bool:
    """Say whether a peer is handed out with this endpoint."""
    if len(endpoint) == 6:
        return peer.endpoint4 == endpoint and peer.slot4 >= 0
    return peer.endpoint6 == endpoint and peer.slot6 >= 0


def quiet_since(peer: Peer) -> int:
    """Return when a peer was last heard of over the one of its families that is quiet for longest."""
    seen4 = peer.seen4 if peer.endpoint4 else peer.last_seen
    seen6 = peer.seen6 if peer.endpoint6 else peer.last_seen
    return min(seen4, seen6, peer.last_seen)


def set_key(peer: Peer, key: bytes) -> None:
    """Note the key of a peer: nearly always the one that it has."""
    peer.key = key
