"""How good one peer is for another, from 0 to 1, by place, progress, speed, priority and seed time.

Pure functions of an asker, a candidate and the size of their torrent in bytes (0: unknown); `_best_cy.py` compares the
weighted sums of what they say of the candidates of one announce, and its compiled twin has them in C.
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp, sqrt
from typing import NamedTuple

from mika.model import Peer

Score = Callable[[Peer, Peer, int], float]
"""How good a candidate (the second) is for an asker; more is better, and only the order counts."""

KIB = 1024
WEEK = 7 * 86400

SAME_NETWORK = 1.0
SAME_COUNTRY = 0.75
NEAREST_ABROAD = 0.5
"""What a peer abroad is worth at most; it falls to 0 at the other end of the globe."""

NOBODY_KNOWS = 0.25
"""What a peer of unknown place is worth: as one abroad at a middling distance, a sixth of the way round the globe."""


class Weights(NamedTuple):
    """How much each counts; 0 does not, and costs nothing."""

    place: float = 0
    progress: float = 0
    speed: float = 0
    priority: float = 0
    seed_time: float = 0


def place(asker: Peer, other: Peer, _size: int = 0) -> float:
    """Prefer the same network (AS), then the same country, then what is nearer, straight through the globe."""
    here, there = asker.place, other.place
    if here.asn and here.asn == there.asn:
        return SAME_NETWORK
    if here.country and here.country == there.country:
        return SAME_COUNTRY
    if here.location is None or there.location is None:
        return NOBODY_KNOWS
    x, y, z = here.x - there.x, here.y - there.y, here.z - there.z
    return max(0.0, NEAREST_ABROAD - NEAREST_ABROAD / 2 * sqrt(x * x + y * y + z * z))


def progress(asker: Peer, other: Peer, size: int) -> float:
    """Leechers that complement each other.

    Of two that have shares p and q of the pieces, by chance which, one lacks q(1 - p) that the other has, and the
    other p(1 - q) that the one has. A seeder has all, and asks for none: there it says the same of everybody.
    """
    if asker.seeder or other.seeder:
        return 0.5
    have, has = done(asker, size), done(other, size)
    return have + has - 2 * have * has


def done(peer: Peer, size: int) -> float:
    """Return which share of its torrent a peer has; 0 for a client that says it does not know yet what is left."""
    return max(0.0, 1 - float(peer.left) / float(size or float(peer.downloaded) + float(peer.left) or 1))


def speed(_asker: Peer, other: Peer, _size: int = 0) -> float:
    """Who uploads faster: 0 for nothing, 1 for 16 MiB a second and more, between them by the logarithm.

    It is a straight line between powers of two, which no order of speeds notices.
    """
    part, exponent = frexp(1 + float(other.speed_up) / (16 * KIB))
    return min(1.0, (exponent - 2 + 2 * part) / 10)


def priority(_asker: Peer, other: Peer, _size: int = 0) -> float:
    """Members whose role has a priority, 1 for 100 and more."""
    return min(1.0, other.priority / 100)


def seed_time(_asker: Peer, other: Peer, _size: int = 0) -> float:
    """Seeders that have been there for long, 1 for a week and more."""
    return min(1.0, (other.last_seen - other.first_seen) / WEEK) if other.seeder else 0.0


SCORES: tuple[Score, ...] = (place, progress, speed, priority, seed_time)
"""In the order of `Weights`."""
