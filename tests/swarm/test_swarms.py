"""All swarms: who leaves in which second, who is forgotten, and what a store has yet to hear of."""

from __future__ import annotations

import sys

import pytest
from builders import INFO_HASH, NOW, PEER_ID, key_of
from swarm.announcing import (
    COUNTERS_TTL,
    ENDPOINT4,
    ENDPOINT6,
    OTHER_HASH,
    PRIVATE,
    TTL,
    announce,
    counts,
    handed_out,
    make_swarms,
    swarm_of,
)

from mika.model import Peer, Torrent
from mika.store.values import freeze_peer, thaw_peer
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED, Event

# ---- who falls silent


@pytest.mark.parametrize(("silent", "stays"), [(0, True), (TTL - 1, True), (TTL, True), (TTL + 1, False)])
@pytest.mark.parametrize("looked", ["once", "every second of the last minute"])
def test_peer_leaves_in_the_right_second(silent, stays, looked):
    """Silent for exactly `peer_ttl` it stays, one second more and it leaves, however often somebody looks."""
    swarms = make_swarms()
    peer = announce(swarms)
    changed = 0
    for now in range(NOW + max(silent - 60, 0) if looked != "once" else NOW + silent, NOW + silent + 1):
        changed += swarms.expire(now)
    assert (peer.active, changed) == (stays, int(not stays))
    assert counts(swarms) == (int(stays), 0, int(stays))


def test_announce_puts_off_the_silence():
    """The time runs from the last announce, not from the first."""
    swarms = make_swarms()
    peer = announce(swarms)
    announce(swarms, NOW + 2000)
    assert swarms.expire(NOW + 2000 + TTL) == 0
    assert peer.active
    assert swarms.expire(NOW + 2000 + TTL + 1) == 1
    assert not peer.active


@pytest.mark.parametrize(("silent", "kept"), [(COUNTERS_TTL, True), (COUNTERS_TTL + 1, False)])
def test_counters_are_forgotten_in_the_right_second(silent, kept):
    """They are kept for exactly `counters_ttl` from the last announce; then nothing of peer and swarm is left."""
    swarms = make_swarms()
    announce(swarms, uploaded=77)
    swarms.expire(NOW + TTL + 1)
    swarms.expire(NOW + silent)
    swarm = swarms.get(INFO_HASH)
    assert (swarm is not None, len(swarms), len(swarms.of_user(1))) == (kept, int(kept), int(kept))
    assert swarm is None or swarm.peers.find(1, PEER_ID).uploaded == 77
    assert swarms.told == [(INFO_HASH, 1, PEER_ID, False), (INFO_HASH, 1, PEER_ID, True)][: 1 if kept else 2]


@pytest.mark.parametrize("counters_ttl", [TTL, TTL - 1, 600, 1])
def test_counters_kept_no_longer_than_the_peer_go_with_it(counters_ttl):
    """An operator may set so: peers leave and are forgotten, and the next ones as well."""
    swarms = make_swarms(TTL, counters_ttl)
    for number in range(5):
        announce(swarms, NOW + number, user_id=number)
    assert swarms.expire(NOW + TTL) == 0
    for number in range(5):
        swarms.expire(NOW + number + TTL + 1)
        assert swarms.peer_count == 4 - number
    swarms.expire(NOW + TTL + 61)
    assert len(swarms) == 0


def test_silent_peer_that_returns_has_its_counters_and_is_looked_after_once():
    """It is the same peer; what was planned for the silent one does not make it leave, or be looked at, twice."""
    swarms = make_swarms(100, 1000)
    peer = announce(swarms, uploaded=5)
    swarms.expire(NOW + 101)
    assert announce(swarms, NOW + 950, uploaded=9) is peer
    assert counts(swarms) == (1, 0, 1)
    assert swarms.expire(NOW + 1001) == 0
    assert swarms.expire(NOW + 1050) == 0
    assert swarms.expire(NOW + 1051) == 1
    assert swarms.expire(NOW + 1980) == 0  # the minute in which its counters are too old is over
    assert swarms.expire(NOW + 1981) == 1
    assert len(swarms) == 0


def test_peer_that_returns_for_the_very_second_at_which_it_was_due_leaves_once():
    """Due as a silent one and due as an active one fall on the same second: it is counted out once."""
    swarms = make_swarms(100, 200)
    announce(swarms)
    swarms.expire(NOW + 101)
    announce(swarms, NOW + 100)
    assert swarms.expire(NOW + 201) == 1
    assert counts(swarms) == (0, 0, 0)
    assert swarms.expire(NOW + 300) == 0
    assert swarms.expire(NOW + 301) == 1
    assert len(swarms) == 0


def test_peer_that_left_and_returned_often_is_looked_at_once():
    """What was planned for it before does not add up: two looks are enough for it and another peer."""
    swarms = make_swarms(100, 1000)
    for second in range(6):
        swarms.drop_user(1)
        announce(swarms, NOW + second)
    announce(swarms, NOW + 50, user_id=2)
    announce(swarms, NOW + 50)
    assert swarms.expire(NOW + 150) == 0
    assert swarms.expire(NOW + 151, 2) == 2


def test_new_peer_after_a_stop_is_not_judged_by_the_time_of_the_old_one():
    """Same user and peer id, but another peer: it has its full time."""
    swarms = make_swarms()
    old = announce(swarms)
    swarms.remove(swarm_of(swarms), old)
    new = announce(swarms, NOW + 2000)
    assert new is not old
    assert swarms.expire(NOW + TTL + 1) == 0
    assert new.active
    assert swarms.expire(NOW + 2000 + TTL + 1) == 1


def test_work_of_one_call_is_bounded():
    """25 peers that are due take three calls that look at ten each; nobody is left out, nobody counted twice."""
    swarms = make_swarms()
    for number in range(25):
        announce(swarms, NOW + number % 3, user_id=number)
    later = NOW + TTL + 10
    assert [swarms.expire(later, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert swarms.peer_count == 0


def test_peer_that_announces_is_looked_at_once_in_a_ttl():
    """A look at a peer that goes on is work too: the next one comes after a whole `peer_ttl`."""
    swarms = make_swarms()
    for number in range(10):
        announce(swarms, user_id=number)
        announce(swarms, NOW + TTL, user_id=number)
    assert [swarms.expire(NOW + TTL + 1, 5) for _ in range(2)] == [0, 0]
    assert swarms.expire(NOW + 2 * TTL, 5) == 0
    assert [swarms.expire(NOW + 2 * TTL + 1, 5) for _ in range(3)] == [5, 5, 0]


def test_clock_that_goes_back_harms_nobody():
    """The machine's clock is set back by an hour: who announces goes on, and leaves when it is silent for long."""
    swarms = make_swarms(100, 100)
    peer = announce(swarms)
    swarms.expire(NOW + 50)
    announce(swarms, NOW - 3600)
    for now in range(NOW - 3600, NOW, 50):
        swarms.expire(now)
    swarms.expire(NOW + 101)
    swarms.expire(NOW + 1000)
    assert not peer.active
    assert (swarms.peer_count, len(swarms)) == (0, 0)


@pytest.mark.parametrize(
    ("silent", "goes_on", "left"),
    [(ENDPOINT6, ENDPOINT4, {"seeders4": ENDPOINT4}), (ENDPOINT4, ENDPOINT6, {"seeders6": ENDPOINT6})],
)
def test_family_that_falls_silent_leaves_in_the_right_second(silent, goes_on, left):
    """A client that goes on over one family alone is handed out over that one, is still one peer, and is saved so."""
    swarms = make_swarms()
    announce(swarms, endpoint=silent)
    peer = announce(swarms, endpoint=goes_on)
    announce(swarms, NOW + 1000, endpoint=goes_on)
    swarms.expire(NOW + TTL)
    assert len(handed_out(swarm_of(swarms))) == 2
    swarms.expire(NOW + TTL + 1)
    assert handed_out(swarm_of(swarms)) == left
    assert counts(swarms) == (1, 0, 1)
    assert sorted([peer.endpoint4, peer.endpoint6]) == [b"", goes_on]
    assert swarms.told == [(INFO_HASH, 1, PEER_ID, False)]


# ---- who is let go


def test_drop_user_keeps_the_counters():
    """All of the user's peers leave their swarms and are saved as silent; everybody else's stay."""
    swarms = make_swarms()
    mine = [announce(swarms), announce(swarms, info_hash=OTHER_HASH, peer_id=b"b" * 20, uploaded=9)]
    announce(swarms, user_id=2)
    assert swarms.drop_user(1) == 2
    assert swarms.drop_user(1) == 0
    assert [peer.active for peer in mine] == [False, False]
    assert (counts(swarms), mine[1].uploaded) == ((1, 0, 1), 9)
    assert sorted(swarms.told) == [(OTHER_HASH, 1, b"b" * 20, False), (INFO_HASH, 1, PEER_ID, False)]
    assert announce(swarms, NOW + 5) is mine[0]
    assert counts(swarms) == (2, 0, 2)


def test_forget_user_leaves_nothing():
    """A deleted user's peers go with their counters, silent ones too, and so do swarms in which nobody else is."""
    swarms = make_swarms()
    announce(swarms)
    announce(swarms, peer_id=b"b" * 20)
    announce(swarms, info_hash=OTHER_HASH)
    announce(swarms, user_id=2)
    swarms.expire(NOW + TTL + 1)
    announce(swarms, NOW + TTL + 1)
    swarms.forget_user(1)
    assert swarms.of_user(1) == []
    assert [swarm.info_hash for swarm in swarms] == [INFO_HASH]
    assert [key_of(peer) for peer in swarm_of(swarms).peers] == [(2, PEER_ID)]
    assert swarms.peer_count == 0
    assert [user_id for _, user_id, _, gone in swarms.told if gone] == [1, 1, 1]
    swarms.forget_user(1)


def test_drop_torrent_leaves_nothing():
    """A deleted torrent's swarm goes with all its peers, other swarms stay."""
    swarms = make_swarms()
    for user_id in (1, 2):
        announce(swarms, user_id=user_id)
    announce(swarms, info_hash=OTHER_HASH)
    swarms.drop_torrent(INFO_HASH)
    assert swarms.get(INFO_HASH) is None
    assert (len(swarms), swarms.peer_count) == (1, 1)
    assert [swarm.info_hash for swarm in swarms.of_user(1)] == [OTHER_HASH]
    assert swarms.of_user(2) == []
    swarms.drop_torrent(INFO_HASH)


@pytest.mark.parametrize("end", ["stopped", "forgotten", "dropped with its torrent"])
def test_torrent_finds_its_swarm_and_none_that_is_gone(end):
    """It remembers the swarm while somebody is in it, silent ones too, and takes the one that comes after it."""
    swarms, torrent = make_swarms(), Torrent(INFO_HASH)
    assert swarms.of(torrent) is None
    peer = announce(swarms)
    swarm = swarms.of(torrent)
    assert swarm is swarms.get(INFO_HASH) is not None
    swarms.expire(NOW + TTL + 1)
    assert swarms.of(torrent) is swarm
    if end == "stopped":
        swarms.remove(swarm, peer)
    elif end == "forgotten":
        swarms.expire(NOW + COUNTERS_TTL + 60)
    else:
        swarms.drop_torrent(INFO_HASH)
    assert swarms.of(torrent) is None
    announce(swarms, NOW + COUNTERS_TTL + 90)
    assert swarms.of(torrent) is swarms.get(INFO_HASH) is not swarm


def test_what_was_let_go_is_not_missed_when_its_time_comes():
    """The second at which a peer was due passes quietly when it has been stopped, dropped or forgotten before."""
    swarms = make_swarms()
    for user_id in range(1, 5):
        announce(swarms, user_id=user_id)
    swarms.remove(swarm_of(swarms), swarm_of(swarms).peers.find(1, PEER_ID))
    swarms.drop_user(2)
    swarms.forget_user(3)
    assert swarms.expire(NOW + TTL + 1) == 1
    swarms.drop_torrent(INFO_HASH)
    assert swarms.expire(NOW + COUNTERS_TTL + 1) == 0


# ---- what is handed out and counted


def test_peer_moves_between_the_sides():
    """From leecher to seeder, from unlisted to listed, from one port to another: counted and handed out once."""
    swarms = make_swarms()
    announce(swarms, endpoint=PRIVATE, left=5)
    assert (counts(swarms), handed_out(swarm_of(swarms))) == ((0, 1, 1), {})
    announce(swarms, left=5)
    assert handed_out(swarm_of(swarms)) == {"leechers4": ENDPOINT4}
    moved = ENDPOINT4[:4] + b"\x30\x39"
    announce(swarms, left=5, endpoint=moved)
    assert handed_out(swarm_of(swarms)) == {"leechers4": moved}
    announce(swarms, endpoint=ENDPOINT6, left=0)
    assert handed_out(swarm_of(swarms)) == {"seeders4": moved, "seeders6": ENDPOINT6}
    announce(swarms, endpoint=PRIVATE, left=0)
    assert handed_out(swarm_of(swarms)) == {"seeders6": ENDPOINT6}
    assert counts(swarms) == (1, 0, 1)


def test_partial_seeds_are_counted_among_the_leechers():
    """`paused` counts them apart; it follows the peer as it completes."""
    swarms = make_swarms()
    announce(swarms, left=5, event=Event.PAUSED)
    announce(swarms, left=5, user_id=2)
    swarm = swarm_of(swarms)
    assert (swarm.complete, swarm.incomplete, swarm.paused) == (0, 2, 1)
    announce(swarms, left=0, event=Event.PAUSED)
    assert (swarm.complete, swarm.incomplete, swarm.paused) == (1, 1, 0)


def test_encryption_of_a_side_is_counted():
    """How many require it and how many cannot is right after joins, changes and leaves."""
    swarms = make_swarms()
    both = CRYPTO_SUPPORTED | CRYPTO_REQUIRED
    for user_id, crypto in enumerate((0, 0, both, CRYPTO_SUPPORTED)):
        announce(swarms, user_id=user_id, crypto=crypto)
    side = swarm_of(swarms).seeders4
    assert (side.requiring, side.plain) == (1, 2)
    announce(swarms, user_id=0, crypto=both)
    assert (side.requiring, side.plain) == (2, 1)
    swarms.drop_user(1)
    swarms.forget_user(2)
    assert (side.requiring, side.plain) == (1, 0)


# ---- what a store has yet to hear of


def test_restored_swarms_are_as_they_were():
    """Counts, endpoints, silent ones, and the seconds in which they leave survive a restart."""
    before = make_swarms()
    announce(before, left=5, uploaded=3, crypto=CRYPTO_SUPPORTED)
    announce(before, endpoint=ENDPOINT6, left=5, uploaded=4)
    announce(before, NOW + 500, user_id=2)
    announce(before, NOW - 100, user_id=3, uploaded=8)
    announce(before, user_id=4, endpoint=PRIVATE)
    before.silence(swarm_of(before), swarm_of(before).peers.find(3, PEER_ID))
    kept = {key_of(peer): freeze_peer(peer) for peer in swarm_of(before).peers}
    after = make_swarms()
    for frozen in kept.values():
        after.restore(INFO_HASH, thaw_peer(frozen))
    assert counts(after) == counts(before) == (2, 1, 3)
    assert handed_out(swarm_of(after)) == handed_out(swarm_of(before))
    assert {key_of(peer): freeze_peer(peer) for peer in swarm_of(after).peers} == kept
    assert after.told == []
    for swarms in (before, after):
        assert swarms.expire(NOW + TTL) == 0
        assert swarms.expire(NOW + TTL + 1) == 2
        assert swarms.expire(NOW + 500 + TTL + 1) == 1
        assert swarms.expire(NOW - 60 + COUNTERS_TTL) == 0
        assert swarms.expire(NOW - 60 + COUNTERS_TTL + 1) == 1


def test_peers_that_were_restored_too_late_leave_at_the_first_look():
    """After a stop of days everybody is silent; those for whom even the counters are too old are forgotten."""
    swarms = make_swarms()
    for user_id, last_seen in ((1, NOW - TTL - 1), (2, NOW - COUNTERS_TTL - 1)):
        peer = Peer(user_id, PEER_ID, last_seen)
        peer.active = True
        peer.endpoint4 = ENDPOINT4
        swarms.restore(INFO_HASH, peer)
    assert swarms.peer_count == 2
    swarms.expire(NOW + 1)
    assert swarms.peer_count == 0
    assert [key_of(peer) for peer in swarm_of(swarms).peers] == [(1, PEER_ID)]


def test_peer_that_left_is_held_by_nothing():
    """Sessions that come and go all the time, within one `peer_ttl`, take no memory for longer than they last."""
    swarms = make_swarms()
    peer = announce(swarms)
    announce(swarms, user_id=2)
    swarms.remove(swarm_of(swarms), peer)
    assert sys.getrefcount(peer) == 2  # `peer` itself, and the argument


def test_family_that_was_silent_before_a_restart_leaves_in_its_second():
    """The dead half of a dual-stack client is not handed out for longer because mika was restarted."""
    swarms = make_swarms()
    peer = Peer(1, PEER_ID, NOW + 2000)
    peer.active, peer.seeder = True, True
    peer.endpoint4, peer.seen4 = ENDPOINT4, NOW + 2000
    peer.endpoint6, peer.seen6 = ENDPOINT6, NOW
    swarms.restore(INFO_HASH, peer)
    swarms.expire(NOW + TTL)
    assert len(handed_out(swarm_of(swarms))) == 2
    swarms.expire(NOW + TTL + 1)
    assert handed_out(swarm_of(swarms)) == {"seeders4": ENDPOINT4}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("gone", [True, False])
def test_peer_as_the_journal_left_it_replaces_what_a_store_kept(known, gone):
    """Its counters, side and endpoints are the journal's, its location is the store's; nobody is told."""
    swarms = make_swarms()
    announce(swarms, user_id=2)
    if known:
        announce(swarms, left=5, uploaded=3).location = (52.5, 13.4)
    peer = Peer(1, PEER_ID, NOW)
    peer.active, peer.seeder, peer.uploaded = True, True, 9
    peer.endpoint6, peer.seen6 = ENDPOINT6, NOW
    swarms.replace(INFO_HASH, peer, gone=gone)
    assert counts(swarms) == ((1, 0, 1) if gone else (2, 0, 2))
    assert handed_out(swarm_of(swarms)) == {"seeders4": ENDPOINT4} | ({} if gone else {"seeders6": ENDPOINT6})
    assert swarms.told == []
    if not gone:
        assert swarm_of(swarms).peers.find(1, PEER_ID) is peer
        assert peer.location == ((52.5, 13.4) if known else None)
