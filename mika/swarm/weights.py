"""How good one peer is for another, from 0 to 1, by place, progress, speed, priority and seed time; and their sum.

Pure functions of an asker, a candidate and the size of their torrent in bytes (0: unknown); `strategy.py` compares what
they say of the candidates of one announce.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, cos, log2, pi, radians, sin, sqrt
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
"""What a peer of unknown place is worth: as one abroad at a middling distance."""


class Weights(NamedTuple):
    """How much each counts; 0 does not, and costs nothing."""

    place: float = 0
    progress: float = 0
    speed: float = 0
    priority: float = 0
    seed_time: float = 0


def place(asker: Peer, other: Peer, _size: int = 0) -> float:
    """Prefer the same network (AS), then the same country, then what is nearer."""
    if asker.asn and asker.asn == other.asn:
        return SAME_NETWORK
    if asker.country and asker.country == other.country:
        return SAME_COUNTRY
    if asker.location is None or other.location is None:
        return NOBODY_KNOWS
    return NEAREST_ABROAD * (1 - _arc(asker.location, other.location))


def _arc(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return how far two places are apart, 1 being half way round the globe."""
    north1, east1, north2, east2 = map(radians, (*one, *other))
    half = sin((north2 - north1) / 2) ** 2 + cos(north1) * cos(north2) * sin((east2 - east1) / 2) ** 2
    return 2 * asin(min(1.0, sqrt(half))) / pi


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
    return max(0.0, 1 - peer.left / (size or peer.downloaded + peer.left or 1))


def speed(_asker: Peer, other: Peer, _size: int = 0) -> float:
    """Who uploads faster: 0 for nothing, 1 for 16 MiB a second and more, in between by the logarithm."""
    return min(1.0, log2(1 + other.speed_up / (16 * KIB)) / 10)


def priority(priority_of: Callable[[int], int]) -> Score:
    """Members whose role has a priority, 1 for 100 and more; `priority_of` a user id is its role's."""

    def score(_asker: Peer, other: Peer, _size: int = 0) -> float:
        return max(0.0, min(1.0, priority_of(other.user_id) / 100))

    return score


def seed_time(_asker: Peer, other: Peer, _size: int = 0) -> float:
    """Seeders that have been there for long, 1 for a week and more."""
    return min(1.0, (other.last_seen - other.first_seen) / WEEK) if other.seeder else 0.0


def weighted(weights: Weights, priority_of: Callable[[int], int]) -> Score:
    """Return the sum of what the weights above 0 say."""
    scores: tuple[Score, ...] = (place, progress, speed, priority(priority_of), seed_time)
    parts = [(weight, score) for weight, score in zip(weights, scores, strict=True) if weight]
    if len(parts) == 1:
        return parts[0][1]  # alone, its weight does not change the order

    def total(asker: Peer, other: Peer, size: int) -> float:
        worth = 0.0
        for weight, score in parts:
            worth += weight * score(asker, other, size)
        return worth

    return total
