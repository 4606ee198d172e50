"""How much the peers of a swarm may have received without having told yet: what is left of them."""

from __future__ import annotations

from collections.abc import Iterable

from mika.model import Peer


def left_of(peers: Iterable[Peer], one: tuple[int, bytes], since: int, until: int) -> int:
    """Return what is left of all peers but one (by user and peer id), of the silent only those seen since a time.

    Who announced after `until` has told what they received by then, and nothing is left of them.

    Of each user's silent peers that is the one with the most left: a client that is started again goes on with the
    same data under another peer id, and its ghosts together received no more than was left of the first.
    """
    active, silent = 0, dict[int, int]()
    for peer in peers:
        if (peer.user_id, peer.peer_id) == one or not peer.left or (peer.last_seen > until and peer.user_id >= 0):
            continue
        if peer.active:
            active += peer.left
        elif peer.last_seen >= since:
            silent[peer.user_id] = max(silent.get(peer.user_id, 0), peer.left)
    return active + sum(silent.values())
