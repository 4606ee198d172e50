"""Users, torrents and peers for the contracts, with defaults for what a test does not care about.

They have no equality of their own, so a test compares their facts.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mika.interfaces import IPeerStore
from mika.model import Peer, Torrent, User
from mika.store.values import PEER_FIELDS

_ASIDE = {"totals", "written", "completers"}


def make_user(**facts: Any) -> User:
    """Return a user, not numbered yet."""
    defaults: dict[str, Any] = {"id": 0, "name": "member", "passkey": "passkey-0"}
    return User(**(defaults | facts))


def user_facts(user: User) -> dict[str, Any]:
    """Return everything but the totals."""
    return {each.name: getattr(user, each.name) for each in fields(User) if each.name not in _ASIDE}


def make_torrent(number: int, v2: int | None = None, **facts: Any) -> Torrent:
    """Return a torrent with the info hash of 20 times `number`, and a v2 hash of 32 times `v2`, which starts alike."""
    return Torrent(bytes([number]) * 20, None if v2 is None else bytes([v2]) * 32, **facts)


def torrent_facts(torrent: Torrent) -> dict[str, Any]:
    """Return everything but totals and completers."""
    return {each.name: getattr(torrent, each.name) for each in fields(Torrent) if each.name not in _ASIDE}


def make_peer(user_id: int, **facts: Any) -> Peer:
    """Return a peer."""
    peer = Peer(user_id, b"-XX0001-abcdefghijkl", 1)
    for name, value in facts.items():
        setattr(peer, name, value)
    return peer


async def peers_of(store: IPeerStore) -> list[tuple[bytes, Peer]]:
    """Return all peers that a store keeps, each with the info hash of its swarm."""
    found: list[tuple[bytes, Peer]] = []
    await store.load_peers(found.extend)
    return found


def peer_facts(peer: Peer) -> dict[str, Any]:
    """Return everything that is kept of a peer."""
    return {name: getattr(peer, name) for name in PEER_FIELDS}
