"""The protocol of the announce port without its socket: requests in order, connections that stay or end, limits."""

from __future__ import annotations

import pytest
from builders import (
    ADDRESS,
    ADDRESS6,
    INFO_HASH,
    OTHER_PASSKEY,
    PASSKEY,
    PEER_ID,
    Connection,
    Site,
    SlowStore,
    announce_bytes,
    announce_target,
    answers_in,
    make_site,
)

from mika.errors import StoreError
from mika.server.http import HEAD_TIME, IDLE_TIME, SWEEP_TIME
from mika.store.memory import MemoryStore
from mika.wire.address import packed

pytestmark = pytest.mark.usefixtures("log")

CLOSE = b"Connection: close\r\n"


@pytest.fixture
def site() -> Site:
    """Return a site with two users and a torrent."""
    return make_site()


# ---- one connection, many requests


def test_connection_is_kept(site) -> None:
    """Requests one after another on one connection are answered one after another."""
    connection = Connection(site)
    for number in range(1, 4):
        connection.send(announce_bytes(uploaded=number * 100))
        assert len(connection.answers()) == number
    assert site.user().totals.uploaded == 200
    assert not connection.transport.disconnecting


def test_first_words_of_clients_are_kept(site) -> None:
    """The whole request of each announce with `started`, once, whichever way it is read; of no other."""
    ordinary, unusual = announce_bytes(event="started"), announce_bytes(event="started", ip="1.2.3.4")
    connection = Connection(site)
    for request in (ordinary, announce_bytes(), unusual, announce_bytes(event="stopped")):
        connection.send(request)
    connection.send(unusual + ordinary)
    assert len(connection.answers()) == 6
    assert list(site.factory.started) == [ordinary, unusual, unusual, ordinary]
    site.factory.answer_whole(unusual + ordinary, packed(ADDRESS))
    assert list(site.factory.started)[4:] == [unusual]
    assert site.factory.over_tls().started is site.factory.started


def test_first_words_behind_a_miss_are_kept_once() -> None:
    """Though the announce is taken through the tracker again when its facts are loaded."""
    site = make_site(store=MemoryStore())
    connection = Connection(site)
    connection.send(announce_bytes(event="started"))
    assert len(connection.answers()) == 1
    assert list(site.factory.started) == [announce_bytes(event="started")]


def test_a_byte_at_a_time(site) -> None:
    """A request that trickles in is answered with its last byte, and only once."""
    connection = Connection(site)
    request = announce_bytes()
    for place in range(len(request) - 1):
        connection.send(request[place : place + 1])
        assert connection.transport.value() == b""
    connection.send(request[-1:])
    assert [answer["incomplete"] for answer in connection.answers()] == [1]
    assert site.user().totals.announces == 1


def test_pipelined_requests_are_answered_in_order(site) -> None:
    """Requests that arrive together are answered in their order, wherever they are cut."""
    connection = Connection(site)
    data = b"".join(announce_bytes(peer_id=b"-XX0000-%012d" % number) for number in range(5))
    connection.send(data[:700])
    connection.send(data[700:])
    assert [answer["incomplete"] for answer in connection.answers()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("version", "headers", "closes", "said"),
    [
        (b"1.1", b"", False, None),
        (b"1.1", CLOSE, True, b"close"),
        (b"1.0", b"", True, b"close"),
        (b"1.0", b"Connection: Keep-Alive\r\n", False, b"keep-alive"),
    ],
)
def test_connection_ends_where_it_should(site, version, headers, closes, said) -> None:
    """The connection ends or stays as the version and the client say, and the answer says which."""
    connection = Connection(site)
    connection.send(announce_bytes(headers=headers).replace(b"HTTP/1.1", b"HTTP/" + version))
    assert connection.transport.disconnecting is closes
    head = connection.transport.value().partition(b"\r\n\r\n")[0]
    assert (b"\r\nConnection: " + said in head) if said else (b"Connection" not in head)


def test_nothing_is_answered_behind_a_close(site) -> None:
    """What a client sends after it said that it closes is not a request any more (RFC 9112, 9.6)."""
    connection = Connection(site)
    connection.send(announce_bytes(headers=CLOSE) + announce_bytes(OTHER_PASSKEY))
    connection.send(announce_bytes(OTHER_PASSKEY))
    assert len(connection.answers()) == 1
    assert site.user(OTHER_PASSKEY).totals.announces == 0


def test_head_has_no_effect(site) -> None:
    """A probe is answered and nobody joins; the connection goes on."""
    connection = Connection(site)
    connection.send(announce_bytes().replace(b"GET", b"HEAD") + announce_bytes(OTHER_PASSKEY))
    assert connection.transport.value().startswith(b"HTTP/1.1 200 OK\r\n")
    assert [answer.get("incomplete") for answer in connection.answers()] == [None, 1]
    assert site.user().totals.announces == 0


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"OPTIONS", b"DELETE", b"TRACE"])
def test_method_is_refused_and_its_body_unread(site, method) -> None:
    """Any other method is a 405 that says which are allowed; what follows is not taken for a request."""
    connection = Connection(site)
    body = announce_bytes(OTHER_PASSKEY)
    connection.send(announce_bytes(headers=b"Content-Length: %d\r\n" % len(body)).replace(b"GET", method) + body)
    connection.send(body)
    head = connection.transport.value()
    assert head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD\r\n" in head
    assert head.count(b"HTTP/1.1") == 1
    assert site.swarms.peer_count == 0
    assert connection.transport.finished


def test_good_requests_before_a_bad_one_count(site) -> None:
    """What was a request is answered, then the problem, then the connection ends."""
    connection = Connection(site)
    connection.send(announce_bytes() + b"NONSENSE\r\n\r\n" + announce_bytes(OTHER_PASSKEY))
    first, _, second = connection.transport.value().partition(b"HTTP/1.1 400 Bad Request\r\n")
    assert answers_in(first)[0]["incomplete"] == 1
    assert second.endswith(b"\r\n\r\nThis is not an HTTP/1.x request\n")
    assert site.user(OTHER_PASSKEY).totals.announces == 0
    assert connection.transport.finished


# ---- what must be loaded first


def test_pipelined_with_a_miss_in_the_middle() -> None:
    """While one request waits for a store, reading pauses, and what is behind it waits: the order is kept."""
    store = SlowStore()
    site = make_site(torrents=[INFO_HASH, b"h" * 20], store=store)
    site.directory.load(PASSKEY, [INFO_HASH])
    store.let_go()
    connection = Connection(site)
    targets = [INFO_HASH, b"h" * 20, INFO_HASH, b"u" * 20]
    connection.send(b"".join(announce_bytes(info_hash=each, uploaded=7, numwant=0) for each in targets))

    assert len(connection.answers()) == 1
    assert connection.transport.producerState == "paused"
    store.let_go()
    assert len(connection.answers()) == 3
    store.let_go()
    assert connection.transport.producerState == "producing"
    assert ["failure code" in answer for answer in connection.answers()] == [False, False, False, True]
    assert [answer.get("incomplete") for answer in connection.answers()] == [1, 1, 1, None]
    assert site.user().totals.announces == 3


def test_miss_that_is_answered_at_once() -> None:
    """A store that answers at once changes nothing: each request is answered once, and in order."""
    hashes = [b"%020d" % number for number in range(400)]
    site = make_site(torrents=hashes, store=MemoryStore())
    connection = Connection(site)
    connection.send(b"".join(announce_bytes(info_hash=each, left=number % 2) for number, each in enumerate(hashes)))
    assert [answer["complete"] for answer in connection.answers()] == [1, 0] * 200
    assert site.user().totals.announces == 400
    connection.send(announce_bytes(info_hash=hashes[0]))
    assert site.user().totals.announces == 401


def test_what_arrives_while_waiting_waits() -> None:
    """Bytes that come while a request waits are kept, and answered after it."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes())
    connection.send(announce_bytes(OTHER_PASSKEY)[:50])
    connection.send(announce_bytes(OTHER_PASSKEY)[50:])
    assert connection.transport.value() == b""
    store.let_go()
    assert len(connection.answers()) == 1
    store.let_go()
    assert [answer["incomplete"] for answer in connection.answers()] == [1, 2]


def test_close_after_a_miss() -> None:
    """A client that closes is answered first, though that takes a while; what is behind it is not read."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes(headers=CLOSE) + announce_bytes(OTHER_PASSKEY))
    assert not connection.transport.disconnecting
    store.let_go()
    assert len(connection.answers()) == 1
    assert connection.transport.disconnecting
    assert not store.reads


def test_client_that_leaves_while_it_waits() -> None:
    """What a client sent before it left counts, also what was behind a miss."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes() + announce_bytes(uploaded=5))
    connection.lose()
    store.let_go()
    assert site.user().totals.uploaded == 5
    assert not site.factory.connections


def test_store_that_fails(log) -> None:
    """A store that cannot answer is said in words, with a time to try again; the connection goes on."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes())
    store.let_go(StoreError("the users store is away"))
    [answer] = connection.answers()
    assert (answer["failure code"], answer["retry in"], answer["interval"]) == (b"store_unavailable", 2, 120)
    assert [event for event in log if "the users store is away" in str(event.get("problem"))]
    assert site.swarms.peer_count == 0
    connection.send(announce_bytes())
    store.let_go()
    assert connection.answers()[1]["incomplete"] == 1


def test_shutdown_waits_for_an_answer() -> None:
    """At the end idle connections are closed at once, and one that waits for a store after its answer."""
    store = SlowStore()
    site = make_site(store=store)
    idle, waiting = Connection(site), Connection(site)
    waiting.send(announce_bytes())
    ended: list[None] = []
    site.factory.end().addCallback(ended.append)
    assert idle.transport.disconnecting
    assert not waiting.transport.disconnecting
    assert not ended
    store.let_go()
    assert len(waiting.answers()) == 1
    assert waiting.transport.disconnecting
    assert ended == [None]


# ---- time


def test_silent_connection_is_cut_off(site) -> None:
    """Who connects and says nothing is cut off."""
    connection = Connection(site)
    site.clock.advance(HEAD_TIME)
    site.factory.connections.sweep()
    assert not connection.transport.disconnected
    site.clock.advance(1)
    site.factory.connections.sweep()
    assert connection.transport.disconnected


def test_slow_head_is_cut_off(site) -> None:
    """A byte now and then does not buy more time."""
    connection = Connection(site)
    for byte in announce_bytes()[: HEAD_TIME + 1]:
        connection.send(bytes((byte,)))
        site.clock.advance(1)
        site.factory.connections.sweep()
    assert connection.transport.disconnected


def test_kept_connection_may_be_silent_for_long(site) -> None:
    """Between requests a connection may be silent for minutes; each request buys the same time again."""
    connection = Connection(site)
    for _ in range(3):
        connection.send(announce_bytes())
        site.clock.advance(IDLE_TIME)
        site.factory.connections.sweep()
        assert not connection.transport.disconnected
    site.clock.advance(1)
    site.factory.connections.sweep()
    assert connection.transport.disconnected


def test_half_a_request_behind_one_has_the_shorter_time(site) -> None:
    """A partial request is waited for as long as a first one."""
    connection = Connection(site)
    connection.send(announce_bytes() + b"GET /")
    site.clock.advance(HEAD_TIME + 1)
    site.factory.connections.sweep()
    assert connection.transport.disconnected


def test_refused_connection_is_not_kept(site) -> None:
    """A client that does not go after a refusal is cut off."""
    connection = Connection(site)
    connection.send(b"NONSENSE\r\n\r\n")
    site.clock.advance(SWEEP_TIME + 1)
    site.factory.connections.sweep()
    assert connection.transport.disconnected


def test_request_that_waits_for_a_store_is_not_cut_off() -> None:
    """It is not the client that is slow."""
    site = make_site(store=SlowStore())
    connection = Connection(site)
    connection.send(announce_bytes())
    site.clock.advance(10 * IDLE_TIME)
    site.factory.connections.sweep()
    assert not connection.transport.disconnected


# ---- what goes wrong inside


def test_our_own_fault_costs_nobody_the_connection(site, log, monkeypatch) -> None:
    """A bug is logged with its traceback, without any passkey; the client is asked to try again."""

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(site.tracker, "random", fail)
    connection = Connection(site)
    connection.send(announce_bytes())
    [answer] = connection.answers()
    assert (answer["failure code"], answer["retry in"]) == (b"internal", 10)
    [event] = [event for event in log if "log_failure" in event]
    assert PASSKEY not in event["log_failure"].getTraceback()
    assert not connection.transport.disconnecting
    log.clear()


def test_verbose_log_has_no_secret(log) -> None:
    """At debug level every announce is logged, who sent it only by address."""
    site = make_site()
    site.factory.watched = site.factory.watch.verbose = True
    site.get(announce_target(event="started", key="SECRETKEY"))
    site.get(announce_target("no-such-passkey-at-all"))
    site.scrape()
    lines = [event["log_format"].format(**event) for event in log if "outcome" in event]
    assert lines == [
        f"announce STARTED of {INFO_HASH.hex()} from {ADDRESS} answered",
        f"announce NONE of {INFO_HASH.hex()} from {ADDRESS} refused: passkey_invalid",
        f"scrape of 1 from {ADDRESS} answered",
    ]
    assert not [line for line in map(str, log) if PASSKEY in line or "SECRETKEY" in line or "no-such" in line]


def test_peer_is_the_one_that_announced(site) -> None:
    """What the bytes said is what the swarm has."""
    Connection(site, ADDRESS6).send(announce_bytes(port=51413, left=0))
    [swarm] = site.swarms
    [peer] = swarm.peers
    assert (peer.peer_id, peer.endpoint6, peer.endpoint4) == (PEER_ID, packed(ADDRESS6) + b"\xc8\xd5", b"")
