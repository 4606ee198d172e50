"""Peers by a score: who is chosen, how often everybody is, and that what may not be handed out never is."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from builders import INFO_HASH, NOW
from hypothesis import given, settings
from hypothesis import strategies as st
from swarm.announcing import make_swarms, swarm_of
from swarm.own_score import by_number

from mika.config import Config
from mika.model import Place, Role, Torrent, User
from mika.selectors import make_choice
from mika.swarm._best_cy import fits
from mika.swarm.selection import select_peers
from mika.swarm.strategy import BestOfSample
from mika.wire.request import PAUSED, AnnounceRequest, Event

SEEDERS = 300


def endpoint(number: int, width: int = 6) -> bytes:
    """Return the endpoint of a peer by number."""
    return (bytes([81, 2]) if width == 6 else bytes([42] * 14)) + number.to_bytes(2) + b"\x1a\xe1"


def join(swarms, number, *, user=None, width=6, **said):
    """Let a peer announce."""
    peer_id = b"-XX0000-%012d" % number
    request = AnnounceRequest(None, INFO_HASH, peer_id, endpoint(number, width), **said)
    swarm, peer = swarms.join(INFO_HASH, number if user is None else user, peer_id, NOW)
    swarms.refresh(swarm, peer, request, NOW)
    return peer


def crowd(seeders=SEEDERS):
    """Return a swarm of seeders, each a user of its own by its number, and a leecher that asks."""
    swarms = make_swarms()
    for number in range(1, seeders + 1):
        join(swarms, number)
    asker = join(swarms, 60_000, left=9)
    return swarm_of(swarms), asker


def numbers(chosen: bytes, width: int = 6) -> list[int]:
    """Return whose endpoints were chosen."""
    assert len(chosen) % width == 0
    return [int.from_bytes(chosen[at + width - 4 : at + width - 2]) for at in range(0, len(chosen), width)]


def test_best_of_the_sample_are_chosen() -> None:
    """Of a sample of all, the best are handed out, but for those at random."""
    swarm, asker = crowd()
    strategy = BestOfSample(by_number, lambda _: 0, SEEDERS, 0)
    assert sorted(numbers(strategy.select(swarm, asker, 6, 20, Random(7).random))) == list(range(281, 301))
    half = BestOfSample(by_number, lambda _: 0, SEEDERS, 50)
    chosen = numbers(half.select(swarm, asker, 6, 20, Random(7).random))
    assert len(set(chosen)) == 20
    assert sum(number > 280 for number in chosen) >= 10
    assert sum(number <= 280 for number in chosen) >= 6


def test_score_is_asked_of_a_sample_alone() -> None:
    """The cost follows the sample, not the swarm."""
    swarm, asker = crowd(2000)
    asked = []

    def score(_asker, other, size):
        asked.append(other.user_id)
        assert size == 5
        return 0

    BestOfSample(score, {INFO_HASH: 5}.__getitem__, 100, 20).select(swarm, asker, 6, 50, Random(7).random)
    assert len(asked) == len(set(asked)) == 90


def test_small_swarm_is_handed_out_whole_without_a_score() -> None:
    """There is nothing to choose."""
    swarm, asker = crowd(50)
    strategy = BestOfSample(None, lambda _: 0, 100, 20)
    assert sorted(numbers(strategy.select(swarm, asker, 6, 50, Random(7).random))) == list(range(1, 51))
    assert strategy.select(swarm, asker, 6, 0, Random(7).random) == b""


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), 0, -(10**30)])
def test_score_that_is_no_number_is_the_worst(odd) -> None:
    """As many as are wanted are handed out all the same, each an endpoint of somebody, and none twice."""
    swarm, asker = crowd()
    strategy = BestOfSample(lambda _asker, other, _size: odd if other.user_id % 2 else 1.0, lambda _: 0, 100, 1)
    for seed in range(20):
        chosen = numbers(strategy.select(swarm, asker, 6, 60, Random(seed).random))
        assert len(chosen) == len(set(chosen)) == 60
        assert set(chosen) <= set(range(1, SEEDERS + 1))
        assert sum(number % 2 for number in chosen) <= (11 if odd != float("inf") else 60)


def asked_often(strategy, swarm, asker, count, times=3000) -> Counter:
    """Return how often each peer is handed out."""
    random = Random(7).random
    return Counter(number for _ in range(times) for number in numbers(strategy.select(swarm, asker, 6, count, random)))


def test_nobody_is_starved() -> None:
    """The worst is handed out about as often as chance at random owes it; the best, more than thrice."""
    swarm, asker = crowd()
    found = asked_often(BestOfSample(by_number, lambda _: 0, 60, 20), swarm, asker, 20)
    owed = 3000 * 4 / SEEDERS
    assert len(found) == SEEDERS
    assert min(found.values()) > owed / 2
    assert found[1] == pytest.approx(owed, rel=0.5)
    assert min(found[number] for number in range(291, 301)) > 3 * owed


@pytest.mark.parametrize("kind", ["random", "equal scores"])
def test_equal_peers_are_handed_out_alike(kind) -> None:
    """Without a difference in score the choice is even: no place in the list is better than another."""
    swarm, asker = crowd(100)
    select = select_peers if kind == "random" else BestOfSample(lambda *_: 1, lambda _: 0, 60, 20).select
    random = Random(7).random
    rounds = 4000
    found = Counter(number for _ in range(rounds) for number in numbers(select(swarm, asker, 6, 10, random)))
    expected = rounds * 10 / 100
    # Peers in one slice come together, so that counts vary more than a fair die's: ten at a time, as if a tenth as many
    # were asked. 99 degrees of freedom, 150 is passed by chance once in 1,500 seeds.
    chi_square = sum((found[number] - expected) ** 2 / expected for number in range(1, 101)) / 10
    assert chi_square < 150


STRATEGIES = ("random", "weighted", "swarm.own_score:by_number")
"""Every kind of strategy, as the configuration names it."""


class Site:
    """Users by id, each with a role; no torrents."""

    def __init__(self) -> None:
        self.users_by_id = {number: User(number, "", "", role=number % 2 + 1) for number in range(200)}
        self.roles = {1: Role(1, "member"), 2: Role(2, "vip", priority=50)}
        self.torrents = {INFO_HASH: Torrent(INFO_HASH, size=1000)}


def choice(strategy, **section):
    """Return what a configuration makes of a strategy, with every weight in use."""
    names = ("place", "progress", "speed", "priority", "seed_time")
    written = {"strategy": strategy, "sample": 8, **dict.fromkeys(names, 1)} | section
    return make_choice(Config.model_validate({"selection": written}).selection, Site())


MEMBERS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.integers(1, 12),
            "left": st.sampled_from([0, 0, 300, 1000]),
            "crypto": st.sampled_from([0, 1, 1, 1, 3]),
            "event": st.sampled_from([Event.NONE, PAUSED]),
            "width": st.sampled_from([6, 18]),
            "place": st.sampled_from([("", 0, None), ("DE", 1, (52.5, 13.4)), ("FR", 2, (48.8, 2.3))]),
            "waits": st.booleans(),
            "port": st.booleans(),
        }
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=60, deadline=None)
@given(members=MEMBERS, count=st.integers(0, 15), seed=st.integers(0, 99), at_random=st.sampled_from([1, 20, 100]))
def test_rules_hold_in_every_strategy(strategy, members, count, seed, at_random) -> None:
    """Nobody of one's own account, of the other family, without a port, waiting, or of unfit encryption; none twice.

    And as many as there are: a score leaves nobody without peers.
    """
    swarms = make_swarms()
    swarms.listable = lambda endpoint: not endpoint.endswith(b"\0\0")
    peers = {}
    for number, said in enumerate(members, 1):
        port = b"\x1a\xe1" if said["port"] else b"\0\0"
        request = AnnounceRequest(
            None,
            INFO_HASH,
            b"-XX0000-%012d" % number,
            endpoint(number, said["width"])[:-2] + port,
            left=said["left"],
            crypto=said["crypto"],
            event=said["event"],
        )
        swarm, peer = swarms.join(INFO_HASH, said["user"], request.peer_id, NOW)
        swarms.refresh(swarm, peer, request, NOW)
        peer.place = Place(*said["place"])
        if said["waits"] and not peer.seeder and not peer.paused:
            swarm.hold_back(peer)
        peers[number] = peer
    swarm = swarm_of(swarms)
    asker, width = peers[len(members)], members[-1]["width"]
    chosen = numbers(
        choice(strategy, at_random=at_random).select(swarm, asker, width, count, Random(seed).random), width
    )
    wants_leechers = asker.seeder or asker.paused
    may_be_handed_out = {
        number
        for number, peer in peers.items()
        if fits(asker, peer)
        and peer.user_id != asker.user_id
        and members[number - 1]["width"] == width
        and members[number - 1]["port"]
        and not peer.waiting
        and not (wants_leechers and peer.seeder)
    }
    assert len(chosen) == len(set(chosen)) == min(count, len(may_be_handed_out))
    assert set(chosen) <= may_be_handed_out
    if not wants_leechers:
        seeders = sum(peers[number].seeder for number in may_be_handed_out)
        assert sum(peers[number].seeder for number in chosen) == min(count, seeders)


@pytest.mark.parametrize(
    ("asker", "other", "fit"),
    [(0, 0, True), (0, 1, True), (0, 3, False), (1, 3, True), (1, 0, True), (3, 0, False), (3, 1, True), (3, 3, True)],
)
def test_encryption_that_fits(asker, other, fit) -> None:
    """Who requires it and who cannot do it do not meet."""
    swarms = make_swarms()
    assert fits(join(swarms, 1, crypto=asker), join(swarms, 2, crypto=other)) is fit
    assert not fits(join(swarms, 3, user=7), join(swarms, 4, user=7))
