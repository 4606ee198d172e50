"""The figures as JSON, and the counts of torrents that are named."""

from __future__ import annotations

import pytest

from mika.counts import Traffic
from mika.wire.request import AnnounceRequest, Event

HASHES = [bytes([number]) * 20 for number in range(1, 4)]


def names(*hashes):
    """Write info hashes as the query has them."""
    return ",".join(each.hex() for each in hashes)


def join(admin, info_hash, user_id, *endpoints, left):
    """Let a peer join a swarm with one endpoint or two."""
    peer_id = b"-TR4060-%012d" % user_id
    swarm, peer = admin.swarms.join(info_hash, user_id, peer_id, admin.directory.now())
    for endpoint in endpoints:
        request = AnnounceRequest(None, info_hash, peer_id, endpoint, left=left, event=Event.STARTED)
        admin.swarms.refresh(swarm, peer, request, admin.directory.now())


def test_figures_are_by_protocol_and_family(admin):
    """With rates over the last minute, and their sum."""
    traffic = admin.figures.traffic["http"]
    traffic.announces4, traffic.scrapes6 = 120, 60
    traffic.refusals["passkey_invalid", 4] = 6
    traffic.malformed["head_too_long"] = 2
    admin.clock.advance(60)
    found = admin.send("GET", "/v1/stats", token="reader").json
    assert found["protocols"]["http"]["ipv4"] == {
        "announces": 120,
        "scrapes": 0,
        "refused": 6,
        "announces_per_second": 2.0,
        "scrapes_per_second": 0.0,
        "refused_per_second": 0.1,
    }
    assert found["protocols"]["http"]["ipv6"]["scrapes_per_second"] == 1.0
    assert found["total"]["announces"] == 120
    assert found["total"]["refused_per_second"] == 0.1
    assert found["refusals"] == {"passkey_invalid": 6}
    assert found["bad_requests"] == {"head_too_long": 2}
    assert found["uptime"] == 60
    assert found["torrents"] is None


def test_two_protocols_are_added_up(admin):
    """In the sums and by code."""
    admin.figures.traffic["https"] = Traffic()
    for traffic in admin.figures.traffic.values():
        traffic.announces4 = 5
        traffic.refusals["internal", 6] = 1
    found = admin.send("GET", "/v1/stats").json
    assert set(found["protocols"]) == {"http", "https"}
    assert found["total"]["announces"] == 10
    assert found["refusals"] == {"internal": 2}


def test_swarms_are_counted_by_family(admin):
    """A dual-stack client is one peer with two addresses."""
    join(admin, HASHES[0], 1, b"\x01" * 6, left=0)
    join(admin, HASHES[0], 2, b"\x02" * 6, b"\x20" * 18, left=0)
    join(admin, HASHES[1], 3, b"\x20" * 18, left=5)
    assert admin.send("GET", "/v1/stats").json["swarms"] == {
        "swarms": 2,
        "peers": 3,
        "seeders": 2,
        "leechers": 1,
        "partial_seeds": 0,
        "dual_stack": 1,
        "families": {"ipv4": {"seeders": 2, "leechers": 0}, "ipv6": {"seeders": 1, "leechers": 1}},
    }


@pytest.fixture
def torrents(admin):
    """Register two torrents and the memory of a third."""
    admin.send("POST", "/v1/torrents", [{"info_hash": each.hex()} for each in HASHES])
    admin.send("DELETE", f"/v1/torrents/{HASHES[2].hex()}")
    join(admin, HASHES[0], 1, b"\x01" * 6, left=0)
    join(admin, HASHES[0], 2, b"\x02" * 6, left=5)


@pytest.mark.usefixtures("torrents")
def test_named_torrents_are_counted_in_one_request(admin):
    """In the order of the names, each once; a torrent that is gone or never was is left out."""
    reply = admin.send("GET", f"/v1/stats?torrents={names(HASHES[1], HASHES[2], b'x' * 20, HASHES[0], HASHES[1])}")
    assert reply.json["torrents"] == [
        {"info_hash": HASHES[1].hex(), "seeders": 0, "leechers": 0, "completed": 0},
        {"info_hash": HASHES[0].hex(), "seeders": 1, "leechers": 1, "completed": 0},
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("torrents=", "40 hex digits"),
        ("torrents=xyz", "40 hex digits"),
        (f"torrents={names(HASHES[0])},", "40 hex digits"),
        (f"torrents={','.join(['aa' * 20] * 301)}", "at most 300"),
        ("torrent=1", "torrent"),
    ],
)
def test_query_that_cannot_be_read_is_refused(admin, query, words):
    """With the name of what is wrong."""
    reply = admin.send("GET", f"/v1/stats?{query}")
    assert reply.status in (400, 422)
    assert words in str(reply.json)
