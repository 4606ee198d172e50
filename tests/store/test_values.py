"""Nothing of a noun is forgotten on its way into a store."""

from __future__ import annotations

from dataclasses import fields

from mika.model import Peer, Role, Torrent, User
from mika.store import schema
from mika.store.values import PEER_FIELDS, TOTALS

# Its place in a swarm in memory, and what is found out anew when it announces: of its place, all but the location.
_NOT_KEPT = {"slot4", "slot6", "waiting", "place", "priority", "speed_up", "speed_down"}


def test_every_field_of_a_peer_is_kept():
    """A slot that is added to `Peer` must be kept, or be named here."""
    assert set(PEER_FIELDS) == set(Peer.__slots__) - _NOT_KEPT | {"location"}


def test_every_field_has_a_column():
    """The tables hold what the nouns have."""
    totals = set(TOTALS)
    aside = {"totals", "written", "completers", "freeleech", "void_keys", "revision"}
    assert set(schema.users.c.keys()) == {each.name for each in fields(User)} - aside | totals
    facts = {each.name for each in fields(Torrent)} - aside
    assert set(schema.torrents.c.keys()) == facts | totals | {"info_hash_v2_short"}
    assert set(schema.roles.c.keys()) == {each.name for each in fields(Role)}
    assert set(schema.peers.c.keys()) == {"info_hash", *PEER_FIELDS}
