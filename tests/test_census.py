"""How many peers of which kind there are."""

from __future__ import annotations

import pytest
from builders import ADDRESS6, INFO_HASH, make_site, result
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mika.census import AT_ONCE, BUSIEST, SHARE, Census, Count
from mika.model import Torrent


def hashes(count):
    """Return so many info hashes."""
    return [b"%020d" % number for number in range(count)]


@pytest.mark.parametrize("non_routable", [False, True])
def test_peers_are_counted_by_role_and_family(non_routable):
    """Whether or not their addresses are handed out; a dual-stack client is one peer."""
    site = make_site(users=[f"passkey-{number}" for number in range(4)], allow_non_routable=non_routable)
    address = "10.0.0.1"
    site.announce("passkey-0", address, left=0)
    site.announce("passkey-1", address, left=5)
    site.announce("passkey-1", ADDRESS6, left=5)
    site.announce("passkey-2", ADDRESS6, left=7, event="paused")
    site.announce("passkey-3", left=0, port=0)
    count = result(Census(site.directory.torrents, site.swarms, site.clock).count())
    assert count == Count(
        torrents=1,
        swarms=1,
        seeders=2,
        leechers=2,
        partial_seeds=1,
        dual_stack=1,
        seeders4=2,
        leechers4=1,
        seeders6=0,
        leechers6=2,
        busiest=[(4, INFO_HASH)],
    )


def test_busiest_swarms_are_remembered():
    """Those with the most peers, the most first, and no more of them than can be looked at."""
    torrents = hashes(BUSIEST + 3)
    users = [f"passkey-{number}" for number in range(len(torrents))]
    site = make_site(users=users, torrents=torrents)
    for number, info_hash in enumerate(torrents):
        for passkey in users[:number]:
            site.announce(passkey, info_hash=info_hash)
    count = result(Census(site.directory.torrents, site.swarms, site.clock).count())
    assert count.busiest == [(number, torrents[number]) for number in range(BUSIEST + 2, 2, -1)]


def test_silent_peers_do_not_count():
    """Their counters are kept, but they are not there."""
    site = make_site()
    site.announce(left=0)
    site.announce(address=ADDRESS6, left=0)
    site.swarms.drop_user(1)
    assert result(Census(site.directory.torrents, site.swarms, site.clock).count()) == Count(torrents=1, swarms=1)


def test_hybrid_torrent_is_one_and_a_deleted_one_none():
    """Though both are in memory, under each of their info hashes."""
    hybrid = Torrent(hashes(1)[0], info_hash_v2=b"v" * 32)
    site = make_site(torrents=[hybrid, hashes(2)[1]])
    assert result(Census(site.directory.torrents, site.swarms, site.clock).count()).torrents == 2
    result(site.directory.delete_torrent(hashes(2)[1], "gone"))
    assert result(Census(site.directory.torrents, site.swarms, site.clock).count()).torrents == 1


def test_count_that_took_no_time_is_made_anew():
    """In a small tracker figures are always those of now."""
    site = make_site()
    census = Census(site.directory.torrents, site.swarms, site.clock)
    assert result(census.count()).leechers == 0
    site.announce()
    assert result(census.count()).leechers == 1


def test_many_swarms_are_counted_in_turns(monkeypatch):
    """Announces go on meanwhile; whoever asks before the end is told the same, and it stands the longer."""
    site = make_site(torrents=hashes(2 * AT_ONCE + 1))
    for info_hash in hashes(2 * AT_ONCE + 1):
        site.announce(info_hash=info_hash)
    turns = []
    monkeypatch.setattr("mika.census.deferLater", lambda _clock, _seconds: turns.append(Deferred()) or turns[-1])
    clock = Clock()
    census = Census({}, site.swarms, clock)
    answers = []
    census.count().addCallback(answers.append)
    clock.advance(1)
    site.announce(info_hash=hashes(1)[0], event="stopped")
    census.count().addCallback(answers.append)
    turns[0].callback(None)
    assert answers == []
    turns[1].callback(None)
    assert [each.leechers for each in answers] == [2 * AT_ONCE + 1] * 2
    assert answers[0] is answers[1]
    clock.advance(SHARE - 1)
    assert result(census.count()) is answers[0]
    clock.advance(1)
    census.count()
    assert len(turns) == 3
