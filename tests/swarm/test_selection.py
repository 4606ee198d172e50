"""Which endpoints an announce is answered with: every small case, encryption, both families, and fairness."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest
from builders import INFO_HASH, NOW

from mika.model import Peer
from mika.swarm._side_cy import Side
from mika.swarm.selection import select_peers, window
from mika.swarm.swarms import Swarms
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED, AnnounceRequest, Event

BOTH = CRYPTO_SUPPORTED | CRYPTO_REQUIRED
KINDS_OF_CLIENT = (0, CRYPTO_SUPPORTED, BOTH)
WIDTHS = (6, 18)


def endpoint_of(number: int, width: int = 6) -> bytes:
    """Return the endpoint of the peer with this number, told by its port."""
    return bytes([81] * (width - 2)) + number.to_bytes(2, "big")


def numbers_in(peers: bytes, width: int = 6) -> list[int]:
    """Return the numbers of the peers that were handed out, in order; fails if one is not an endpoint of ours."""
    found = [peers[start : start + width] for start in range(0, len(peers), width)]
    numbers = [int.from_bytes(each[-2:], "big") for each in found]
    assert found == [endpoint_of(number, width) for number in numbers]
    return numbers


def side_of(size: int, width: int = 6) -> Side:
    """Return a side with the peers 0 to `size` - 1, each in the slot of its number."""
    side = Side(width, seeding=False)
    for number in range(size):
        side.add(Peer(number, bytes(20), NOW), endpoint_of(number, width))
    return side


class Crowd:
    """A swarm of peers that are told by their number, each of a user of its own unless it is said."""

    def __init__(self) -> None:
        self.swarms = Swarms(2700, 1_814_400, lambda _endpoint: True, lambda *_changed: None)
        self.random = Random(11).random

    def join(self, number: int, left: int = 0, *, user: int | None = None, width: int = 6, **facts) -> Peer:
        """Let a peer announce, a seeder unless `left` says otherwise."""
        user_id = number if user is None else user
        peer_id = number.to_bytes(20, "big")
        swarm = self.swarms.get(INFO_HASH)
        peer = None if swarm is None else swarm.peers.find(user_id, peer_id)
        if swarm is None or peer is None:
            swarm, peer = self.swarms.join(INFO_HASH, user_id, peer_id, NOW)
        request = AnnounceRequest(None, INFO_HASH, peer_id, endpoint_of(number, width), left=left, **facts)
        self.swarms.refresh(swarm, peer, request, NOW)
        return peer

    def select(self, peer: Peer, count: int, width: int = 6) -> list[int]:
        """Return the numbers of the peers that this one is handed."""
        swarm = self.swarms.get(INFO_HASH)
        assert swarm is not None
        return numbers_in(select_peers(swarm, peer, width, count, self.random), width)


def crowd_of(seeders: range, leechers: range, width: int = 6) -> Crowd:
    """Return a swarm with these seeders and leechers."""
    crowd = Crowd()
    for number in seeders:
        crowd.join(number, width=width)
    for number in leechers:
        crowd.join(number, 1, width=width)
    return crowd


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", range(8))
def test_every_small_window_has_as_many_as_there_are_and_none_of_ones_own(size, width):
    """Whatever the size, the place, the number wanted and whose slots: full, without an own peer, and nobody twice.

    All ways to have up to five slots of one's own are tried, at every place at which the ring can be cut.
    """
    side = side_of(size, width)
    for count in range(1, size + 2):
        for owned in range(min(size, 5) + 1):
            for own in combinations(range(size), owned):
                for start in range(max(size, 1)):
                    place = (start + 0.5) / max(size, 1)
                    chosen = numbers_in(window(side, count, list(own), lambda place=place: place), width)
                    assert len(chosen) == len(set(chosen)) == min(count, size - owned), (count, own, start)
                    assert not set(chosen) & set(own), (count, own, start)
    assert numbers_in(bytes(side.compact), width) == list(range(size))


def test_window_goes_on_at_the_beginning_where_the_ring_ends():
    """Begun at the last slot but one, four of ten are the last two and the first two; an own one is stepped around."""
    side = side_of(10)
    assert numbers_in(window(side, 4, [], lambda: 0.8)) == [8, 9, 0, 1]
    assert numbers_in(window(side, 4, [9, 1], lambda: 0.8)) == [8, 0, 2, 3]
    assert numbers_in(window(side, 4, [], lambda: 0.999_999)) == [9, 0, 1, 2]


@pytest.mark.parametrize("own", [[], [0], [10, 11, 12, 50, 99]])
def test_every_peer_is_handed_out_about_as_often(own):
    """20 of 100 peers, 20,000 times: each as often as its share, within 5 % (3.5 standard deviations).

    A window that meets own slots reaches as many slots further: at most that much more often is who sits behind them.
    """
    side, random = side_of(100), Random(7).random
    drawn = Counter(number for _ in range(20_000) for number in numbers_in(window(side, 20, own, random)))
    assert set(drawn) == set(range(100)) - set(own)
    assert min(drawn.values()) > 20_000 * 20 / 100 * 0.95
    assert max(drawn.values()) < 20_000 * (20 + len(own)) / 100 * 1.05


@pytest.mark.parametrize(("left", "paused"), [(0, False), (5, True)])
def test_seed_and_partial_seed_get_leechers_alone(left, paused):
    """A seeder has nothing to fetch, nor has a partial seed (BEP 21): neither is handed a seeder."""
    crowd = crowd_of(range(1, 6), range(11, 16))
    peer = crowd.join(90, left, event=Event.PAUSED if paused else Event.NONE)
    assert sorted(crowd.select(peer, 50)) == [11, 12, 13, 14, 15]
    assert len(crowd.select(peer, 3)) == 3


def test_partial_seed_is_handed_to_leechers():
    """It has data to give, and is among the leechers until it has all."""
    crowd = Crowd()
    crowd.join(1, 5, event=Event.PAUSED)
    assert crowd.select(crowd.join(2, 1), 50) == [1]


@pytest.mark.parametrize(("count", "seeders", "leechers"), [(1, 1, 0), (5, 5, 0), (6, 5, 1), (9, 5, 4), (50, 5, 5)])
def test_leecher_gets_seeders_first(count, seeders, leechers):
    """Leechers only fill what the seeders leave."""
    crowd = crowd_of(range(1, 6), range(11, 16))
    chosen = crowd.select(crowd.join(90, 1), count)
    assert sum(number < 10 for number in chosen) == seeders
    assert sum(number > 10 for number in chosen) == leechers
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("count", [0, -1])
def test_none_are_given_to_who_wants_none(count):
    """`numwant=0` is honoured."""
    crowd = crowd_of(range(1, 6), range(0))
    assert crowd.select(crowd.join(90, 1), count) == []


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("crypto", KINDS_OF_CLIENT)
def test_nobody_is_handed_a_peer_of_their_own_account(left, crypto):
    """Neither itself nor the user's other clients, seeding or not, by the quick way and by the picky one."""
    crowd = crowd_of(range(1, 4), range(11, 14))
    crowd.join(20, 1, crypto=BOTH)
    mine = [crowd.join(number, number % 2, user=99) for number in range(30, 34)]
    asker = crowd.join(35, left, user=99, crypto=crypto)
    assert all(each.user_id == 99 for each in mine)
    for _ in range(50):
        assert not {number for number in crowd.select(asker, 50) if number >= 30}


def test_each_family_is_handed_out_alone():
    """Over IPv4 only IPv4 peers, over IPv6 only IPv6 peers; a dual-stack client is in both, once each."""
    crowd = Crowd()
    crowd.join(1, width=6)
    crowd.join(2, width=18)
    crowd.join(3, width=6)
    crowd.join(3, width=18)
    asker = crowd.join(9, 1, width=6)
    assert sorted(crowd.select(asker, 50, width=6)) == [1, 3]
    assert sorted(crowd.select(asker, 50, width=18)) == [2, 3]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("asker", KINDS_OF_CLIENT)
def test_encryption_fits(asker, width):
    """Who accepts only encrypted connections meets those who can encrypt, whichever of the two asks."""
    crowd = Crowd()
    for number in range(30):
        crowd.join(number, width=width, crypto=KINDS_OF_CLIENT[number % 3])
    peer = crowd.join(90, 1, width=width, crypto=asker)
    fitting = {
        number
        for number in range(30)
        if (asker & CRYPTO_SUPPORTED or not KINDS_OF_CLIENT[number % 3] & CRYPTO_REQUIRED)
        and (KINDS_OF_CLIENT[number % 3] & CRYPTO_SUPPORTED or not asker & CRYPTO_REQUIRED)
    }
    assert set(crowd.select(peer, 50, width)) == fitting
    for count in (1, 7, len(fitting) - 1, len(fitting)):
        chosen = crowd.select(peer, count, width)
        assert len(set(chosen)) == len(chosen) == count
        assert set(chosen) <= fitting


def test_picky_client_is_handed_everybody_in_turn():
    """The walk for who is picky about encryption begins anywhere too: none of those that fit is left out."""
    crowd = Crowd()
    for number in range(100):
        crowd.join(number, crypto=KINDS_OF_CLIENT[number % 2])
    asker = crowd.join(900, 1, crypto=BOTH)
    drawn = Counter(number for _ in range(4000) for number in crowd.select(asker, 10))
    assert set(drawn) == set(range(1, 100, 2))
    assert min(drawn.values()) > 800 * 0.8
    assert max(drawn.values()) < 800 * 1.2


def test_change_of_encryption_counts_at_once():
    """A peer that encrypts from now on is handed to who requires it; one that stops encrypting no longer is."""
    crowd = Crowd()
    crowd.join(1)
    asker = crowd.join(9, 1, crypto=BOTH)
    assert crowd.select(asker, 5) == []
    crowd.join(1, crypto=CRYPTO_SUPPORTED)
    assert crowd.select(asker, 5) == [1]
    crowd.join(1)
    assert crowd.select(asker, 5) == []
