"""What one announce is worth: credited and real bytes, seed time and bonus points, in tables and by exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from builders import INFO_HASH, NOW, PEER_ID
from hypothesis import given
from hypothesis import strategies as st

from mika.ledger.credit import YEAR, Ledger, Rates, Window
from mika.model import INT64_MAX, NANO_POINTS, Peer, Role, Torrent, Totals, User
from mika.wire.request import AnnounceRequest

GIB = 2**30
LIMIT = 3600
COUNTERS = st.integers(0, 2**64 - 1)
MULTIPLIERS = st.integers(0, 1_000_000)


def make_peer(uploaded: int = 0, downloaded: int = 0, *, seeder: bool = False, last_seen: int = NOW) -> Peer:
    """Return a peer as its last announce left it."""
    peer = Peer(1, PEER_ID, NOW)
    peer.uploaded, peer.downloaded, peer.seeder, peer.last_seen = uploaded, downloaded, seeder, last_seen
    return peer


def worth(
    peer: Peer, said: dict[str, int], multipliers: dict[str, tuple[int, int]] | None = None, now: int = NOW, **rates
) -> Totals:
    """Return what an announce that says so is worth; `multipliers` are (up, down) of site, role, user and torrent."""
    of = {"site": (1000, 1000), "role": (1000, 1000), "user": (1000, 1000), "torrent": (1000, 1000)}
    of |= multipliers or {}
    role = Role(5, "vip", multiplier_up=of["role"][0], multiplier_down=of["role"][1])
    user = User(1, "anna", "x" * 8, role=5, multiplier_up=of["user"][0], multiplier_down=of["user"][1])
    torrent = Torrent(INFO_HASH, size=GIB, multiplier_up=of["torrent"][0], multiplier_down=of["torrent"][1])
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), **({"left": 1} | said))
    ledger = Ledger(Rates(*of["site"], **rates), {5: role})
    return ledger.credit(user, torrent, peer, request, 1, now)


@pytest.mark.parametrize(
    ("before", "said", "credit"),
    [
        ((0, 0), (0, 0), (0, 0)),
        ((0, 0), (700, 300), (700, 300)),
        ((500, 100), (700, 300), (200, 200)),
        ((700, 300), (700, 300), (0, 0)),
        ((700, 300), (699, 301), (0, 1)),
        ((700, 300), (701, 0), (1, 0)),
        ((700, 300), (0, 0), (0, 0)),
        ((2**64 - 2, 0), (2**64 - 1, 2**63 - 1), (1, 2**63 - 1)),
        ((0, 0), (2**64 - 1, 2**63), (INT64_MAX, INT64_MAX)),
    ],
)
def test_credit_is_the_growth_of_each_counter(before, said, credit):
    """A counter that went back counts 0, for itself alone; what a store cannot hold is cut."""
    found = worth(make_peer(*before), {"uploaded": said[0], "downloaded": said[1]})
    assert found.values() == (*credit, *credit, 0, 0, 1, 0)


PLACES = ("site", "role", "user", "torrent")


@pytest.mark.parametrize("places", list(permutations(PLACES, 2)))
def test_largest_counts_for_upload_and_smallest_for_download(places):
    """Wherever the largest and the smallest multiplier stand; what is real stays real."""
    generous, strict = places
    found = worth(make_peer(), {"uploaded": 1001, "downloaded": 1001}, {generous: (2500, 250), strict: (500, 1750)})
    assert (found.uploaded, found.downloaded) == (2502, 250)
    assert (found.uploaded_real, found.downloaded_real) == (1001, 1001)


@pytest.mark.parametrize("place", PLACES)
def test_freeleech_anywhere_is_freeleech(place):
    """A download multiplier of 0 wins from wherever it comes."""
    assert worth(make_peer(), {"downloaded": 10**12}, {place: (1000, 0)}).downloaded == 0


@pytest.mark.parametrize(
    ("grown", "multiplier", "credited"),
    [
        (1, 1, 0),
        (999, 1, 0),
        (1000, 1, 1),
        (1, 999, 0),
        (1, 1999, 1),
        (3, 1500, 4),
        (2**62, 1001, 2**62 * 1001 // 1000),
        (2**63, 1001, INT64_MAX),
    ],
)
def test_product_is_rounded_down_once(grown, multiplier, credited):
    """In thousandths and integers, also where a float would be wrong."""
    everywhere = dict.fromkeys(PLACES, (multiplier, multiplier))
    found = worth(make_peer(), {"uploaded": grown, "downloaded": grown}, everywhere)
    assert (found.uploaded, found.downloaded) == (credited, credited)


def test_role_that_is_gone_counts_as_the_default_one():
    """Nobody's announce fails because staff removed a role."""
    user = User(1, "anna", "x" * 8, role=77, multiplier_up=2000)
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), uploaded=10, left=1)
    found = Ledger(Rates(), {}).credit(user, Torrent(INFO_HASH), make_peer(), request, 0, NOW)
    assert (found.uploaded, found.uploaded_real) == (20, 10)


@pytest.mark.parametrize(
    ("seeded", "left", "waited", "seconds"),
    [
        (True, 0, 1800, 1800),
        (True, 0, LIMIT, LIMIT),
        (True, 0, LIMIT + 1, LIMIT),
        (True, 0, 1, 1),
        (True, 0, 0, 0),
        (True, 0, -50, 0),
        (True, 1, 1800, 0),
        (False, 0, 1800, 0),
        (False, 1, 1800, 0),
    ],
)
def test_seed_time_is_the_time_as_a_seeder(seeded, left, waited, seconds):
    """It seeded at its last announce and still does: the time between, capped; a clock set back counts nothing."""
    found = worth(make_peer(seeder=seeded), {"left": left}, now=NOW + waited, seed_limit=LIMIT)
    assert found.seed_seconds == seconds
    assert (found.bonus > 0) == (seconds > 0)


@pytest.mark.parametrize(
    ("seconds", "seeders", "size", "rates", "points"),
    [
        (3600, 1, GIB, {}, 5 * NANO_POINTS),
        (3600, 0, GIB, {}, 5 * NANO_POINTS),
        (3600, 4, GIB, {}, 2 * NANO_POINTS),
        (1, 1, 0, {}, 1_388_888),
        (1, 10**6, 0, {}, 277_778),
        (3600, 3, 0, {}, 2_333_333_333),
        (3600, 1, 0, {"scarcity": 0}, NANO_POINTS),
        (3600, 1, GIB // 2, {"scarcity": 0, "per_gib": NANO_POINTS}, NANO_POINTS * 3 // 2),
        (3600, 1, 0, {"per_hour": 0}, 0),
        (0, 1, GIB, {}, 0),
    ],
)
def test_points(seconds, seeders, size, rates, points):
    """per_hour x (1 + scarcity / seeders) x (1 + per_gib x GiB) an hour, to the thousand-millionth of a point."""
    assert Ledger(Rates(**rates), {}).points(seconds, seeders, size) == points


@pytest.mark.parametrize(
    ("age", "points"),
    [(0, NANO_POINTS), (YEAR // 2, NANO_POINTS * 5 // 4), (2 * YEAR, 2 * NANO_POINTS), (-YEAR, NANO_POINTS)],
)
def test_points_for_an_old_torrent(age, points):
    """X (1 + per_year x years), and nothing less for one that a clock set wrong has added in the future."""
    rates = Rates(scarcity=0, per_year=NANO_POINTS // 2)
    assert Ledger(rates, {}).points(3600, 1, 0, age) == points


@pytest.mark.parametrize(("created_at", "points"), [(NOW - YEAR, 2), (NOW + 60, 1), (0, 1)])
def test_age_is_since_the_torrent_was_added(created_at, points):
    """One of which nobody knows when that was is not as old as the computers' calendar."""
    ledger = Ledger(Rates(scarcity=0, per_year=NANO_POINTS), {})
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), left=0)
    peer = make_peer(seeder=True, last_seen=NOW - 3600)
    credit = ledger.credit(User(1, "anna", "x" * 8), Torrent(INFO_HASH, created_at=created_at), peer, request, 1, NOW)
    assert credit.bonus == points * NANO_POINTS


WINDOWS = (Window(NOW, NOW + 100, 2000, 1000), Window(NOW + 50, NOW + 200, 1000, 0), Window(NOW + 300, NOW + 301, 5000))


@pytest.mark.parametrize(
    ("at", "up", "down"),
    [
        (-1, 1000, 1000),
        (0, 2000, 1000),
        (49, 2000, 1000),
        (50, 2000, 0),
        (99, 2000, 0),
        (100, 1000, 0),
        (199, 1000, 0),
        (200, 1000, 1000),
        (300, 5000, 1000),
        (301, 1000, 1000),
    ],
)
def test_window_counts_from_its_begin_until_before_its_end(at, up, down):
    """By the time of the announce, for all that was transferred since the last one."""
    found = worth(make_peer(), {"uploaded": 1000, "downloaded": 1000}, now=NOW + at, windows=WINDOWS)
    assert (found.uploaded, found.downloaded) == (up, down)
    assert (found.uploaded_real, found.downloaded_real) == (1000, 1000)


def test_windows_follow_the_clock_and_new_rates():
    """One ledger for all times, also where the clock is set back, and where staff change the rates meanwhile."""
    ledger = Ledger(Rates(windows=WINDOWS), {})
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), uploaded=1000, downloaded=1000, left=1)

    def worth_at(now: int) -> tuple[int, int]:
        credit = ledger.credit(User(1, "anna", "x" * 8), Torrent(INFO_HASH), make_peer(), request, 1, now)
        return credit.uploaded, credit.downloaded

    order = [-1, 0, 60, 150, 60, 250, 0]
    assert [worth_at(NOW + at) for at in order] == [
        *((1000, 1000), (2000, 1000), (2000, 0), (1000, 0), (2000, 0), (1000, 1000), (2000, 1000))
    ]
    ledger.rates = Rates(multiplier_up=3000)
    assert worth_at(NOW) == (3000, 1000)


@pytest.mark.parametrize(
    ("tokens", "downloaded"),
    [
        ({INFO_HASH: NOW + 1}, 0),
        ({INFO_HASH: NOW}, 500),
        ({INFO_HASH: NOW - 1}, 500),
        ({bytes(20): NOW + 1}, 500),
        ({}, 500),
    ],
)
def test_token_makes_one_torrent_free_until_its_end(tokens, downloaded):
    """For its user and its torrent alone; upload counts as ever, and what is real stays real."""
    user = User(1, "anna", "x" * 8, freeleech=tokens)
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), uploaded=700, downloaded=500, left=1)
    credit = Ledger(Rates(), {}).credit(user, Torrent(INFO_HASH), make_peer(), request, 0, NOW)
    assert (credit.uploaded, credit.downloaded) == (700, downloaded)
    assert (credit.uploaded_real, credit.downloaded_real) == (700, 500)


@given(
    seeding=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 2**63 - 1), st.integers(0, 2**40)),
    per_hour=st.integers(0, 10**15),
    scarcity=st.integers(0, 10**6),
    per_gib=st.one_of(st.just(0), st.integers(0, 10**15)),
    per_year=st.one_of(st.just(0), st.integers(0, 10**15)),
)
def test_points_are_the_formula_rounded_down_once(seeding, per_hour, scarcity, per_gib, per_year):
    """Compared with exact fractions, for any figures that the configuration takes; no more than a store can hold."""
    seconds, seeders, size, age = seeding
    rates = Rates(per_hour=per_hour, scarcity=scarcity, per_gib=per_gib, per_year=per_year)
    an_hour = (
        Fraction(per_hour)
        * (1 + Fraction(scarcity, 1000) / max(1, seeders))
        * (1 + Fraction(per_gib, NANO_POINTS) * Fraction(size, GIB))
        * (1 + Fraction(per_year, NANO_POINTS) * Fraction(age, YEAR))
    )
    exact = min(int(an_hour * seconds / 3600), INT64_MAX)
    ledger = Ledger(rates, {})
    assert ledger.points(seconds, seeders, size, age) == ledger.exact_points(seconds, seeders, size, age) == exact


@given(
    seeding=st.tuples(st.integers(0, 3600), st.integers(0, 2000), st.integers(0, 2**40), st.integers(0, 2**30)),
    rates=st.tuples(*[st.sampled_from([0, 1, 100, NANO_POINTS // 10, NANO_POINTS, 3 * NANO_POINTS])] * 3),
    scarcity=st.sampled_from([0, 1000, 4000, 4001]),
)
def test_points_by_floats_are_as_exact(seeding, rates, scarcity):
    """Where they decide, which they do for all that is usual: whole numbers of points are not one less."""
    per_hour, per_gib, per_year = rates
    ledger = Ledger(Rates(per_hour=per_hour, scarcity=scarcity, per_gib=per_gib, per_year=per_year), {})
    assert ledger.points(*seeding) == ledger.exact_points(*seeding)


@given(
    before=st.tuples(COUNTERS, COUNTERS),
    said=st.tuples(COUNTERS, COUNTERS),
    up=st.tuples(MULTIPLIERS, MULTIPLIERS, MULTIPLIERS, MULTIPLIERS),
    down=st.tuples(MULTIPLIERS, MULTIPLIERS, MULTIPLIERS, MULTIPLIERS),
)
def test_credit_stays_within_its_bounds(before, said, up, down):
    """Never negative, real never more than said, credited the product rounded down, for any counters and rates."""
    multipliers = dict(zip(PLACES, zip(up, down, strict=True), strict=True))
    found = worth(make_peer(*before), {"uploaded": said[0], "downloaded": said[1]}, multipliers)
    assert min(found.values()) >= 0
    real = [max(now - then, 0) for now, then in zip(said, before, strict=True)]
    credited = [int(real[0] * Fraction(max(up), 1000)), int(real[1] * Fraction(min(down), 1000))]
    assert [found.uploaded_real, found.downloaded_real] == [min(each, INT64_MAX) for each in real]
    assert [found.uploaded, found.downloaded] == [min(each, INT64_MAX) for each in credited]


@given(
    grown=st.tuples(COUNTERS, COUNTERS),
    windows=st.lists(st.builds(Window, st.integers(-9, 9), st.integers(-9, 9), MULTIPLIERS, MULTIPLIERS), max_size=4),
    now=st.integers(-10, 10),
    token=st.integers(-9, 9),
)
def test_windows_and_tokens_stay_within_bounds(grown, windows, now, token):
    """Never negative, never more than real by the largest multiplier in force, never more than without them down."""
    user = User(1, "anna", "x" * 8, freeleech={INFO_HASH: token})
    request = AnnounceRequest(None, INFO_HASH, PEER_ID, bytes(6), uploaded=grown[0], downloaded=grown[1], left=1)
    ledger = Ledger(Rates(windows=tuple(windows)), {})
    found = ledger.credit(user, Torrent(INFO_HASH), make_peer(), request, 1, now)
    current = [each for each in windows if each.since <= now < each.until]
    up = max([1000, *(each.multiplier_up for each in current)])
    assert found.uploaded == min(grown[0] * up // 1000, INT64_MAX)
    down = 0 if token > now else min([1000, *(each.multiplier_down for each in current)])
    assert found.downloaded == min(grown[1] * down // 1000, INT64_MAX)
    assert (found.uploaded_real, found.downloaded_real) == tuple(min(each, INT64_MAX) for each in grown)


@given(st.lists(COUNTERS, min_size=2, max_size=20))
def test_credits_in_a_row_are_the_growth_altogether(said):
    """However many announces it takes: what is credited in all is what the counter grew by, wherever it went back."""
    total = 0
    for before, now in pairwise(said):
        total += worth(make_peer(before), {"uploaded": now}).uploaded
    assert total == sum(min(now - before, INT64_MAX) for before, now in pairwise(said) if now > before)
