"""Swarms without a tracker: peers that announce to them, and what is to be seen of them then."""

from __future__ import annotations

from builders import INFO_HASH, NOW, PEER_ID

from mika.model import Peer
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms
from mika.wire.request import AnnounceRequest

TTL = 2700
COUNTERS_TTL = 1_814_400
OTHER_HASH = bytes(20)
ENDPOINT4 = bytes([81, 2, 69, 142, 26, 225])
ENDPOINT6 = bytes([42] * 16) + b"\x1a\xe1"
PRIVATE = bytes([10, 0, 0, 1, 26, 225])


def make_swarms(peer_ttl: int = TTL, counters_ttl: int = COUNTERS_TTL) -> Noting:
    """Return swarms without a peer, which hand out everything but `PRIVATE`."""
    return Noting(peer_ttl, counters_ttl)


class Noting(Swarms):
    """Swarms that note what they tell: of whom, and whether it is gone."""

    def __init__(self, peer_ttl: int, counters_ttl: int) -> None:
        self.told: list[tuple[bytes, int, bytes, bool]] = []
        super().__init__(peer_ttl, counters_ttl, lambda endpoint: endpoint != PRIVATE, self._note)

    def _note(self, info_hash: bytes, peer: Peer, gone: bool) -> None:
        self.told.append((info_hash, peer.user_id, peer.peer_id, gone))


def announce(
    swarms: Swarms,
    now: int = NOW,
    *,
    user_id: int = 1,
    peer_id: bytes = PEER_ID,
    info_hash: bytes = INFO_HASH,
    endpoint: bytes = ENDPOINT4,
    **said,
) -> Peer:
    """Let a peer announce, as the tracker does; one that is new joins."""
    swarm = swarms.get(info_hash)
    peer = None if swarm is None else swarm.peers.find(user_id, peer_id)
    if swarm is None or peer is None:
        swarm, peer = swarms.join(info_hash, user_id, peer_id, now)
    swarms.refresh(swarm, peer, AnnounceRequest(None, info_hash, peer_id, endpoint, **said), now)
    return peer


def swarm_of(swarms: Swarms, info_hash: bytes = INFO_HASH) -> Swarm:
    """Return a swarm that must be there."""
    swarm = swarms.get(info_hash)
    assert swarm is not None
    return swarm


def handed_out(swarm: Swarm) -> dict[str, bytes]:
    """Return the endpoints on each side, without the empty ones."""
    sides = ("seeders4", "leechers4", "seeders6", "leechers6")
    return {name: bytes(getattr(swarm, name).compact) for name in sides if len(getattr(swarm, name))}


def counts(swarms: Swarms) -> tuple[int, int, int]:
    """Return seeders, leechers, and the peers of all swarms."""
    swarm = swarms.get(INFO_HASH)
    return (0, 0, swarms.peer_count) if swarm is None else (swarm.complete, swarm.incomplete, swarms.peer_count)
