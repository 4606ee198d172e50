"""The best of a sample of peers, by a score, for `strategy.py`; and the score of mika's own weights.

`_best_cy.pyx` is the same, compiled.
"""

from __future__ import annotations

from math import inf, isnan

from mika._peer_cy import Peer
from mika.swarm._side_cy import Side
from mika.swarm.weights import SCORES, Score, Weights
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED


class Weighted:
    """The sum of what the weights above 0 say."""

    __slots__ = ("_parts",)

    def __init__(self, weights: Weights) -> None:
        self._parts = [(weight, score) for weight, score in zip(weights, SCORES, strict=True) if weight]

    def __call__(self, asker: Peer, other: Peer, size: int) -> float:
        """Return what one peer is worth to another."""
        worth = 0.0
        for weight, score in self._parts:
            worth += weight * score(asker, other, size)
        return worth


class Best:
    """Chooses from a sample of at most `sample` peers; `at_random` of 100 whatever their score."""

    __slots__ = ("_at_random", "_sample", "_score")

    def __init__(self, score: Score, sample: int, at_random: int) -> None:
        self._score = score
        self._sample = sample
        self._at_random = at_random

    def choose(self, side: Side, asker: Peer, count: int, start: int, size: int) -> bytes | None:
        """Return the endpoints of `count` peers; None if no more than that of the sample may be handed out.

        The sample is evenly spread over the side, from slot `start` on: each peer is as likely as any other, and none
        comes twice. `size` is that of the torrent.
        """
        here = len(side)
        looked_at = min(here, max(self._sample, count))
        slots = [(start + step * here // looked_at) % here for step in range(looked_at)]
        slots = [slot for slot in slots if fits(asker, side.at(slot))]
        if len(slots) <= count:
            return None
        lucky = -(-count * self._at_random // 100)
        most = count - lucky
        chosen, rest = slots[:lucky], slots[lucky:]
        if most:
            worths = [self._score(asker, side.at(slot), size) for slot in rest]
            worths = [-inf if isnan(worth) else worth for worth in worths]  # what is no number is worst
            least = sorted(worths)[-most]
            equal = most - sum(worth > least for worth in worths)
            for slot, worth in zip(rest, worths, strict=True):
                if worth > least:
                    chosen.append(slot)
                elif worth == least and equal:
                    chosen.append(slot)
                    equal -= 1
        return side.gather(chosen)


def fits(asker: Peer, other: Peer) -> bool:
    """Say whether a peer may be handed to an asker: another account's, and their encryption fits."""
    if other.user_id == asker.user_id or (asker.crypto & CRYPTO_REQUIRED and not other.crypto & CRYPTO_SUPPORTED):
        return False
    return bool(asker.crypto & CRYPTO_SUPPORTED) or not other.crypto & CRYPTO_REQUIRED
