"""How good one peer is for another: each weight in a table, and their sum."""

from __future__ import annotations

from math import radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.model import LEFT_UNKNOWN, Peer, Place
from mika.swarm import weights
from mika.swarm._best_cy import Weighted
from mika.swarm.speed import measure, smoothed
from mika.swarm.weights import SCORES, WEEK, Weights
from mika.wire.request import AnnounceRequest

LONDON, BERLIN, SYDNEY = (51.5, -0.1), (52.5, 13.4), (-33.9, 151.2)


def peer(**facts) -> Peer:
    """Return a leecher, but for what is said."""
    made = Peer(1, b"-XX0000-000000000001", 0)
    made.place = Place(facts.pop("country", ""), facts.pop("asn", 0), facts.pop("location", None))
    for name, value in ({"left": 100} | facts).items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("asker", "other", "worth"),
    [
        ({"asn": 1, "country": "DE"}, {"asn": 1, "country": "FR"}, 1.0),
        ({"asn": 1, "country": "DE"}, {"asn": 2, "country": "DE"}, 0.75),
        ({}, {}, 0.25),
        ({"country": "DE"}, {"country": "FR"}, 0.25),
        ({"country": "DE", "location": BERLIN}, {"country": "GB"}, 0.25),
        ({"location": BERLIN}, {"location": BERLIN}, 0.5),
        ({"location": (90.0, 0.0)}, {"location": (-90.0, 0.0)}, 0.0),
        ({"location": (0.0, 0.0)}, {"location": (0.0, 60.0)}, 0.25),
        ({"location": (0.0, 179.0)}, {"location": (0.0, -179.0)}, 0.5 * (1 - sin(radians(1)))),
    ],
)
def test_place(asker, other, worth) -> None:
    """Network, then country, then distance; what is not known is in the middle, and an unknown network is nobody's."""
    assert weights.place(peer(**asker), peer(**other)) == pytest.approx(worth)


def test_nearer_is_better() -> None:
    """Abroad, by distance."""
    asker = peer(location=LONDON, country="GB")
    berlin, sydney = peer(location=BERLIN, country="DE"), peer(location=SYDNEY, country="AU")
    assert weights.place(asker, berlin) > weights.place(asker, sydney)


@pytest.mark.parametrize(
    ("have", "has", "worth"),
    [(0, 0, 0), (0, 100, 1), (100, 0, 1), (10, 90, 0.82), (90, 10, 0.82), (50, 50, 0.5), (90, 90, 0.18), (10, 0, 0.1)],
)
def test_progress(have, has, worth) -> None:
    """What two leechers can expect to give each other, of what they have."""
    asker, other = peer(left=100 - have), peer(left=100 - has)
    assert weights.progress(asker, other, 100) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("facts", "size", "share"),
    [
        ({"left": 25}, 100, 0.75),
        ({"left": 25, "downloaded": 25}, 0, 0.5),
        ({"left": 0}, 0, 1.0),
        ({"left": LEFT_UNKNOWN}, 100, 0.0),
        ({"left": LEFT_UNKNOWN}, 0, 0.0),
        ({"left": 300}, 100, 0.0),
    ],
)
def test_share_that_a_peer_has(facts, size, share) -> None:
    """By the size of the torrent, else by its counters; never below nothing."""
    assert weights.done(peer(**facts), size) == pytest.approx(share)


def test_progress_of_seeders_says_nothing() -> None:
    """A seeder gives everybody the same, and needs nothing."""
    assert {weights.progress(peer(seeder=True), peer(left=left), 100) for left in (1, 50, 100)} == {0.5}


@pytest.mark.parametrize(("speed", "worth"), [(0, 0), (16 << 10, 0.1), (16 << 20, 1), (16 << 30, 1)])
def test_speed(speed, worth) -> None:
    """By the logarithm of what it uploads."""
    assert weights.speed(peer(), peer(speed_up=speed)) == pytest.approx(worth, abs=0.001)


@pytest.mark.parametrize(("priority", "worth"), [(0, 0), (50, 0.5), (100, 1), (1000, 1)])
def test_priority(priority, worth) -> None:
    """Of the candidate's role."""
    assert weights.priority(peer(priority=7), peer(priority=priority)) == worth


@pytest.mark.parametrize(
    ("facts", "worth"),
    [
        ({"seeder": True, "last_seen": 0}, 0),
        ({"seeder": True, "last_seen": WEEK // 2}, 0.5),
        ({"seeder": True, "last_seen": 9 * WEEK}, 1),
        ({"last_seen": 9 * WEEK}, 0),
    ],
)
def test_seed_time(facts, worth) -> None:
    """Of seeders, up to a week."""
    assert weights.seed_time(peer(), peer(**facts)) == worth


def test_sum_is_weighted() -> None:
    """What has the weight 0 does not count."""
    asker, other = peer(country="DE"), peer(country="DE", speed_up=16 << 20, left=50)
    total = Weighted(Weights(place=2, speed=0.5))
    assert total(asker, other, 100) == pytest.approx(2 * 0.75 + 0.5)
    assert Weighted(Weights())(asker, other, 100) == 0


PEERS = st.builds(
    peer,
    left=st.integers(0, LEFT_UNKNOWN),
    downloaded=st.integers(0, 2**63),
    seeder=st.booleans(),
    speed_up=st.integers(0, 2**63),
    priority=st.integers(0, 100),
    last_seen=st.integers(0, 2**32 - 1),
    asn=st.integers(0, 2),
    country=st.sampled_from(["", "DE", "FR"]),
    location=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)


@given(PEERS, PEERS, st.sampled_from([0, 1, 2**40]))
def test_every_weight_is_from_0_to_1(asker, other, size) -> None:
    """Whatever clients say."""
    assert all(0 <= score(asker, other, size) <= 1 for score in SCORES)


@given(PEERS, PEERS, st.sampled_from([0, 1, 2**40]), st.tuples(*[st.sampled_from([0.0, 1.0, 0.3])] * 5))
def test_sum_in_c_is_that_of_the_weights(asker, other, size, factors) -> None:
    """To the last bit, so that both modes choose the same peers."""
    worth = 0.0
    for factor, score in zip(factors, SCORES, strict=True):
        if factor:
            worth += factor * score(asker, other, size)
    assert Weighted(Weights(*factors))(asker, other, size) == worth


# ---- speed


@pytest.mark.parametrize(
    ("before", "measured", "seconds", "after"),
    [(0, 100, 1800, 50), (100, 100, 1800, 100), (100, 0, 1800, 50), (100, 400, 0, 100), (0, 90, 900, 30)],
)
def test_speed_is_smoothed(before, measured, seconds, after) -> None:
    """The longer it was measured, the closer."""
    assert smoothed(before, measured, seconds) == after


def announce(uploaded, downloaded=0) -> AnnounceRequest:
    """Return an announce of these counters."""
    return AnnounceRequest(None, b"h" * 20, b"p" * 20, b"e" * 6, uploaded, downloaded)


def test_speed_is_measured_between_announces() -> None:
    """The first as it is; then each has its share; a counter that went back is 0."""
    one = peer()
    measure(one, announce(1000, 5000), 10)
    assert (one.speed_up, one.speed_down) == (100, 500)
    one.uploaded, one.downloaded, one.last_seen = 1000, 5000, 10
    measure(one, announce(1000 + 1800 * 300, 0), 1810)
    assert (one.speed_up, one.speed_down) == (200, 250)


@pytest.mark.parametrize("now", [100, 99])
def test_same_second_says_nothing(now) -> None:
    """An announce over the other family, or in a clock that was set back."""
    one = peer(last_seen=100, speed_up=7)
    measure(one, announce(5000), now)
    assert one.speed_up == 7
