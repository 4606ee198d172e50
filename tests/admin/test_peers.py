"""Who is in a swarm, where a user is, and ghosts that are flushed; counters stay."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import succeed

from mika.model import Peer

NOW = 1_795_341_600
HASH, OTHER = b"\xaa" * 20, b"\xbb" * 20
TORRENT = f"/v1/torrents/{HASH.hex()}/peers"
USER = "/v1/users/1/peers"


def make_peer(user_id: int = 1, number: int = 1, silent_for: int = 0, **fields: Any) -> Peer:
    """Return an active peer of qBittorrent."""
    peer = Peer(user_id, fields.pop("peer_id", b"-qB4620-%012d" % number), NOW - 3600)
    peer.active = True
    peer.endpoint4 = bytes([192, 0, 2, number]) + (6881).to_bytes(2, "big")
    peer.last_seen = peer.seen4 = NOW - silent_for
    for name, value in fields.items():
        setattr(peer, name, value)
    return peer


@pytest.fixture
def filled(admin):
    """Give the tracker two users and two torrents."""
    admin.send("POST", "/v1/users", [{"name": "ann"}, {"name": "bob"}])
    admin.send("POST", "/v1/torrents", [{"info_hash": HASH.hex()}, {"info_hash": OTHER.hex()}])
    return admin


def ids(reply) -> list[tuple[int, int]]:
    """Return users and numbers of the peers in an answer."""
    assert reply.status == 200, reply
    return [(each["user_id"], int(bytes.fromhex(each["peer_id"])[8:])) for each in reply.json["items"]]


def test_peer_is_shown_with_all_that_is_known_of_it(filled):
    """What is not is null."""
    peer = make_peer(uploaded=5, downloaded=7, left=0, seeder=True, location=(52.5, 13.4))
    peer.endpoint6 = bytes(15) + b"\x01" + (6882).to_bytes(2, "big")
    filled.swarms.restore(HASH, peer)
    assert filled.send("GET", TORRENT).json == {
        "items": [
            {
                "user_id": 1,
                "peer_id": peer.peer_id.hex(),
                "client": "qBittorrent 4.6.2",
                "ipv4": "192.0.2.1",
                "ipv6": "::1",
                "port": 6881,
                "uploaded": 5,
                "downloaded": 7,
                "left": 0,
                "seeder": True,
                "paused": False,
                "country": None,
                "asn": None,
                "location": {"latitude": 52.5, "longitude": 13.4},
                "speed_up": None,
                "speed_down": None,
                "first_seen": "2026-11-22T09:00:00Z",
                "last_seen": "2026-11-22T10:00:00Z",
            }
        ],
        "next": None,
    }


def test_peer_of_whom_nothing_is_known_has_nulls(filled):
    """A client that did not say what it lacks, over IPv6 alone, with a peer id of its own."""
    endpoint6 = bytes(15) + b"\x01" + (6882).to_bytes(2, "big")
    filled.swarms.restore(HASH, make_peer(endpoint4=b"", endpoint6=endpoint6, seen6=NOW, peer_id=b"\xff" * 20))
    (shown,) = filled.send("GET", TORRENT).json["items"]
    assert (shown["ipv4"], shown["ipv6"], shown["port"]) == (None, "::1", 6882)
    assert (shown["client"], shown["left"], shown["location"]) == (None, None, None)


def test_peers_of_a_torrent_come_in_pages(filled):
    """In order of user and peer id, each once; silent ones are not there."""
    for user_id, number in ((2, 1), (1, 2), (1, 1), (-5, 1)):
        filled.swarms.restore(HASH, make_peer(user_id, number))
    filled.swarms.restore(HASH, make_peer(1, 3, active=False))
    filled.swarms.restore(OTHER, make_peer(1, 4))
    seen, path = [], f"{TORRENT}?limit=1"
    while path:
        reply = filled.send("GET", path)
        seen += ids(reply)
        path = reply.json["next"] and f"{TORRENT}?limit=1&after={reply.json['next']}"
    assert seen == [(-5, 1), (1, 1), (1, 2), (2, 1)]


def test_peers_of_a_user_come_in_pages(filled):
    """From all swarms."""
    for info_hash, number in ((OTHER, 1), (HASH, 2), (HASH, 1)):
        filled.swarms.restore(info_hash, make_peer(1, number))
    filled.swarms.restore(HASH, make_peer(2, 9))
    seen, path = [], f"{USER}?limit=2"
    while path:
        reply = filled.send("GET", path)
        seen += ids(reply)
        path = reply.json["next"] and f"{USER}?limit=2&after={reply.json['next']}"
    assert seen == [(1, 1), (1, 2), (1, 1)]


def test_ghosts_leave_and_their_counters_stay(filled):
    """Only those that were silent for so long; without a time, all of the user, and nobody else's."""
    fresh, ghost = make_peer(1, 1), make_peer(1, 2, silent_for=3600, uploaded=500)
    for peer in (fresh, ghost, make_peer(2, 3, silent_for=3600)):
        filled.swarms.restore(HASH, peer)
    assert ids(filled.send("GET", f"{USER}?idle=1h")) == [(1, 2)]
    assert filled.send("DELETE", f"{USER}?idle=3601s").status == 204
    assert len(ids(filled.send("GET", USER))) == 2
    assert filled.send("DELETE", f"{USER}?idle=1h").status == 204
    assert ids(filled.send("GET", TORRENT)) == [(1, 1), (2, 3)]
    assert (ghost.active, ghost.uploaded) == (False, 500)
    assert filled.swarms.get(HASH).peers.find(1, ghost.peer_id) is ghost
    assert filled.send("DELETE", USER).status == 204
    assert ids(filled.send("GET", TORRENT)) == [(2, 3)]


def test_peers_near_a_place_are_those_that_the_store_names(filled):
    """In its order; those that are gone in the meantime are left out."""
    asked = []

    def near(info_hash, circle):
        asked.append((info_hash, circle.latitude, circle.longitude, circle.metres))
        return succeed([(each.user_id, each.peer_id) for each in (two, gone, one, silent)])

    one, two, gone, silent = make_peer(1, 1), make_peer(2, 2), make_peer(1, 3), make_peer(1, 4, active=False)
    for peer in (one, two, silent):
        filled.swarms.restore(HASH, peer)
    object.__setattr__(filled.api._context, "peers_near", near)
    first = filled.send("GET", f"{TORRENT}?near=52.5,-13.4&within=1.5&limit=1")
    assert (ids(first), first.json["next"]) == ([(2, 2)], "1")
    last = filled.send("GET", f"{TORRENT}?near=52.5,-13.4&within=1.5&after=1")
    assert (ids(last), last.json["next"]) == ([(1, 1)], None)
    assert asked == [(HASH, 52.5, -13.4, 1500)] * 2


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"{TORRENT}?near=1,2", 422, "within"),
        (f"{TORRENT}?within=5", 422, "near"),
        (f"{TORRENT}?near=91,0&within=5", 422, "near"),
        (f"{TORRENT}?near=0,181&within=5", 422, "near"),
        (f"{TORRENT}?near=x&within=5", 422, "near"),
        (f"{TORRENT}?near=1&within=5", 422, "near"),
        (f"{TORRENT}?near=1,2&within=0", 422, "within"),
        (f"{TORRENT}?near=1,2&within=nan", 422, "within"),
        (f"{TORRENT}?near=1,2&within=30000", 422, "within"),
        (f"{TORRENT}?near=1,2&within=5&after=x", 422, "after"),
        (f"{TORRENT}?after=1", 422, "after"),
        (f"{TORRENT}?after=99999999999999999999-{'aa' * 20}x", 422, "after"),
        (f"{USER}?after={'aa' * 20}", 422, "after"),
        (f"{USER}?idle=soon", 422, "idle"),
        (f"{USER}?idle=-1h", 422, "idle"),
        (f"/v1/torrents/{'cc' * 20}/peers", 404, None),
        ("/v1/users/9/peers", 404, None),
    ],
)
def test_bad_input_is_named(filled, path, status, field):
    """As everywhere."""
    reply = filled.send("GET", path)
    assert reply.status == status
    assert [error["field"] for error in reply.json.get("errors", [])] == ([field] if field else [])
    if "idle" in path or (status == 404 and "users" in path):
        assert filled.send("DELETE", path).status == status
