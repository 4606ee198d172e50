"""Counters as no client has them: tables of what honest clients and fakers say, and random honest clients."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.suspicion.course import CONSTANT, KIND, PROPORTIONAL, Course, Paces, Seen
from mika.suspicion.sighting import Sighting

MIB = 1 << 20
SIZE = 4000 * MIB
HASH = b"\1" * 20
INTERVAL = 1800

Said = tuple[int, int, int]
"""What one announce says: bytes uploaded and downloaded since the one before, and what is left."""


def announce(up: int, down: int, left: int, seen: int, info_hash: bytes = HASH) -> Sighting:
    """Return an announce."""
    return Sighting(7, info_hash, b"\2" * 20, up, down, 0, left, seen, True, False)


def found_in(*said: Said, left: int = SIZE, waits: list[int] | None = None) -> list[Any]:
    """Return what is found in announces of one peer, `left` is what was missing at its first one."""
    course, seen = Course(), Seen(0, left)
    found = []
    for number, (up, down, still) in enumerate(said):
        sighting = announce(up, down, still, seen.at + (waits[number] if waits else INTERVAL))
        found.append(course.add(sighting, seen, SIZE))
        seen = Seen(sighting.seen, still)
    return [each for each in found if each is not None]


def falling(*steps: tuple[int, int]) -> list[Said]:
    """Return announces by how many MiB less are missing in each, and how many it said to have downloaded."""
    left, said = SIZE, []
    for fell, down in steps:
        left -= fell * MIB
        said.append((0, down * MIB, left))
    return said


@pytest.mark.parametrize(
    ("steps", "score"),
    [
        ([(500, 500)] * 8, None),
        ([(500, 0)] * 3, None),
        ([(500, 0)] * 4, 80),
        ([(500, 49)] * 8, 95),
        ([(500, 51)] * 8, None),
        ([(60, 0)] * 20, None),
        ([(0, 0)] * 20, None),
        ([(2000, 0), (500, 500), (500, 500), (500, 500)], None),
        ([(500, 500)] * 3 + [(500, 0)] * 4, None),
        ([(-500, 0), (500, 0)] * 8, 95),
    ],
)
def test_missing_that_falls_without_a_download(steps, score):
    """A check of the files explains one fall, not one after another; what was said before counts in their favour."""
    found = found_in(*falling(*steps))
    assert (max(each.score for each in found) if found else None) == score


def test_unknown_left_says_nothing():
    """Of a client that had no metadata."""
    assert found_in((0, 0, SIZE), *falling(*[(500, 0)] * 3), left=2**64 - 1) == []


def test_evidence_of_hidden_downloads():
    """With the sums."""
    (found,) = found_in(*falling(*[(500, 10)] * 4))
    assert (found.kind, found.user_id, found.info_hash) == (KIND, 7, HASH)
    assert found.evidence.startswith(
        "What is missing fell by 2.0 GiB in 4 announces of one client, in which it said to have downloaded 40.0 MiB"
    )


@pytest.mark.parametrize(
    ("pairs", "score"),
    [
        ([(150 + n, 100 + n) for n in range(20)], None),
        ([(150 + 3 * n, 100 + 2 * n) for n in range(PROPORTIONAL - 1)], None),
        ([(150 + 3 * n, 100 + 2 * n) for n in range(PROPORTIONAL)], 75),
        ([(150 + 3 * n, 100 + 2 * n) for n in range(PROPORTIONAL + 2)], 79),
        ([(150, 100)] * 5 + [(151, 100)] + [(150, 100)] * 5, None),
        ([(60, 40)] * 20, None),
        ([(150, 0)] * 10, None),
    ],
)
def test_upload_in_proportion(pairs, score):
    """To the download, in MiB: to the block, six times one after another, and not a little only."""
    left, said = SIZE, []
    for up, down in pairs:
        left -= down * MIB
        said.append((up * MIB, down * MIB, max(left, 0)))
    found = found_in(*said)
    assert (found[-1].score if found else None) == score


def test_evidence_of_a_proportion():
    """With the proportion."""
    found = found_in(*[(150 * MIB, 100 * MIB, 0)] * 6)
    assert "6 announces one after another uploaded 1.5000 to 1.5000 times" in found[-1].evidence


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(0, 50)), max_size=20))
def test_downloads_that_are_said_hide_nothing(steps):
    """Whatever is missing more or less, with a check of the files, if what came over the line was said."""
    said = falling(*[(fell, max(fell, 0) + waste) for fell, waste in steps])
    assert found_in(*said) == []


@pytest.mark.parametrize("seed", range(5))
def test_honest_course_is_never_found(seed):
    """Whoever says what is no longer missing, and uploads as much as others happen to take."""
    random, left, said = Random(seed), 0, []
    for _ in range(500):
        up, down = random.randrange(64 * MIB, 500 * MIB), random.randrange(64 * MIB, 500 * MIB)
        left += down
        said.append((up, down + random.randrange(MIB), -left))
    assert found_in(*[(up, down, left + rest) for up, down, rest in said], left=left) == []


@pytest.mark.parametrize(
    ("paces", "waits", "constant"),
    [
        ([1000.0] * CONSTANT, [1800] * CONSTANT, True),
        ([1000.0] * (CONSTANT - 1), [1800] * CONSTANT, False),
        ([1000.0] * 30, [1791, 1800, 1812] * 10, True),
        ([1000.0, 1002.0] * 30, [1800] * 60, False),
        ([1000.0, 1000.4] * 30, [1800] * 60, True),
        ([1000.0] * 11 + [900.0] + [1000.0] * 11, [1800] * 23, False),
        ([30.0] * 30, [1800] * 30, False),
    ],
)
def test_constant_speed(paces, waits, constant):
    """KiB a second; the times of announces are whole seconds."""
    course, seen = Course(), Seen(0, 0)
    for pace, wait in zip(paces, waits, strict=False):
        sighting = announce(int(pace * wait * 1024), 0, 0, seen.at + wait)
        course.add(sighting, seen, SIZE)
        seen = Seen(sighting.seen, 0)
    assert course.is_constant() is constant


def test_constant_speed_in_several_torrents():
    """In one it may be a full line; in several at once it is none; what is long gone counts no more."""
    course, paces = Course(), Paces()
    for _ in range(CONSTANT):
        course.add(announce(100 * MIB, 0, 0, 1800), Seen(0, 0), SIZE)
    scores = [paces.judge(announce(0, 0, 0, 100 + n, bytes([n]) * 20), course).score for n in (1, 2, 2, 3)]
    assert scores == [45, 70, 70, 75]
    found = paces.judge(announce(0, 0, 0, 103), course)
    assert found.evidence.startswith("In 12 announces one after another uploaded with 56.9 KiB to 56.9 KiB a second")
    paces.close(103)
    assert paces.judge(announce(0, 0, 0, 200, b"\5" * 20), course).score == 75
    paces.close(201)
    assert paces.judge(announce(0, 0, 0, 200), course).score == 45
    paces.forget()
    assert paces.judge(announce(0, 0, 0, 200, b"\7" * 20), course).score == 45
