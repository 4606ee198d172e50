"""Which peers an announce is answered with: never one's own, seeds get leechers, leechers get seeds first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mika._peer_cy import Peer
from mika.swarm._best_cy import fits
from mika.swarm._side_cy import Side
from mika.swarm.swarm import Swarm
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED, AnnounceRequest

Random = Callable[[], float]
"""A source of numbers from 0 to 1, such as `random.Random(7).random`."""

Select = Callable[[Swarm, Peer, int, int, Random], bytes]
"""What answers an announce with peers: as `select_peers` does, or by weights (`strategy.py`)."""

Measure = Callable[[Peer, AnnounceRequest, int], None]
"""What notes how fast a peer is: it is told of an announce before that counts."""


class Choice(NamedTuple):
    """What answers an announce with peers, and what has to be told of each announce for it, if anything."""

    select: Select
    measure: Measure | None


def select_peers(swarm: Swarm, peer: Peer, width: int, count: int, random: Random) -> bytes:
    """Answer with up to `count` compact endpoints of one width (6 bytes: IPv4, 18: IPv6) for this peer.

    A partial seed (BEP 21) wants what a seed wants: leechers.
    """
    if count <= 0:
        return b""
    if width == 6:
        seeders, leechers = swarm.seeders4, swarm.leechers4
    else:
        seeders, leechers = swarm.seeders6, swarm.leechers6
    own = others_of(swarm, peer)
    if peer.seeder or peer.paused:
        return take(leechers, count, peer, own, random)
    chosen = take(seeders, count, peer, own, random)
    missing = count - len(chosen) // width
    return chosen + take(leechers, missing, peer, own, random) if missing else chosen


def others_of(swarm: Swarm, peer: Peer) -> list[Peer] | None:
    """Return the peers of a user if there are others than this one; nearly always there are none."""
    return None if swarm.peers.is_alone(peer) else swarm.peers.of(peer.user_id)


def take(side: Side, count: int, peer: Peer, own: list[Peer] | None, random: Random) -> bytes:
    """Take endpoints from one side: as one slice at a random place where all of them fit the asker's encryption."""
    size = side.size
    if not size:
        return b""
    if (side.requiring and not peer.crypto & CRYPTO_SUPPORTED) or (side.plain and peer.crypto & CRYPTO_REQUIRED):
        return _filtered(side, count, peer, random)
    if own is not None:
        slots = [side.slot_of(each) for each in own]
        return window(side, count, [slot for slot in slots if slot >= 0], random)
    slot = side.slot_of(peer)
    start = int(random() * size)
    if slot < 0:
        return side.cut(start, min(size, count))
    # All of the ring but one's own slot, as many as are wanted, from anywhere on.
    before = (slot - start) % size
    if count <= before:
        return side.cut(start, count)
    after = min(count, size - 1) - before
    return side.cut(start, before) + side.cut((slot + 1) % size, after)


def window(side: Side, count: int, own: list[int], random: Random) -> bytes:
    """Cut `count` endpoints out of the ring of slots, beginning anywhere, stepping around the slots in `own`."""
    size = side.size
    width = side.width
    start = int(random() * size)
    # Wide enough that as many are left as are wanted when one's own are cut out.
    take = min(count + len(own), size)
    chosen = side.cut(start, take)
    for place in sorted([(slot - start) % size for slot in own], reverse=True):
        if place < take:
            chosen = chosen[: place * width] + chosen[(place + 1) * width :]
    return chosen[: count * width]


def _filtered(side: Side, count: int, peer: Peer, random: Random) -> bytes:
    """Walk the ring from anywhere and take the peers whose encryption fits: the rare way, for picky clients."""
    size = side.size
    start = int(random() * size)
    chosen: list[int] = []
    for step in range(size):
        slot = (start + step) % size
        if fits(peer, side.at(slot)):
            chosen.append(slot)
            if len(chosen) == count:
                break
    return side.gather(chosen)


RANDOM = Choice(select_peers, None)
"""The quick way: any that fit."""
