"""What is uploaded is received: who is found to have uploaded more than anybody can have got, and who is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mika.suspicion.sighting import Sighting
from mika.suspicion.window import UNBALANCED, UNRECEIVED, Window
from mika.suspicion.windows import IDLE, LONGEST, Windows

MIB = 1 << 20
SIZE = 1000 * MIB
HASH = b"\1" * 20
SEED, LEECH, OTHER = 1, 2, 3
START = 1_800_000_000
UNKNOWN = 2**63 + 1


def announce(user_id: int, minute: float, up: int = 0, down: int = 0, **facts: Any) -> Sighting:
    """Return an announce, with MiB that were moved since the last one; of a seeder, unless something is left."""
    defaults = {"peer_id": b"-%018d-" % user_id, "left": 0, "earlier": 0, "announced": True, "gone": False}
    given = defaults | facts
    given["left"] = min(given["left"] * MIB, UNKNOWN)
    given["earlier"] *= MIB
    seen = START + int(minute * 60)
    return Sighting(user_id=user_id, info_hash=HASH, uploaded=up * MIB, downloaded=down * MIB, seen=seen, **given)


def found_in(sightings: list[Sighting], left: int = 0, size: int = SIZE, fastest: int = 0) -> list[Any]:
    """Return what is found, with so many MiB left of peers that are known."""
    windows = Windows(lambda *_about: min(left * MIB, UNKNOWN), lambda _info_hash: size)
    return [finding for each in sightings for finding in windows.take(each, fastest)]


def faked(each: int = 200, times: int = 5, user_id: int = SEED) -> list[Sighting]:
    """Return announces of a seeder that says it uploads; the first is the one from which it is counted."""
    return [announce(user_id, 30 * number, up=each) for number in range(times + 1)]


def leeching(*downs: int, user_id: int = LEECH, **facts: Any) -> list[Sighting]:
    """Return announces of a leecher from its first one on."""
    left, found = 1000, [announce(user_id, 1, left=1000, **facts)]
    for number, down in enumerate(downs):
        left -= down
        found.append(announce(user_id, 30 * number + 29, down=down, left=left, **facts))
    return found


def in_order(*runs: list[Sighting]) -> list[Sighting]:
    """Return sightings as a journal has them."""
    return sorted((each for run in runs for each in run), key=lambda each: each.seen)


def test_upload_with_nobody_to_receive_it():
    """Is found at the third announce, with the figures."""
    (first, *_) = found = found_in(faked())
    assert {each.kind for each in found} == {UNRECEIVED}
    assert (first.user_id, first.info_hash) == (SEED, HASH)
    assert first.evidence == (
        "Uploaded 600.0 MiB in 3 announces within 90 minutes, and nobody was there who could have received any of it."
    )
    assert [each.score for each in found] == sorted(each.score for each in found)
    assert found[-1].score >= 80


def test_who_announces_all_the_time_is_looked_at_once_a_minute():
    """What is left of a swarm is added up for nobody more often than that."""
    asked: list[Any] = []
    windows = Windows(lambda *about: len(asked.append(about) or b""), lambda _info_hash: SIZE)
    found = [each for number in range(60) for each in windows.take(announce(SEED, number / 12, up=200), 0)]
    assert len(asked) == [each.kind for each in found].count(UNRECEIVED) == 5


def test_faker_beside_real_leechers():
    """What went to nobody whatever others did is the faker's alone; the honest seeder beside is not named."""
    honest = [announce(OTHER, 30 * number + 15, up=100) for number in range(6)]
    found = found_in(in_order(faked(each=800), honest, leeching(100, 100, 100, 100, 100)))
    assert {(each.kind, each.user_id) for each in found} == {(UNBALANCED, SEED)}
    assert "Everybody together received" in found[-1].evidence


@pytest.mark.parametrize(
    ("name", "sightings", "left"),
    [
        ("what a leecher received", in_order(faked(each=100), leeching(100, 100, 100, 100, 100)), 0),
        ("some of it sent twice", in_order(faked(each=105), leeching(100, 100, 100, 100, 100)), 0),
        ("a leecher that does not say yet", in_order(faked(each=190), leeching()), 1000),
        ("a leecher that fell silent", faked(each=190), 1000),
        ("a leecher that does not know what is left", faked(), UNKNOWN),
        ("twice only", faked(times=2), 0),
        ("a little", faked(each=10), 0),
        ("5 % of the size", faked(each=20), 0),
        ("before the window: nobody knows since when", [announce(SEED, 0, up=900)], 0),
        (
            "of a client that is new each time",
            [announce(SEED, 9 * n, up=300, peer_id=b"%020d" % n) for n in range(6)],
            0,
        ),
        (
            "to one whose client lost its counters, and not the data",
            in_order(
                faked(each=150),
                [announce(LEECH, 1, left=1000), announce(LEECH, 80, left=600), announce(LEECH, 140, left=200)],
            ),
            200,
        ),
        (
            "to one who announces for the first time when done",
            in_order(faked(each=190, times=4), [announce(LEECH, 45, earlier=1000)]),
            0,
        ),
        (
            "to one who was dropped by staff",
            in_order(faked(each=190, times=4), [announce(LEECH, 45, left=1000, announced=False, gone=True)]),
            0,
        ),
        (
            "to one who then stopped",
            in_order(
                faked(each=100, times=3), [*leeching(100, 100), announce(LEECH, 65, down=100, left=700, gone=True)]
            ),
            0,
        ),
        (
            "to an own second client",
            in_order(faked(each=100), leeching(*[100] * 5, user_id=SEED, peer_id=b"2" * 20)),
            0,
        ),
    ],
)
def test_honest_upload_is_not_found(name, sightings, left):
    """Whatever became of who received it."""
    assert found_in(sightings, left) == [], name


def test_what_others_received_before_does_not_cover_what_is_made_up_later():
    """A run begins where all had received as much as was uploaded."""
    honest = leeching(300, 300, 300)
    uploads = [announce(SEED, 30 * number, up=300 if number < 4 else 120) for number in range(9)]
    found = found_in(in_order(honest, uploads))
    assert {(each.kind, each.user_id) for each in found} == {(UNRECEIVED, SEED)}
    assert found[-1].evidence.startswith("Uploaded 480.0 MiB in 4 announces within 120 minutes, and nobody")


def test_one_accident_is_not_held_against_who_goes_on():
    """Nobody knows who received it; what others receive later is beside it."""
    later = [announce(OTHER, 30 * number + 10, down=100, left=9) for number in range(1, 9)]
    uploads = [announce(SEED, 30 * number, up=900 if number == 1 else 100) for number in range(9)]
    assert found_in(in_order([announce(LEECH, 0, left=9)], uploads, later)) == []


def test_who_stopped_in_the_middle_may_go_on_unheard():
    """With peers that their client knows and no tracker; when they are back, it is known how much they received."""
    stops = [announce(LEECH, -200, left=1000), announce(LEECH, -190, left=800, down=200, gone=True)]
    other = [announce(OTHER, 0, left=5)]
    assert found_in(in_order(stops, other, faked(each=190, times=4))) == []
    again = [announce(LEECH, 111, peer_id=b"2" * 20)]
    assert found_in(in_order(stops, other, faked(each=190, times=4), again)) == []
    assert found_in(in_order(other, faked(each=190, times=4)))


def test_who_told_since_is_not_waited_for():
    """Somebody may have received it all until they announce again, and say that they did not."""
    tells = START + 100 * 60
    minute = [0.0]

    def left(_info_hash: bytes, _one: Any, _since: int, until: int) -> int:
        return 0 if START + minute[0] * 60 > tells > until else 10_000 * MIB

    windows, found = Windows(left, lambda _info_hash: SIZE), []
    for minute[0] in range(0, 150, 30):
        found.append(len(windows.take(announce(SEED, minute[0], up=200), 0)))
    assert found == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(("seeded", "found"), [(1800, 2), (2399, 2), (2400, 1), (0, 1)])
def test_first_upload_in_a_torrent_that_was_quiet(seeded, found):
    """Counts if it is known since when: nobody received anything then."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    assert windows.take(announce(OTHER, -60), 0) == []
    judged = [windows.take(replace(each, seeded=seeded), 0) for each in faked(times=3)]
    assert sum(map(len, judged)) == found


@pytest.mark.parametrize(
    "before",
    [
        [announce(OTHER, -20)],
        [announce(LEECH, minute, left=5, down=minute == -1470) for minute in range(-1470, 0, 30)],
    ],
)
def test_first_upload_does_not_count_where_it_is_not_known_what_was_received(before):
    """As when all begins, or the window before is closed only now."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    for each in before:
        assert windows.take(each, 0) == []
    judged = [windows.take(replace(each, seeded=1800), 0) for each in faked(times=3)]
    assert sum(map(len, judged)) == 1


def test_silence_is_no_receipt():
    """What is left of who fell silent is asked of the swarm, where they still are; it is not counted twice."""
    silence = announce(LEECH, 10, left=1000, announced=False)
    assert found_in(in_order(faked(), [silence]))


def test_unknown_size_is_below_the_default_threshold():
    """A part of it cannot be said, so that it is listed only for who asks."""
    assert {each.score for each in found_in(faked(each=2000), size=0)} == {50}


def test_only_what_is_suspicious_asks_the_swarm():
    """A swarm has thousands of peers: an announce that is plainly honest looks at none of them."""
    asked = []

    def left(*about: Any) -> int:
        asked.append(about)
        return 0

    windows = Windows(left, lambda _info_hash: SIZE)
    for each in in_order(faked(each=100), leeching(100, 100, 100, 100, 100)):
        assert list(windows.take(each, 0)) == []
    assert asked == []


def test_window_reaches_back_a_day_for_the_silent():
    """They may still have been receiving."""
    asked = []

    def left(*about: Any) -> int:
        asked.append(about)
        return 0

    windows = Windows(left, lambda _info_hash: SIZE)
    for each in faked():
        list(windows.take(each, 0))
    assert asked[0] == (HASH, (SEED, announce(SEED, 0).peer_id), START - 86400, START + 90 * 60 + 60)


def test_idle_torrents_are_not_remembered():
    """Seeders of which nobody wants anything are nearly all peers of a site."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    for minute in range(0, 90, 30):
        list(windows.take(announce(SEED, minute), 0))
    assert len(windows) == 0


@pytest.mark.parametrize(("seconds", "left"), [(IDLE, 1), (IDLE + 1, 0)])
def test_torrent_that_became_idle_is_forgotten(seconds, left):
    """After a while in which nothing moved."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    list(windows.take(announce(SEED, 0, up=1), 0))
    assert list(windows.close_idle(START + seconds)) == []
    assert len(windows) == left


@pytest.mark.parametrize(("received", "days"), [(1, 1), (0, 3)])
def test_window_is_closed_in_the_end(received, days):
    """After a day, after three if nothing was received; the next one begins with nobody's upload."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    later = days * LONGEST // 60 + 1
    assert list(windows.take(announce(LEECH, 0, left=5, down=received), 0)) == []
    for minute in (0, 30, later - 1):
        assert list(windows.take(announce(SEED, minute, up=70), 0)) == []
    for minute in (later, later + 30, later + 60):
        assert list(windows.take(announce(SEED, minute, up=70), 0)) == []
    assert list(windows.take(announce(SEED, later + 90, up=70), 0))


def test_last_look_when_nothing_flows():
    """What is left of the others counts for who uploads, as long as they may still say that they received it."""
    left = [5000 * MIB]
    windows = Windows(lambda *_about: left[0], lambda _info_hash: SIZE)
    for each in in_order(faked(each=400), leeching(100, 100, 100, 100, 100)):
        assert list(windows.take(each, 0)) == []
    left[0] = 500 * MIB
    now = START + 150 * 60
    assert list(windows.close_idle(now + IDLE)) == []
    (found,) = windows.close_idle(now + IDLE + 1740)
    assert (found.kind, found.user_id, found.score) == (UNBALANCED, SEED, 91)
    assert list(windows.close_idle(now + IDLE + 1750)) == []
    assert list(windows.close_idle(now + 3 * IDLE)) == []
    assert len(windows) == 0


@pytest.mark.parametrize(("up", "score"), [(1500, 75), (1000, None)])
def test_last_look_at_one_upload(up, score):
    """In a single announce, of more than the whole torrent that nobody received: judged when nothing flows any more."""
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    for each in (announce(LEECH, 0, left=5), announce(SEED, 1), announce(SEED, 30, up=up)):
        assert list(windows.take(each, 0)) == []
    found = list(windows.close_idle(START + 3 * IDLE))
    assert [each.score for each in found] == ([] if score is None else [score])


def test_claims_are_told_once():
    """Who uploads much of what they are not seen to download; a downloader is none."""
    windows = Windows(lambda *_about: UNKNOWN, lambda _info_hash: SIZE)
    for each in in_order(leeching(100), faked(each=200), [announce(OTHER, n, up=300, left=5) for n in range(3)]):
        list(windows.take(each, 0))
    assert list(windows.claims) == [(SEED, HASH)]


def test_memory_is_bounded(monkeypatch):
    """Past the most, all is forgotten and begins anew."""
    monkeypatch.setattr("mika.suspicion.windows.MOST", 10)
    windows = Windows(lambda *_about: 0, lambda _info_hash: SIZE)
    for number in range(11):
        assert len(windows) == min(number, 1)
        list(windows.take(announce(number, 0, left=5), 0))
    assert (len(windows), windows.overflows) == (0, 1)


def test_stop_ends_what_is_remembered_of_a_peer():
    """Its next announce is a first one again."""
    window = Window(START, START)
    for seen in (announce(SEED, 0, up=1), announce(SEED, 1, up=1, gone=True)):
        window.add(seen, window.before(seen))
    assert window.before(announce(SEED, 2)) is None
