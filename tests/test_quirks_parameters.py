"""What real clients say in their announces, row by row as in 2.2 of the reference."""

from __future__ import annotations

from typing import Any

import pytest
from builders import (
    ADDRESS,
    ADDRESS6,
    INFO_HASH,
    OTHER_ADDRESS,
    OTHER_ADDRESS6,
    OTHER_PASSKEY,
    PASSKEY,
    PEER_ID,
    Site,
    announce_target,
    key_of,
    make_site,
)

from mika.model import LEFT_UNKNOWN, NANO_POINTS, Peer, Torrent
from mika.wire.address import packed

pytestmark = pytest.mark.usefixtures("log")

HERE = packed(ADDRESS) + b"\x1a\xe1"
THERE = packed(OTHER_ADDRESS) + b"\x1a\xe1"


@pytest.fixture
def site() -> Site:
    """Return a site with two users and a torrent."""
    return make_site()


def peer_of(site: Site, passkey: str = PASSKEY) -> Peer:
    """Return the one peer of a user."""
    [peer] = site.swarms.get(INFO_HASH).peers.of(site.user(passkey).id)
    return peer


def seen_by_other(site: Site, address: str = OTHER_ADDRESS, **params: Any) -> bytes:
    """Return the peers that another user's leecher is given."""
    answer = site.announce(OTHER_PASSKEY, address, peer_id=b"-XX0000-000000000009", **params)
    return answer.get("peers6", answer["peers"])


# ---- left


@pytest.mark.parametrize(
    ("left", "kept", "seeds"),
    [
        ("18446744073709551615", LEFT_UNKNOWN, 0),
        ("16384", 16384, 0),
        ("", LEFT_UNKNOWN, 0),
        (None, LEFT_UNKNOWN, 0),
        ("-1", LEFT_UNKNOWN, 0),
        ("0", 0, 1),
    ],
)
@pytest.mark.parametrize("event", ["started", None])
def test_left(site, left, kept, seeds, event) -> None:
    """Who does not know yet is a leecher and is not refused; `left=0` is a seeder."""
    answer = site.announce(left=left, event=event)
    assert (answer["complete"], answer["incomplete"]) == (seeds, 1 - seeds)
    assert peer_of(site).left == kept


def test_left_without_a_value(site) -> None:
    """A pair without a value, which webtorrent sent, is an empty one."""
    site.get(announce_target(left=None) + "&left&event=started")
    assert peer_of(site).left == LEFT_UNKNOWN


def test_magnet_client_that_says_nothing_is_left(site) -> None:
    """It is given leechers, and no bonus for its first announce."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    assert site.announce(left=0, event="started")["peers"] == THERE
    assert site.user().totals.bonus == 0


def test_recheck_of_a_finished_torrent(site) -> None:
    """A seeder that finds a hole is a leecher from its next announce on, and then a seeder again."""
    for left, complete in ((0, 1), (5, 0), (0, 1)):
        assert site.announce(left=left)["complete"] == complete
    assert site.user().totals.completed == 0


# ---- event


def test_partial_seed(site) -> None:
    """`paused` on every announce, instead of started: listed, incomplete, no downloader, given leechers alone."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS, left=0)
    for _ in range(3):
        answer = site.announce(event="paused", left=700)
        assert (answer["complete"], answer["incomplete"], answer["peers"]) == (1, 1, b"")
    figures = site.scrape()["files"][INFO_HASH]
    assert (figures[b"incomplete"], figures[b"downloaders"]) == (1, 0)
    assert seen_by_other(site) == HERE
    assert site.user().totals.completed == 0


@pytest.mark.parametrize("event", ["empty", "Started", "COMPLETED", "nonsense", "", "%20", "stop", "update"])
def test_events_without_case_and_unknown_ones(site, event) -> None:
    """Events are read without case; one that nobody knows is a regular announce, with peers."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    answer = site.announce(event=event)
    assert (answer["incomplete"], answer["peers"]) == (2, THERE)
    assert site.user().totals.completed == (event == "COMPLETED")


@pytest.mark.parametrize("event", ["stopped", "STOPPED", "Stopped"])
def test_stop_without_case(site, event) -> None:
    """A stop is one however it is written."""
    site.announce()
    assert site.announce(event=event)["incomplete"] == 0


def test_started_again_and_again(site) -> None:
    """A client that reconnects starts again: the same peer, its growth credited, nobody doubled."""
    for uploaded in (0, 100, 100, 250):
        assert site.announce(event="started", uploaded=uploaded)["incomplete"] == 1
    assert site.user().totals.uploaded == 250


def test_completed_without_a_known_peer_or_twice(site) -> None:
    """A completion counts once a user and torrent, by whichever of its clients, known or not."""
    site.announce(event="completed", left=0)
    site.announce(event="completed", left=0)
    site.announce(event="stopped", left=0)
    answer = site.announce(event="completed", left=0, peer_id=b"-XX0000-000000000002")
    assert answer["downloaded"] == 1
    assert site.announce(OTHER_PASSKEY, event="completed", left=0)["downloaded"] == 2
    assert site.torrent().totals.completed == 2


@pytest.mark.parametrize(
    "params", [{}, {"port": 0}, {"port": None}, {"numwant": 0}, {"port": 0, "numwant": 0}, {"left": None}]
)
def test_stop_in_any_form(site, params) -> None:
    """A stop with port 0 and numwant 0 is credited and frees the peer, without a warning."""
    site.announce()
    answer = site.announce(event="stopped", uploaded=10, **params)
    assert (answer["complete"], answer["incomplete"], answer["peers"]) == (0, 0, b"")
    assert "warning message" not in answer
    assert site.user().totals.uploaded == 10
    assert site.swarms.peer_count == 0


# ---- port


@pytest.mark.parametrize("port", [0, None, ""])
def test_no_listening_port(site, port) -> None:
    """It is accounted, never handed out, and warned; its next announce with a port is handed out."""
    answer = site.announce(port=port)
    assert b"no listening port" in answer["warning message"]
    assert answer["incomplete"] == 1
    assert seen_by_other(site) == b""
    assert site.announce(port=port, uploaded=8)["incomplete"] == 2
    assert site.user().totals.uploaded == 8
    assert "warning message" not in site.announce()
    assert seen_by_other(site) == HERE


def test_port_0_for_one_family(site) -> None:
    """The second half of a dual announce says port 0: the first is handed out nonetheless."""
    site.announce()
    site.announce(address=ADDRESS6, port=0)
    assert seen_by_other(site) == HERE
    assert seen_by_other(site, OTHER_ADDRESS6) == b""
    assert site.swarms.peer_count == 2


def test_crypto_only(site) -> None:
    """`port=0` with `cryptoport`: handed out under that port, to those who can encrypt."""
    site.announce(port=0, cryptoport=6881)
    assert seen_by_other(site) == b""
    assert seen_by_other(site, supportcrypto=1) == HERE


def test_require_crypto(site) -> None:
    """Who requires encryption is neither handed to those who cannot, nor given them."""
    site.announce(requirecrypto=1)
    assert seen_by_other(site) == b""
    assert site.announce(requirecrypto=1)["peers"] == b""
    assert seen_by_other(site, supportcrypto=1) == HERE
    assert site.announce(requirecrypto=1)["peers"] == THERE


@pytest.mark.parametrize("port", [1, 80, 1023, 3389, 6881, 6889, 8080, 65535])
def test_any_port(site, port) -> None:
    """No port is banned (the list of the reference is a later rule of the site): what a client says is handed out."""
    site.announce(port=port)
    assert seen_by_other(site) == packed(ADDRESS) + port.to_bytes(2, "big")


def test_port_that_flips(site) -> None:
    """The client is its peer id, not its port: the newest is handed out, once."""
    for port in (1111, 8080, 2222):
        site.announce(port=port)
    assert seen_by_other(site) == packed(ADDRESS) + (2222).to_bytes(2, "big")
    assert site.swarms.peer_count == 2


# ---- numwant, key, and what else there is


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("", 50),
        ("&numwant=", 50),
        ("&numwant=-1", 50),
        ("&numwant=-200", 50),
        ("&numwant=0", 0),
        ("&numwant=7", 7),
        ("&numwant=100", 59),
        ("&numwant=4294967295", 59),
        ("&numwant=many", 50),
        ("&num_want=7", 7),
        ("&num+want=7", 7),
        ("&num%20want=7", 7),
    ],
)
def test_numwant(said, given) -> None:
    """Absent or negative is the default, 0 is honoured, more is capped by what is there; nobody is given twice."""
    site = make_site(peers_per_user_torrent=59)
    for number in range(59):
        site.announce(OTHER_PASSKEY, f"81.2.70.{number}", peer_id=b"-XX0000-%012d" % number, left=number % 2)
    peers = site.get(announce_target() + said)["peers"]
    assert len(peers) == 6 * given
    assert len({peers[at : at + 6] for at in range(0, len(peers), 6)}) == given


def test_numwant_is_capped() -> None:
    """More than `numwant_max` is never given."""
    site = make_site(numwant_max=3, peers_per_user_torrent=9)
    for number in range(5):
        site.announce(OTHER_PASSKEY, f"81.2.70.{number}", peer_id=b"-XX0000-%012d" % number)
    assert len(site.announce(numwant=200)["peers"]) == 18
    assert len(site.announce()["peers"]) == 18


@pytest.mark.parametrize("key", ["3508765978", "934CB06E", "77de6423", "", None, "x" * 300, "%00%ff"])
def test_key_is_opaque(site, key) -> None:
    """A key may be decimal, hex, absent or strange; a new one is no new client."""
    site.announce(key="first")
    assert site.announce(key=key, uploaded=9)["incomplete"] == 1
    assert site.user().totals.uploaded == 9


def test_extra_parameters(site) -> None:
    """What nobody needs is passed over."""
    extra = "&corrupt=0&redundant=0&trackerid=abc&no_peer_id=1&supportcrypto=1&azver=3&azup=1&%ff=%00&x"
    assert site.get(announce_target() + extra)["incomplete"] == 1


@pytest.mark.parametrize(
    "claim", ["ipv6=fd1e::1", "ipv6=2a02:ec8::77", "ip=10.0.0.1", "ip=2a02::1", "ip=6.6.6.6", "ipv4=[x]"]
)
def test_own_addresses_are_not_believed(site, claim) -> None:
    """`ip=`, `ipv4=`, `ipv6=` change nothing unless the operator says so."""
    site.get(announce_target() + f"&{claim}")
    peer = peer_of(site)
    assert (peer.endpoint4, peer.endpoint6) == (HERE, b"")


@pytest.mark.parametrize(
    ("claim", "endpoint4", "endpoint6"),
    [
        ("ip=6.6.6.6", b"\x06\x06\x06\x06\x1a\xe1", b""),
        ("ipv6=2a02%3aec8%3ae1%3a%3a1", HERE, packed(ADDRESS6) + b"\x1a\xe1"),
        ("ip=nonsense", HERE, b""),
        ("ipv6=%ff", HERE, b""),
    ],
)
def test_own_addresses_where_they_are_believed(claim, endpoint4, endpoint6) -> None:
    """With `allow_client_ip` they are; what is no address has no effect."""
    site = make_site(allow_client_ip=True)
    site.get(announce_target() + f"&{claim}")
    assert (peer_of(site).endpoint4, peer_of(site).endpoint6) == (endpoint4, endpoint6)


def test_claimed_private_address_is_not_handed_out() -> None:
    """Not even where claims are believed is a non-routable address handed out."""
    site = make_site(allow_client_ip=True)
    site.announce(ip="10.0.0.1", ipv6="fd1e::1")
    assert seen_by_other(site) == b""
    assert seen_by_other(site, OTHER_ADDRESS6) == b""


@pytest.mark.parametrize("said", ["", "&compact=1", "&compact=0", "&compact=", "&compact=0&no_peer_id=1"])
def test_always_compact(site, said) -> None:
    """The reference would answer `compact=0` with dictionaries; DESIGN: always compact."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    assert site.get(announce_target() + said)["peers"] == THERE


# ---- counters


V2 = bytes(range(32))


def test_hybrid_torrent_counts_once() -> None:
    """Both hashes are one torrent: the same counters said twice are credited once, and the client is one peer."""
    site = make_site(torrents=[Torrent(INFO_HASH, V2, size=2**30)])
    for uploaded in (0, 100, 300):
        for info_hash in (INFO_HASH, V2[:20]):
            assert site.announce(info_hash=info_hash, uploaded=uploaded)["incomplete"] == 1
    site.announce(event="completed", left=0, uploaded=300)
    assert site.announce(info_hash=V2[:20], event="completed", left=0, uploaded=300)["downloaded"] == 1
    assert site.user().totals.uploaded == site.torrent().totals.uploaded == 300
    assert set(site.scrape(PASSKEY, INFO_HASH, V2[:20])["files"]) == {INFO_HASH, V2[:20]}


def test_counter_that_went_back_costs_the_other_nothing(site) -> None:
    """`downloaded` at completed is higher than afterwards: 0 for it, and the upload is credited."""
    site.announce()
    site.announce(downloaded=1_065_000, uploaded=10, event="completed", left=0)
    site.announce(downloaded=1_000_000, uploaded=30, left=0)
    assert (site.user().totals.downloaded, site.user().totals.uploaded) == (1_065_000, 30)
    site.announce(downloaded=1_000_500, uploaded=30, left=0)
    assert site.user().totals.downloaded == 1_065_500


def test_counters_that_start_again(site) -> None:
    """A new session with the same peer id: what went back counts 0, and is the new baseline."""
    site.announce(uploaded=5000, downloaded=6000)
    site.announce(uploaded=0, downloaded=0, event="started")
    assert (site.user().totals.uploaded, site.user().totals.downloaded) == (0, 0)
    site.announce(uploaded=70, downloaded=80)
    assert (site.user().totals.uploaded, site.user().totals.downloaded) == (70, 80)


def test_first_announce_with_big_totals(site) -> None:
    """Without a baseline nothing is credited."""
    site.announce(uploaded=2**40, downloaded=2**40)
    assert (site.user().totals.uploaded, site.user().totals.downloaded) == (0, 0)


def test_seed_time_is_paid_from_the_second_announce(site) -> None:
    """An hour alone: 1 x (1 + 4 / 1) points, in two announces of half an hour."""
    site.announce(left=0)
    for _ in range(2):
        site.clock.advance(1800)
        site.announce(left=0)
    assert (site.user().totals.seed_seconds, site.user().totals.bonus) == (3600, 5 * NANO_POINTS)


def test_one_client_is_one_peer(site) -> None:
    """However it announces, one peer id of one user is one peer."""
    site.announce()
    site.announce(address=ADDRESS6)
    site.announce(address=OTHER_ADDRESS)
    assert site.swarms.peer_count == 1
    assert [key_of(peer) for peer in site.swarms.get(INFO_HASH).peers] == [(site.user().id, PEER_ID)]
