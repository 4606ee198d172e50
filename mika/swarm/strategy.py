"""Peers by a score: the best of a random sample, and always some at random, so that nobody is left out.

What may be handed out at all is no matter of the score: one's own, and who does not fit the asker's encryption, are
never looked at, and who is not on a side of the swarm (no port, no routable address, no download slot) cannot be.
"""

from __future__ import annotations

from collections.abc import Callable

from mika._peer_cy import Peer
from mika.swarm._best_cy import Best
from mika.swarm._side_cy import Side
from mika.swarm.selection import Random, others_of, select_peers, take
from mika.swarm.swarm import Swarm
from mika.swarm.weights import Score


class BestOfSample:
    """A strategy: of a random sample of at most `sample` peers those with the best score.

    `at_random` of 100 peers that are handed out are taken whatever their score. The cost follows the sample, not the
    size of the swarm. Where a side of the swarm is not larger than what is asked for, all of it is handed out.
    """

    def __init__(self, score: Score, size_of: Callable[[bytes], int], sample: int, at_random: int) -> None:
        """`size_of` an info hash is the size of its torrent in bytes, 0 if unknown."""
        self._best = Best(score, sample, at_random)
        self._size_of = size_of

    def select(self, swarm: Swarm, peer: Peer, width: int, count: int, random: Random) -> bytes:
        """See `selection.Select`: seeders get leechers, leechers seeders first."""
        if width == 6:
            seeders, leechers = swarm.seeders4, swarm.leechers4
        else:
            seeders, leechers = swarm.seeders6, swarm.leechers6
        if count <= 0 or (len(seeders) <= count and len(leechers) <= count):
            return select_peers(swarm, peer, width, count, random)  # nothing to choose
        if peer.seeder or peer.paused:
            return self._best_of(swarm, leechers, count, peer, random)
        chosen = self._best_of(swarm, seeders, count, peer, random)
        missing = count - len(chosen) // width
        return chosen + self._best_of(swarm, leechers, missing, peer, random) if missing else chosen

    def _best_of(self, swarm: Swarm, side: Side, count: int, peer: Peer, random: Random) -> bytes:
        """Choose from one side."""
        if count < len(side):
            start = int(random() * len(side))
            chosen = self._best.choose(side, peer, count, start, self._size_of(swarm.info_hash))
            if chosen is not None:
                return chosen
        # All of a small side, and if few of the sample may be handed out, as many as there are, whatever the score.
        return take(side, count, peer, others_of(swarm, peer), random)
