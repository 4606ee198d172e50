"""Peer: one client in one swarm. `model.py` has it among the nouns."""

from __future__ import annotations

LEFT_UNKNOWN = 2**64 - 1
"""`left` of a client that does not know yet: it has no metadata, or did not say (client quirk 2.2)."""


class Peer:
    """One client of one user in one swarm: (user, torrent, peer_id), with one endpoint a family at most.

    An endpoint is the compact form of BEP 23 or BEP 7: address and port, 6 or 18 bytes, empty when there is none.
    A slot is the peer's place among the endpoints that are handed out, -1 when this one is not. A peer that fell
    silent is no longer `active`: it is in no list and no count, but its counters stay the baseline for its return.
    One that is `waiting` for a download slot is active, and handed to nobody.
    `due` is when `Swarms` looks next whether it fell silent. `location` is degrees north and east, None if unknown;
    `country` two capitals (ISO 3166-1), empty if unknown; `asn` the number of its network, 0 if unknown. Speeds are
    bytes a second, and only measured where peer selection needs them.
    """

    __slots__ = (
        "active",
        "asn",
        "country",
        "crypto",
        "downloaded",
        "due",
        "endpoint4",
        "endpoint6",
        "first_seen",
        "key",
        "last_seen",
        "left",
        "location",
        "paused",
        "peer_id",
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
        self.due = 0
        self.location: tuple[float, float] | None = None
        self.country = ""
        self.asn = 0
        self.speed_up = 0
        self.speed_down = 0
