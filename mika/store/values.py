"""Copies of the nouns, and of which hashes a torrent holds: what a store keeps or writes must not change any more.

The live objects go on changing with every announce while a store still works. Both stores take copies at the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from operator import attrgetter, itemgetter
from typing import Any

from mika._totals_cy import NAMES
from mika.model import Peer, Torrent, Totals, User, hashes_of

TOTALS = NAMES
"""The names of the figures of `Totals`, in the order of `Totals.values`."""

PEER_FIELDS = (
    "user_id",
    "peer_id",
    "key",
    "uploaded",
    "downloaded",
    "left",
    "seeder",
    "paused",
    "active",
    "crypto",
    "endpoint4",
    "endpoint6",
    "seen4",
    "seen6",
    "first_seen",
    "last_seen",
    "location",
)
"""What is kept of a peer: everything but its slots, which are its place in a swarm in memory."""

Growth = list[tuple[Any, tuple[int, ...]]]
"""What totals grow by: the key of the row, and the figures in the order of `TOTALS`."""

_freeze = attrgetter(*PEER_FIELDS)
_torrent_facts = attrgetter(*[each.name for each in fields(Torrent)][:-3])  # thousands at once, so not by `replace`


def freeze_growth(growth: Iterable[tuple[Any, Totals]]) -> Growth:
    """Return the growth of a batch as values."""
    return [(key, totals.values()) for key, totals in growth]


def freeze_peer(peer: Peer) -> tuple[Any, ...]:
    """Return the `PEER_FIELDS` of a peer."""
    frozen: tuple[Any, ...] = _freeze(peer)
    return frozen


def freeze_peers(peers: Sequence[tuple[bytes, Peer]]) -> list[tuple[bytes, tuple[Any, ...]]]:
    """Return info hashes with the `PEER_FIELDS` of their peers, in C: a flush does this for thousands at once."""
    return list(zip(map(itemgetter(0), peers), map(_freeze, map(itemgetter(1), peers)), strict=True))


def thaw_peer(frozen: Sequence[Any]) -> Peer:
    """Return a peer with these `PEER_FIELDS`, in no slot. A start does this for millions, so it is written out."""
    peer = Peer(frozen[0], frozen[1], 0)
    (
        _,
        _,
        peer.key,
        peer.uploaded,
        peer.downloaded,
        peer.left,
        peer.seeder,
        peer.paused,
        peer.active,
        peer.crypto,
        peer.endpoint4,
        peer.endpoint6,
        peer.seen4,
        peer.seen6,
        peer.first_seen,
        peer.last_seen,
        peer.location,
    ) = frozen
    return peer


def copy_user(user: User) -> User:
    """Return a user of its own, of which the store has everything."""
    return replace(user, totals=user.totals.copy(), written=user.totals.copy())


def copy_torrent(torrent: Torrent) -> Torrent:
    """Return a torrent of its own, of which the store has everything."""
    copy = copy_torrent_facts(torrent)
    copy.totals, copy.written = torrent.totals.copy(), torrent.totals.copy()
    copy.completers = set(torrent.completers)
    return copy


def copy_torrent_facts(torrent: Torrent) -> Torrent:
    """Return a torrent of its own, without totals and completers."""
    return Torrent(*_torrent_facts(torrent))


def short_v2(torrent: Torrent) -> bytes | None:
    """Return the 20 bytes of its v2 hash under which a torrent is announced (BEP 52)."""
    return None if torrent.info_hash_v2 is None else torrent.info_hash_v2[:20]


def hashes(torrent: Torrent) -> set[bytes]:
    """Return every hash of 20 bytes under which a torrent is announced: no other torrent may have one of them."""
    return set(hashes_of(torrent))
