"""`/v1/torrents/{info_hash}/peers` and `/v1/users/{id}/peers`: who is in a swarm, and where a user is."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mika import model
from mika.admin.call import Answer, Call
from mika.admin.models import Nearby, PeerPage
from mika.admin.problems import field_problem
from mika.admin.views import Items, PeerView, peer_view, user_peer_view
from mika.interfaces import Circle
from mika.swarm.swarm import Swarm

Key = TypeVar("Key", bound=tuple[Any, ...])


async def list_torrent_peers(call: Call) -> Answer:
    """List the peers of a torrent, a page at a time.

    The active ones, in order of user and peer id. With `near` and `within` only those whose address is in that circle,
    the nearest first; what announces changed is written to the peers store before it is asked.
    """
    torrent = await call.context.directory.torrent(call.parameters["info_hash"])
    query: Nearby = call.query
    swarm = call.context.swarms.get(torrent.info_hash)
    if (query.near is None) is not (query.within is None):
        raise field_problem("near" if query.near is None else "within", "near and within are given together")
    if query.near is not None and query.within is not None:
        return await _near(call, torrent.info_hash, swarm, Circle(*query.near, query.within * 1000))
    after = _torrent_cursor(query.after)
    peers = () if swarm is None else swarm.peers
    found = {key: peer for peer in peers if peer.active and (key := (peer.user_id, peer.peer_id)) > after}
    return _page(call, found, lambda key: peer_view(found[key]), lambda key: f"{key[0]}-{key[1].hex()}")


async def _near(call: Call, info_hash: bytes, swarm: Swarm | None, circle: Circle) -> Answer:
    """Answer with a page of those that are near; the cursor counts them, as distance alone is no order."""
    if not re.fullmatch(r"[0-9]{1,9}", call.query.after or "0"):
        raise field_problem("after", "the `next` of a page before is needed")
    begin = int(call.query.after or 0)
    found = await call.context.peers_near(info_hash, circle)
    there = [] if swarm is None else [swarm.peers.find(*key) for key in found]
    active = [peer for peer in there if peer is not None and peer.active]
    shown = active[begin : begin + call.query.limit]
    following = str(begin + len(shown)) if len(active) > begin + len(shown) else None
    return Answer(200, Items[PeerView](items=[peer_view(peer) for peer in shown], next=following))


async def list_user_peers(call: Call) -> Answer:
    """List the peers of a user, a page at a time.

    The active ones, in all swarms, in order of info hash and peer id; each says of which torrent it is. With `idle`
    only those that were silent for so long.
    """
    user = await call.context.directory.user(call.parameters["id"])
    after = _user_cursor(call.query.after)
    found = {
        (swarm.info_hash, peer.peer_id): peer
        for swarm in call.context.swarms.of_user(user.id)
        for peer in swarm.active_of(user.id)
        if (swarm.info_hash, peer.peer_id) > after and _is_idle(call, peer)
    }
    return _page(
        call, found, lambda key: user_peer_view(key[0], found[key]), lambda key: f"{key[0].hex()}-{key[1].hex()}"
    )


async def drop_user_peers(call: Call) -> Answer:
    """Take a user's peers out of their swarms.

    For ghosts, which hold a place that a client needs. Their counters stay, so that one that is alive after all loses
    nothing when it announces again. With `idle` only those that were silent for so long: `?idle=1h`.
    """
    user = await call.context.directory.user(call.parameters["id"])
    swarms = call.context.swarms
    for swarm in swarms.of_user(user.id):
        for peer in swarm.active_of(user.id):
            if _is_idle(call, peer):
                swarms.silence(swarm, peer)
    return Answer(204)


def _is_idle(call: Call, peer: model.Peer) -> bool:
    query: PeerPage = call.query
    return query.idle is None or peer.last_seen + query.idle <= call.context.directory.now()


def _page(call: Call, keys: Iterable[Key], view: Callable[[Key], PeerView], cursor: Callable[[Key], str]) -> Answer:
    """Answer with the first of these; a swarm may be large, so that it is not put in order as a whole."""
    limit: int = call.query.limit
    first = heapq.nsmallest(limit + 1, keys)
    shown = first[:limit]
    following = cursor(shown[-1]) if len(first) > limit else None
    return Answer(200, Items[Any](items=[view(key) for key in shown], next=following))


def _torrent_cursor(after: str | None) -> tuple[int, bytes]:
    if after is None:
        return -(2**63), b""  # accounts of public mode have numbers below 0
    found = re.fullmatch(r"(-?[0-9]{1,20})-([0-9a-f]{40})", after)
    if found is None:
        raise field_problem("after", "the `next` of a page before is needed")
    return int(found[1]), bytes.fromhex(found[2])


def _user_cursor(after: str | None) -> tuple[bytes, bytes]:
    if after is None:
        return b"", b""
    found = re.fullmatch(r"([0-9a-f]{40})-([0-9a-f]{40})", after)
    if found is None:
        raise field_problem("after", "the `next` of a page before is needed")
    return bytes.fromhex(found[1]), bytes.fromhex(found[2])
