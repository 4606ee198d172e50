"""Which peers an announce is answered with: never one's own, seeds get leechers, leechers get seeds first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mika._peer_cy import Peer
from mika.swarm.swarm import Side, Swarm
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
    own = swarm.peers.of(peer.user_id)
    if peer.seeder or peer.paused:
        return take(leechers, count, peer, own, random)
    chosen = take(seeders, count, peer, own, random)
    missing = count - len(chosen) // width
    return chosen + take(leechers, missing, peer, own, random) if missing else chosen


def take(side: Side, count: int, peer: Peer, own: list[Peer], random: Random) -> bytes:
    """Take endpoints from one side: as one slice at a random place where all of them fit the asker's encryption."""
    if not side.peers:
        return b""
    if (side.requiring and not peer.crypto & CRYPTO_SUPPORTED) or (side.plain and peer.crypto & CRYPTO_REQUIRED):
        return _filtered(side, count, peer, random)
    if len(own) == 1:
        slot = -1 if peer.seeder is not side.seeding else peer.slot4 if side.width == 6 else peer.slot6
        slots = [] if slot < 0 else [slot]
    else:
        slots = [getattr(each, side.slot_name) for each in own if each.seeder is side.seeding]
        slots = [slot for slot in slots if slot >= 0]
    return window(side, count, slots, random)


def window(side: Side, count: int, own: list[int], random: Random) -> bytes:
    """Cut `count` endpoints out of the ring of slots, beginning anywhere, stepping around the slots in `own`."""
    size = len(side.peers)
    width = side.width
    start = int(random() * size)
    if not own:
        return _ring(side, start, min(count, size))
    # Wide enough that as many are left as are wanted when one's own are cut out.
    take = min(count + len(own), size)
    chosen = _ring(side, start, take)
    for place in sorted([(slot - start) % size for slot in own], reverse=True):
        if place < take:
            chosen = chosen[: place * width] + chosen[(place + 1) * width :]
    return chosen[: count * width]


def _ring(side: Side, start: int, count: int) -> bytes:
    width = side.width
    end = start + count
    size = len(side.peers)
    if end <= size:
        return bytes(side.compact[start * width : end * width])
    return bytes(side.compact[start * width :] + side.compact[: (end - size) * width])


def fits(asker: Peer, other: Peer) -> bool:
    """Say whether a peer may be handed to an asker: another account's, and their encryption fits."""
    if other.user_id == asker.user_id or (asker.crypto & CRYPTO_REQUIRED and not other.crypto & CRYPTO_SUPPORTED):
        return False
    return bool(asker.crypto & CRYPTO_SUPPORTED) or not other.crypto & CRYPTO_REQUIRED


def _filtered(side: Side, count: int, peer: Peer, random: Random) -> bytes:
    """Walk the ring from anywhere and take the peers whose encryption fits: the rare way, for picky clients."""
    size = len(side.peers)
    width = side.width
    start = int(random() * size)
    chosen = bytearray()
    for step in range(size):
        slot = (start + step) % size
        other = side.peers[slot]
        if fits(peer, other):
            chosen += side.compact[slot * width : (slot + 1) * width]
            if len(chosen) == count * width:
                break
    return bytes(chosen)


RANDOM = Choice(select_peers, None)
"""The quick way: any that fit."""
