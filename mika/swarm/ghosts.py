"""Which peers are an earlier life of a client that announces: it crashed, and returned with another peer id.

`key` is what a client says to prove that it is the same (BEP 7); with it, the address must be the same too.
"""

from __future__ import annotations

from mika.model import Peer
from mika.swarm.presence import network_of
from mika.swarm.swarm import Swarm
from mika.wire.request import AnnounceRequest


def is_ghost(peer: Peer, request: AnnounceRequest) -> bool:
    """Say whether a peer of the same user is what an announce with another peer id was before.

    It has the same key and announced from the same address, of IPv6 from the same network of 64 bits: a host takes new
    addresses there. A port says nothing: some clients draw a new one at each start, and behind one address two clients
    may name the same. Without a key two clients of a home could not be told apart.
    """
    if not request.key or peer.key != request.key or peer.peer_id == request.peer_id or not peer.active:
        return False
    endpoint = request.endpoint
    known = peer.endpoint4 if len(endpoint) == 6 else peer.endpoint6
    return bool(known) and network_of(known) == network_of(endpoint)


def ghosts_of(swarm: Swarm, user_id: int, request: AnnounceRequest) -> list[Peer]:
    """Return what a user's client that announces left behind in a swarm."""
    return [peer for peer in swarm.peers.of(user_id) if is_ghost(peer, request)]
