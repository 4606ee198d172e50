"""Peers by a score: the best of a random sample, and always some at random, so that nobody is left out.

What may be handed out at all is no matter of the score: one's own, and who does not fit the asker's encryption, are
never looked at, and who is not on a side of the swarm (no port, no routable address, no download slot) cannot be.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import nlargest

from mika.model import Peer
from mika.swarm._side_cy import Side
from mika.swarm.selection import Random, fits, others_of, select_peers, take
from mika.swarm.swarm import Swarm
from mika.swarm.weights import Score


class BestOfSample:
    """A strategy: of a random sample of at most `sample` peers those with the best score.

    `at_random` of 100 peers that are handed out are taken whatever their score. The cost follows the sample, not the
    size of the swarm. Where a side of the swarm is not larger than what is asked for, all of it is handed out.
    """

    def __init__(self, score: Score, size_of: Callable[[bytes], int], sample: int, at_random: int) -> None:
        """`size_of` an info hash is the size of its torrent in bytes, 0 if unknown."""
        self._score = score
        self._size_of = size_of
        self._sample = sample
        self._at_random = at_random

    def select(self, swarm: Swarm, peer: Peer, width: int, count: int, random: Random) -> bytes:
        """See `selection.Select`: seeders get leechers, leechers seeders first."""
        if width == 6:
            seeders, leechers = swarm.seeders4, swarm.leechers4
        else:
            seeders, leechers = swarm.seeders6, swarm.leechers6
        if count <= 0 or (len(seeders) <= count and len(leechers) <= count):
            return select_peers(swarm, peer, width, count, random)  # nothing to choose
        if peer.seeder or peer.paused:
            return self._best(swarm, leechers, count, peer, random)
        chosen = self._best(swarm, seeders, count, peer, random)
        missing = count - len(chosen) // width
        return chosen + self._best(swarm, leechers, missing, peer, random) if missing else chosen

    def _best(self, swarm: Swarm, side: Side, count: int, peer: Peer, random: Random) -> bytes:
        """Choose from one side."""
        size = len(side)
        own = others_of(swarm, peer)
        if size <= count:
            return take(side, count, peer, own, random)
        looked_at = min(size, max(self._sample, count))
        # Evenly spread over the side from anywhere: each peer is as likely as any other, and none comes twice.
        start = int(random() * size)
        slots = [(start + step * size // looked_at) % size for step in range(looked_at)]
        slots = [slot for slot in slots if fits(peer, side.at(slot))]
        if len(slots) <= count:
            # Few of the sample may be handed out: whatever the score, the asker is to have as many as it wants.
            return take(side, count, peer, own, random)
        lucky = -(-count * self._at_random // 100)
        score, bytes_in_all = self._score, self._size_of(swarm.info_hash)
        best = nlargest(count - lucky, slots[lucky:], key=lambda slot: score(peer, side.at(slot), bytes_in_all))
        return side.gather(slots[:lucky] + best)
