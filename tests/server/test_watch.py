"""What the announce ports count and tell of what they answer."""

from __future__ import annotations

import pytest
from builders import (
    ADDRESS,
    ADDRESS6,
    INFO_HASH,
    PASSKEY,
    Connection,
    SlowStore,
    announce_bytes,
    announce_target,
    make_site,
)

from mika.errors import StoreError
from mika.events import TYPES, Subscription
from mika.server.http import AnnounceFactory


@pytest.fixture
def site():
    """Serve one user and one torrent."""
    return make_site()


def watched(site, types=TYPES):
    """Let somebody listen; return the events that come."""
    events = []
    hub = site.factory.watch._events
    hub.readers_changed = lambda: setattr(site.factory, "watched", site.factory.watch.wanted)
    hub.subscribe(Subscription(events.append, types, 1, 1000))
    return events


def test_answers_are_counted_by_family(site):
    """On the straight way through, on the long one, and scrapes."""
    Connection(site).send(announce_bytes())
    site.announce()
    site.announce(address=ADDRESS6)
    site.announce(event="stopped")
    site.scrape()
    site.scrape(address=ADDRESS6)
    traffic = site.factory.traffic
    assert [traffic.served(4), traffic.served(6)] == [3, 1]
    assert [traffic.scrapes(4), traffic.scrapes(6)] == [1, 1]
    assert (traffic.refused(4), traffic.refused(6), traffic.malformed) == (0, 0, {})


def test_refusals_are_counted_by_code_and_family(site):
    """Rules', and what cannot be read as an announce; neither counts as answered."""
    site.announce("no-such-passkey")
    site.announce(info_hash=None)
    site.announce(info_hash=None, address=ADDRESS6)
    site.get(f"/{PASSKEY}/scrape", ADDRESS6)
    traffic = site.factory.traffic
    assert traffic.refusals == {
        ("passkey_invalid", 4): 1,
        ("info_hash_missing", 4): 1,
        ("info_hash_missing", 6): 1,
        ("scrape_all", 6): 1,
    }
    assert (traffic.refused(4), traffic.refused(6), traffic.served(4), traffic.scrapes(6)) == (2, 2, 0, 0)


def test_what_is_no_http_is_counted_apart(site):
    """It never was an announce."""
    Connection(site).send(b"nonsense\r\n\r\n")
    Connection(site).send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert site.factory.traffic.malformed == {"request_malformed": 1, "method_refused": 1}
    assert not site.factory.traffic.refusals


def test_request_that_waited_for_a_store_is_counted_once():
    """As a wait, and as what it was answered with in the end."""
    store = SlowStore()
    site = make_site(store=store)
    connection = Connection(site)
    connection.send(announce_bytes())
    store.let_go()
    assert len(connection.answers()) == 1
    assert (site.factory.traffic.lookups, site.factory.traffic.served(4)) == (1, 1)
    assert site.directory.lookups == {("users", True): 1, ("torrents", True): 1}
    connection.send(announce_bytes("not-there-at-all"))
    store.let_go(StoreError("Gone."))
    assert site.factory.traffic.refusals == {("store_unavailable", 4): 1}


def test_connection_that_is_cut_off_is_counted(site):
    """One that used up its time."""
    Connection(site).send(b"GET /")
    site.clock.advance(60)
    site.factory.connections.sweep()
    assert site.factory.traffic.cut_off == 1


def test_nothing_is_told_while_nobody_wants_to_know(site):
    """An announce costs the test of one attribute."""
    watched(site, ["store"])
    site.factory.watch = None
    assert site.announce()["complete"] == 0
    assert not site.factory.watched


def test_announce_is_told(site):
    """With who it was of, and how the swarm is after it; never with the passkey."""
    events = watched(site)
    site.announce(left=0, event="started", key="SECRETKEY", uploaded=7)
    [event] = events
    assert (event.type, event.at) == ("announce", int(site.clock.seconds()))
    assert event.fields == {
        "info_hash": INFO_HASH.hex(),
        "user_id": 1,
        "event": "started",
        "ip": ADDRESS,
        "port": 6881,
        "family": "ipv4",
        "protocol": "http",
        "uploaded": 7,
        "downloaded": 0,
        "left": 0,
        "seeders": 1,
        "leechers": 0,
    }


@pytest.mark.parametrize(
    ("target", "code", "info_hash", "user_id"),
    [
        (announce_target("no-such-passkey"), "passkey_invalid", INFO_HASH.hex(), None),
        (announce_target(info_hash=b"x" * 20), "torrent_unregistered", (b"x" * 20).hex(), 1),
        (announce_target(info_hash=None), "info_hash_missing", None, None),
        (f"/{PASSKEY}/scrape", "scrape_all", None, None),
    ],
)
def test_refusal_is_told(site, target, code, info_hash, user_id):
    """With its words, and what is known of who asked."""
    events = watched(site)
    answer = site.get(target, ADDRESS6)
    [event] = events
    assert event.type == "refusal"
    assert event.fields == {
        "code": code,
        "reason": answer["failure reason"].decode(),
        "info_hash": info_hash,
        "user_id": user_id,
        "ip": ADDRESS6,
        "family": "ipv6",
        "protocol": "http",
    }


def test_nothing_secret_is_told(site):
    """No passkey, right or wrong, and no client's key."""
    events = watched(site)
    site.announce(key="SECRETKEY")
    site.announce("no-such-passkey-at-all")
    site.announce(left="x")
    site.scrape()
    assert len(events) == 3
    assert not [event for event in map(str, events) if PASSKEY in event or "SECRETKEY" in event or "no-such" in event]


def test_tls_has_counts_of_its_own(site):
    """And says so to who watches."""
    events = watched(site)
    secure = site.factory.over_tls()
    assert isinstance(secure, AnnounceFactory)
    site.factory = secure
    site.announce()
    assert secure.traffic.served(4) == 1
    assert [event.fields["protocol"] for event in events] == ["https"]
