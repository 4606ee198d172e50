"""A restart of the tracker costs nobody anything: swarms, counters and accounts are as they were."""

from __future__ import annotations

import pytest
from functional.content import SIZE, make_content
from functional.torrent_clients import Libtorrent, Moved
from functional.tracker_process import wait_until

INFO_HASH = bytes.fromhex("c0ffee" + "11" * 17)
MIB = 1024 * 1024


@pytest.fixture
def torrent(tracker):
    """Register a torrent of which only announces are made."""
    tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex(), "name": "coffee", "size": 8 * MIB})
    return INFO_HASH


def test_swarms_and_counters_survive_a_restart(tracker, torrent):
    """Counts are right before anybody announces, and the growth since the last announce before it is credited."""
    ann, bob = tracker.add_user("ann"), tracker.add_user("bob")
    seed, leech = b"-XX0001-ann-seeds---", b"-XX0001-bob-leeches-"

    def ann_says(**more):
        return tracker.announce(tracker.announce_url(ann), torrent, seed, port=7001, **({"left": 0} | more))

    def bob_says(host="127.0.0.1", **more):
        return tracker.announce(
            tracker.announce_url(bob, host), torrent, leech, port=7002, **({"left": 8 * MIB} | more)
        )

    ann_says(event="started", uploaded=5)
    ann_says(uploaded=5 + MIB)
    bob_says(event="started")
    bob_says("::1", event="started")
    bob_says(downloaded=MIB, left=7 * MIB)
    before = [tracker.user(ann["id"]), tracker.user(bob["id"]), tracker.torrent(torrent)]
    assert (before[0]["uploaded"], before[1]["downloaded"]) == (MIB, MIB)

    tracker.restart()

    assert [tracker.user(ann["id"]), tracker.user(bob["id"]), tracker.torrent(torrent)] == before
    assert tracker.counts(torrent) == (1, 1, 0)
    answer = ann_says(uploaded=5 + 3 * MIB)
    assert (answer[b"complete"], answer[b"incomplete"]) == (1, 1)
    assert answer[b"peers"] == bytes([127, 0, 0, 1]) + (7002).to_bytes(2)
    bob_says("::1", downloaded=8 * MIB, left=0, event="completed")
    assert (tracker.user(ann["id"])["uploaded"], tracker.user(bob["id"])["downloaded"]) == (3 * MIB, 8 * MIB)
    assert tracker.counts(torrent) == (2, 0, 1)

    tracker.restart()

    assert tracker.counts(torrent) == (2, 0, 1)
    bob_says(downloaded=8 * MIB, left=0, event="completed")
    bob_says(downloaded=8 * MIB, uploaded=7, left=0, event="stopped")
    bob_says("::1", downloaded=8 * MIB, uploaded=7, left=0, event="stopped")
    assert (tracker.user(bob["id"])["uploaded"], tracker.user(bob["id"])["downloaded"]) == (7, 8 * MIB)
    assert tracker.counts(torrent) == (1, 0, 1)

    tracker.restart()

    assert tracker.counts(torrent) == (1, 0, 1)


def test_file_moves_on_while_the_tracker_restarts(tracker, start_client, tmp_path):
    """Clients that were there before and are there after it have what they moved in their accounts, to the byte."""
    content = make_content(tmp_path / "content")
    tracker.api("POST", "/v1/torrents", content.fields)
    ann, bob = tracker.add_user("ann"), tracker.add_user("bob")
    anns_client, bobs_client = (start_client(Libtorrent, name, ("127.0.0.1",)) for name in ("ann", "bob"))
    anns_client.add(content.torrent_file(tracker.announce_url(ann)), content.directory)
    wait_until("ann seeds", lambda: tracker.counts(content.info_hash) == (1, 0, 0))
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    bobs_client.add(content.torrent_file(tracker.announce_url(bob)), downloads)
    wait_until("something has moved", lambda: bobs_client.moved().downloaded > 0)

    tracker.restart()

    assert tracker.counts(content.info_hash) == (1, 1, 0)
    assert not bobs_client.is_complete()
    bobs_client.let_go()
    wait_until("bob seeds", lambda: tracker.counts(content.info_hash) == (2, 0, 1))
    anns_client.leave()
    bobs_client.leave()
    wait_until("both are gone", lambda: tracker.counts(content.info_hash) == (0, 0, 1))
    accounts = [tracker.user(user["id"]) for user in (ann, bob)]
    assert [Moved(each["uploaded"], each["downloaded"]) for each in accounts] == [Moved(SIZE, 0), Moved(0, SIZE)]
    assert [anns_client.moved(), bobs_client.moved()] == [Moved(SIZE, 0), Moved(0, SIZE)]
