"""One client is one client: over both families, several announce URLs, both hashes of a torrent, and a restart."""

from __future__ import annotations

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
    announce_target,
    key_of,
    make_site,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from mika.model import Torrent
from mika.rules import refusal

REBORN = b"-TR4060-000000000002"
KEY = "1A2B3C4D"
SAME_NETWORK6 = "2a02:ec8:e1::ffff:2"
OTHER_NETWORK6 = "2a02:ec8:e1:1::1"
V2 = bytes(range(32))


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        pytest.param({}, {}, True, id="same address, port and key"),
        pytest.param({"port": 6881}, {"port": 50123}, True, id="another port"),
        pytest.param({}, {"key": "99999999"}, False, id="two clients behind one address, the same port"),
        pytest.param({}, {"key": "99999999", "port": 6882}, False, id="two clients behind one address"),
        pytest.param({"key": None}, {"key": None}, False, id="no key"),
        pytest.param({"key": None}, {}, False, id="no key before"),
        pytest.param({}, {"key": None}, False, id="no key after"),
        pytest.param({"key": ""}, {"key": ""}, False, id="empty keys"),
        pytest.param({}, {"address": OTHER_ADDRESS}, False, id="another address"),
        pytest.param({"address": ADDRESS6}, {"address": ADDRESS6}, True, id="IPv6"),
        pytest.param({"address": ADDRESS6}, {"address": SAME_NETWORK6}, True, id="a new address in its IPv6 network"),
        pytest.param({"address": ADDRESS6}, {"address": OTHER_NETWORK6}, False, id="another IPv6 network"),
        pytest.param({"address": ADDRESS6}, {}, False, id="the other family"),
        pytest.param({}, {"passkey": OTHER_PASSKEY}, False, id="another user"),
        pytest.param({"left": 0}, {"left": 10}, True, id="a seeder that checks its files anew"),
        pytest.param({"event": "paused"}, {}, True, id="a partial seed"),
    ],
)
def test_restarted_client_replaces_its_ghost(before, after, replaced) -> None:
    """Only the same key from the same address is the same client; what is not is counted and handed out."""
    site = make_site()
    site.announce(**{"key": KEY} | before)
    answer = site.announce(**{"key": KEY, "peer_id": REBORN, "event": "started"} | after)
    assert answer["complete"] + answer["incomplete"] == (1 if replaced else 2)
    swarm = site.swarms.get(INFO_HASH)
    assert {peer.peer_id: peer.active for peer in swarm.peers} == {PEER_ID: not replaced, REBORN: True}
    listed = sum(len(side.peers) for side in (swarm.seeders4, swarm.leechers4, swarm.seeders6, swarm.leechers6))
    assert listed == (1 if replaced else 2)


@pytest.mark.parametrize("found_by", [ADDRESS, ADDRESS6])
def test_ghost_leaves_with_both_its_endpoints(found_by) -> None:
    """Whichever family the restarted client announces over first."""
    site = make_site()
    for address in (ADDRESS, ADDRESS6):
        site.announce(address=address, key=KEY)
    site.announce(address=found_by, key=KEY, peer_id=REBORN)
    for address, field in ((OTHER_ADDRESS, "peers"), (OTHER_ADDRESS6, "peers6")):
        answer = site.announce(OTHER_PASSKEY, address, peer_id=b"-XX0000-asks-who-is-")
        assert len(answer[field]) == (
            (6 if field == "peers" else 18) if (found_by == ADDRESS) == (field == "peers") else 0
        )


def test_ghost_of_one_torrent_is_none_of_another() -> None:
    """A client that added a torrent anew has left nothing in the others."""
    other = bytes(20)
    site = make_site(torrents=(INFO_HASH, other))
    site.announce(key=KEY)
    site.announce(key=KEY, info_hash=other, peer_id=REBORN)
    assert site.swarms.get(INFO_HASH).incomplete == site.swarms.get(other).incomplete == 1


def test_several_ghosts_leave_at_once() -> None:
    """A client that crashes again and again is one; and its ghosts refuse it nothing."""
    site = make_site(peers_per_user_torrent=1)
    for number in range(5):
        answer = site.announce(key=KEY, peer_id=b"-TR4060-%012d" % number)
        assert "failure reason" not in answer
        assert answer["incomplete"] == 1
    refused = site.announce(key="another", peer_id=REBORN)
    assert refused["failure reason"].decode() == refusal.too_many_peers(1, 1).words


def test_restarted_client_begins_with_a_baseline() -> None:
    """What it had moved is credited already, what it moves now counts from its first announce: nothing twice."""
    site = make_site()
    site.announce(key=KEY)
    site.announce(key=KEY, uploaded=1000, downloaded=300)
    site.announce(key=KEY, peer_id=REBORN, event="started")
    site.announce(key=KEY, peer_id=REBORN, uploaded=50, downloaded=7)
    assert site.user().totals.values()[:4] == (1050, 307, 1050, 307)


def test_client_that_was_taken_for_a_ghost_loses_nothing() -> None:
    """It returns with its own baseline; then both are there, and neither takes the other for a ghost again."""
    site = make_site()
    site.announce(key=KEY)
    site.announce(key=KEY, uploaded=1000)
    site.announce(key=KEY, peer_id=REBORN, uploaded=70_000)
    for number in range(1, 4):
        site.announce(key=KEY, uploaded=1000 + 10 * number)
        answer = site.announce(key=KEY, peer_id=REBORN, uploaded=70_000 + 100 * number)
        assert answer["incomplete"] == 2
    assert site.user().totals.uploaded == 1000 + 30 + 300


def test_stop_of_a_ghost_is_credited() -> None:
    """A client that was told to stop says so after all: its last growth counts, and the new one stays."""
    site = make_site()
    site.announce(key=KEY, uploaded=0)
    site.announce(key=KEY, peer_id=REBORN)
    answer = site.announce(key=KEY, uploaded=25, event="stopped")
    assert site.user().totals.uploaded == 25
    assert answer["incomplete"] == 1
    assert [key_of(peer) for peer in site.swarms.get(INFO_HASH).peers] == [(site.user().id, REBORN)]


def test_journal_hears_of_a_ghost() -> None:
    """A restart of the tracker brings it back silent, with its counters."""
    site = make_site()
    site.announce(key=KEY, uploaded=5)
    before = site.journal.last
    site.announce(key=KEY, peer_id=REBORN)
    assert site.journal.last == before + 2  # the ghost as it is now, and the announce


def test_seed_time_counts_once_over_a_restart() -> None:
    """The ghost's ended with its last announce, the new one's begins with its first."""
    site = make_site()
    site.announce(key=KEY, left=0)
    site.clock.advance(1800)
    site.announce(key=KEY, left=0)
    site.clock.advance(60)
    site.announce(key=KEY, left=0, peer_id=REBORN)
    site.clock.advance(600)
    site.announce(key=KEY, left=0, peer_id=REBORN)
    assert site.user().totals.seed_seconds == 1800 + 600


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([PEER_ID, REBORN]),
            st.integers(0, 500),
            st.sampled_from([ADDRESS, ADDRESS6]),
            st.sampled_from([None, "started", "stopped"]),
        ),
        max_size=14,
    )
)
def test_accounts_are_exact_whoever_is_taken_for_a_ghost(story) -> None:
    """Two clients with one key at one address, in any order: each is credited its own growth, and no more."""
    site = make_site()
    baselines: dict[bytes, int] = {}
    total = 0
    for peer_id, uploaded, address, event in story:
        site.announce(address=address, key=KEY, peer_id=peer_id, uploaded=uploaded, event=event)
        total += max(0, uploaded - baselines.get(peer_id, uploaded))
        baselines[peer_id] = uploaded
        if event == "stopped":
            del baselines[peer_id]
    if story:
        assert site.user().totals.uploaded == total
        swarm = site.swarms.get(INFO_HASH)
        assert (swarm is None and not baselines) or {peer.peer_id for peer in swarm.peers} == set(baselines)


@pytest.mark.parametrize(
    "forms",
    [
        ["/{passkey}/announce", "/announce/{passkey}"],
        ["/announce?passkey={passkey}", "/announce.php?passkey={passkey}", "//{passkey}//announce"],
    ],
)
def test_several_announce_urls_are_one_client(forms) -> None:
    """A client with all of them in its torrent announces to each: it is counted once, and its growth counts once."""
    site = make_site()
    query = announce_target(None).partition("?")[2]
    for uploaded in (0, 100, 250):
        for form in forms:
            target = form.format(passkey=PASSKEY)
            joined = f"{target}{'&' if '?' in target else '?'}{query.replace('uploaded=0', f'uploaded={uploaded}')}"
            answer = site.get(joined)
            assert (answer["incomplete"], answer["peers"]) == (1, b"")
    assert (site.user().totals.uploaded, site.user().totals.announces) == (250, 3 * len(forms))


@pytest.mark.parametrize(
    "ways",
    [
        [(ADDRESS, INFO_HASH), (ADDRESS6, INFO_HASH)],
        [(ADDRESS, INFO_HASH), (ADDRESS, V2[:20])],
        [(ADDRESS, INFO_HASH), (ADDRESS6, INFO_HASH), (ADDRESS, V2[:20]), (ADDRESS6, V2[:20])],
    ],
    ids=["both families", "both hashes", "both of both"],
)
def test_every_way_to_announce_is_one_client(ways) -> None:
    """Growth, seed time, completion and the stop count once, whichever way is first; each family hands out its own."""
    site = make_site(torrents=[Torrent(INFO_HASH, info_hash_v2=V2)])
    for shift in range(len(ways)):
        order = ways[shift:] + ways[:shift]
        site.clock.advance(1000)
        for address, info_hash in order:
            answer = site.announce(address=address, info_hash=info_hash, uploaded=100 * shift, left=0)
            assert (answer["complete"], answer["incomplete"]) == (1, 0)
    totals = site.user().totals
    assert (totals.uploaded, totals.seed_seconds) == (100 * (len(ways) - 1), 1000 * (len(ways) - 1))
    for address, field, width in ((OTHER_ADDRESS, "peers", 6), (OTHER_ADDRESS6, "peers6", 18)):
        answer = site.announce(OTHER_PASSKEY, address, peer_id=REBORN, info_hash=V2[:20])
        there = any((":" in way[0]) == (width == 18) for way in ways)
        assert len(answer[field]) == (width if there else 0)
    for address, info_hash in ways:
        site.announce(address=address, info_hash=info_hash, uploaded=1000, left=0, event="stopped")
    assert site.user().totals.uploaded == 1000
    assert site.swarms.get(INFO_HASH).complete == 0
