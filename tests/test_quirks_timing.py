"""When real clients announce and how they connect (2.3 of the reference), and what every one of them can read (2.4)."""

from __future__ import annotations

from typing import Any

import bencodepy
import pytest
from builders import (
    ADDRESS,
    ADDRESS6,
    INFO_HASH,
    NOW,
    OTHER_ADDRESS,
    OTHER_PASSKEY,
    PASSKEY,
    Connection,
    Site,
    SlowStore,
    announce_bytes,
    announce_target,
    make_site,
)

from mika.errors import StoreError
from mika.model import Torrent, User
from mika.server.http import IDLE_TIME
from mika.store.memory import MemoryStore
from mika.wire.address import packed

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def site() -> Site:
    """Return a site with two users and a torrent."""
    return make_site()


# ---- 2.3 timing and connections


@pytest.mark.parametrize("second", [ADDRESS6, ADDRESS, OTHER_ADDRESS])
def test_dual_announce_is_one_client(site, second) -> None:
    """Two announces within a second, over both families or twice over one: one peer, credited once."""
    for uploaded in (0, 500):
        site.announce(uploaded=uploaded, event="started")
        answer = site.announce(address=second, uploaded=uploaded, event="started")
        assert (answer["complete"], answer["incomplete"]) == (0, 1)
        site.clock.advance(1800)
    assert site.user().totals.uploaded == 500
    [peer] = site.swarms.get(INFO_HASH).peers
    assert (peer.endpoint6 != b"") is (second == ADDRESS6)


def test_completed_over_both_families_is_one_completion(site) -> None:
    """So is its completion, and its seed time."""
    for address in (ADDRESS, ADDRESS6):
        assert site.announce(address=address, event="completed", left=0)["downloaded"] == 1
    site.clock.advance(600)
    for address in (ADDRESS, ADDRESS6):
        site.announce(address=address, left=0)
    assert site.user().totals.seed_seconds == 600


def test_stop_over_both_families(site) -> None:
    """The stop removes both endpoints; said again over the other family, it is a stop of nobody."""
    site.announce()
    site.announce(address=ADDRESS6)
    for address in (ADDRESS, ADDRESS6):
        answer = site.announce(address=address, event="stopped", uploaded=40)
        assert ("failure code" in answer, answer["incomplete"]) == (False, 0)
    assert site.user().totals.uploaded == 40


@pytest.mark.parametrize("seconds", [0, 1, 5, 30, 899])
def test_announce_too_early(site, seconds) -> None:
    """An early repeat is a success. The reference would not account it; DESIGN: credited and served like any other."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    site.announce(uploaded=0)
    site.clock.advance(seconds)
    answer = site.announce(uploaded=64)
    assert (answer["interval"], answer["min interval"], len(answer["peers"])) == (1800, 900, 6)
    assert site.user().totals.uploaded == 64


def test_several_urls_of_one_site(site) -> None:
    """A client that contacts every URL of a tier is still one peer, credited once."""
    query = announce_target(uploaded=None).partition("?")[2] + "&uploaded="
    for uploaded in (0, 90):
        for prefix in (f"/{PASSKEY}/announce?", f"/announce/{PASSKEY}?", f"/announce.php?passkey={PASSKEY}&"):
            assert site.get(f"{prefix}{query}{uploaded}")["incomplete"] == 1
    assert site.user().totals.uploaded == 90


class CountingStore(MemoryStore):
    """A store that counts its reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str | bytes] = []

    def torrent(self, info_hash: bytes) -> Any:
        """Count, then answer."""
        self.read.append(info_hash)
        return MemoryStore.torrent(self, info_hash)

    def user_by_passkey(self, passkey: str) -> Any:
        """Count, then answer."""
        self.read.append(passkey)
        return MemoryStore.user_by_passkey(self, passkey)


@pytest.mark.parametrize(
    ("passkey", "info_hash", "code", "reads"),
    [
        ("f" * 32, INFO_HASH, b"passkey_invalid", ["f" * 32, INFO_HASH]),
        (PASSKEY, b"g" * 20, b"torrent_unregistered", [PASSKEY, b"g" * 20]),
    ],
)
def test_client_that_ignores_the_interval_after_a_failure(passkey, info_hash, code, reads) -> None:
    """RTorrent asks again every few seconds, for weeks: what is not there is read once in `negative_ttl`."""
    store = CountingStore()
    site = make_site(store=store, negative_ttl="1m")
    for _ in range(12):
        assert site.announce(passkey, info_hash=info_hash)["failure code"] == code
        site.clock.advance(5)
    assert store.read == reads
    site.clock.advance(61)
    site.announce(passkey, info_hash=info_hash)
    assert store.read == [*reads, *(each for each in reads if each not in (INFO_HASH, PASSKEY))]


@pytest.mark.parametrize("event", ["stopped", "completed"])
def test_event_is_not_lost(site, event) -> None:
    """A stop and a completion are processed and answered with a success that warns of nothing."""
    site.announce()
    answer = site.announce(event=event, left=0, uploaded=3)
    assert not {"warning message", "failure reason"} & set(answer)
    assert site.user().totals.uploaded == 3


def test_event_that_a_store_could_not_judge_is_tried_again() -> None:
    """While a store is away, the client is told to come back soon, and its event counts then."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes(event="completed", left=0))
    store.let_go(StoreError("away"))
    assert connection.answers()[0]["retry in"] == 2
    connection.send(announce_bytes(event="completed", left=0))
    store.let_go()
    assert connection.answers()[1]["downloaded"] == 1


def test_stop_is_answered_before_any_write(site) -> None:
    """Clients wait a second or more for a stop: it is answered from memory, and the write waits."""
    site.announce()
    connection = Connection(site)
    connection.send(announce_bytes(event="stopped", uploaded=7))
    assert len(connection.answers()) == 1
    assert site.entered()["users"][site.user().id].uploaded == 7


def test_stops_of_a_client_that_shuts_down(site) -> None:
    """All stops in one go, and away: each is processed though nobody reads the answers (over sockets: tests/server)."""
    hashes = [b"%020d" % number for number in range(300)]
    site = make_site(torrents=hashes)
    for each in hashes:
        site.announce(info_hash=each)
    connection = Connection(site)
    connection.send(b"".join(announce_bytes(info_hash=each, event="stopped", uploaded=1) for each in hashes))
    connection.lose()
    assert site.swarms.peer_count == 0
    assert site.user().totals.uploaded == 300


def test_idle_connection_is_kept_for_minutes() -> None:
    """A connection that the server closes at the wrong moment is an error to clients."""
    assert IDLE_TIME >= 120


def test_thousands_of_announces_at_once(site) -> None:
    """A client that starts with 3,000 torrents is answered at once, and spread by the jitter."""
    hashes = [b"%020d" % number for number in range(3000)]
    site = make_site(torrents=hashes, interval_jitter="5m")
    requests = [announce_bytes(info_hash=each, event="started") for each in hashes]
    connection = Connection(site)
    connection.send(b"".join(requests))
    intervals = {answer["interval"] for answer in connection.answers()}
    assert len(intervals) > 100
    assert min(intervals) >= 1800
    assert max(intervals) <= 2100


@pytest.mark.parametrize(
    "case", ["nobody", "reaped", "stopped before", "torrent deleted", "torrent unheard of", "user disabled", "disabled"]
)
def test_stop_of_a_peer_that_is_gone(site, case) -> None:
    """Nothing is left to do, so it is a success: whatever became of the peer, the torrent or the user's rights."""
    if case != "nobody":
        site.announce()
    if case == "reaped":
        site.clock.advance(3 * 7 * 86400 + 2800)
        site.swarms.expire(int(site.clock.seconds()))
        site.swarms.expire(int(site.clock.seconds()))
        assert site.swarms.get(INFO_HASH) is None
    if case == "stopped before":
        site.announce(event="stopped")
    if case == "torrent deleted":
        site.torrent().deleted = True
    if case == "user disabled":
        site.user().enabled = False
    if case == "disabled":
        site.torrent().enabled = False
    info_hash = b"u" * 20 if case == "torrent unheard of" else INFO_HASH
    answer = site.announce(info_hash=info_hash, event="stopped")
    assert "failure code" not in answer
    assert (answer["incomplete"], answer["peers"]) == (0, b"")


def test_client_that_never_stops(site) -> None:
    """A client that crashed leaves after `peer_ttl`, and its counters are its baseline when it returns."""
    site.announce(uploaded=100)
    site.clock.advance(2700)
    site.swarms.expire(int(site.clock.seconds()))
    assert site.swarms.peer_count == 1
    site.clock.advance(1)
    site.swarms.expire(int(site.clock.seconds()))
    assert site.announce(OTHER_PASSKEY, OTHER_ADDRESS)["incomplete"] == 1
    assert site.announce(uploaded=170, event="started")["incomplete"] == 2
    assert site.user().totals.uploaded == 70


def test_new_address_replaces_the_old(site) -> None:
    """The same client from a new address (a VPN that restarted) is moved, not added."""
    site.announce()
    site.announce(address=OTHER_ADDRESS)
    answer = site.announce(OTHER_PASSKEY, "81.2.69.150")
    assert answer["peers"] == packed(OTHER_ADDRESS) + b"\x1a\xe1"


def test_mapped_address_is_ipv4(site) -> None:
    """`::ffff:` from a dual-stack socket is IPv4: six bytes a peer, and an `external ip` of four."""
    site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    answer = site.announce(address=f"::ffff:{ADDRESS}")
    assert (answer["external ip"], answer["peers"]) == (packed(ADDRESS), packed(OTHER_ADDRESS) + b"\x1a\xe1")
    assert "peers6" not in answer


# ---- 2.4 answers that every family of clients accepts


def raw(site: Site, request: bytes) -> tuple[list[bytes], bytes]:
    """Return header lines and body of an answer."""
    head, _, body = site.send(request).partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


ANSWERS = {
    "success": {},
    "warning": {"port": 0},
    "stop": {"event": "stopped"},
    "no such passkey": {"passkey": "n" * 32},
    "no such torrent": {"info_hash": b"n" * 20},
    "bad parameter": {"port": "x"},
}


@pytest.mark.parametrize("params", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("address", [ADDRESS, ADDRESS6])
def test_answer_every_client_can_read(site, params, address) -> None:
    """Status 200, a length, few headers, no chunks; sorted keys, `peers` and both intervals always."""
    site.announce(OTHER_PASSKEY, address, peer_id=b"-XX0000-000000000002")
    head, _, body = site.send(announce_bytes(**params), address).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert b"Content-Length: %d" % len(body) in lines
    assert len(lines) <= 5
    assert not [
        line for line in lines if line.lower().startswith((b"transfer-encoding", b"content-encoding", b"location"))
    ]
    decoded = bencodepy.decode(body)
    assert list(decoded) == sorted(decoded)
    assert bencodepy.encode(decoded) == body
    assert {b"interval", b"min interval", b"peers"} <= set(decoded)
    assert (b"failure reason" in decoded) is (b"retry in" in decoded) is (b"failure code" in decoded)
    if b"failure reason" not in decoded:
        assert {b"complete", b"incomplete", b"downloaded", b"external ip"} <= set(decoded)
        assert decoded[b"external ip"] == packed(address)
        assert (b"peers6" in decoded) is (address == ADDRESS6)


@pytest.mark.parametrize("headers", [b"", b"Accept-Encoding: gzip, deflate\r\n", b"TE: trailers, chunked\r\n"])
def test_nothing_is_compressed_or_in_chunks(site, headers) -> None:
    """Whatever a client says it accepts."""
    lines, body = raw(site, announce_bytes(headers=headers))
    assert [line.partition(b":")[0] for line in lines[1:]] == [b"Content-Type", b"Content-Length"]
    assert bencodepy.decode(body)[b"incomplete"] == 1


@pytest.mark.parametrize(
    ("torrent", "user", "words", "retry"),
    [
        (None, {}, "Unregistered torrent", 15),
        ({"deleted": True}, {}, "Unregistered torrent", b"never"),
        ({"deleted": True, "reason": "a fake"}, {}, "Unregistered torrent: a fake", b"never"),
        ({"enabled": False, "reason": "in moderation"}, {}, "This torrent is disabled: in moderation", 30),
        ({}, {"enabled": False}, "Your account is disabled; please contact the staff", 60),
    ],
)
def test_failure_says_when_to_come_back(torrent, user, words, retry) -> None:
    """`retry in` is minutes or `never` (BEP 31), and both intervals say the same for who reads only those."""
    site = make_site(
        users=[User(0, "anna", PASSKEY, **user)],
        torrents=[] if torrent is None else [Torrent(INFO_HASH, created_at=NOW, **torrent)],
        store=MemoryStore(),
    )
    answer = site.announce()
    assert answer["failure reason"].decode() == words
    assert answer["retry in"] == retry
    assert answer["interval"] == answer["min interval"] == (1800 if retry == b"never" else retry * 60)
    assert answer["peers"] == b""
