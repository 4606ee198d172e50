"""Who stopped in the middle of a download, as a table."""

from __future__ import annotations

import pytest

from mika.suspicion.away import Away
from mika.suspicion.course import UNKNOWN
from mika.suspicion.sighting import Sighting

HASH = b"\1" * 20


def stop(user_id: int, left: int, seen: int = 100, down: int = 9, info_hash: bytes = HASH) -> Sighting:
    """Return the stop of a leecher."""
    return Sighting(user_id, info_hash, b"\2" * 20, 0, down, 0, left, seen, True, True)


@pytest.mark.parametrize(
    ("stops", "left"),
    [
        ([], 0),
        ([stop(2, 5), stop(3, 7)], 12),
        ([stop(1, 5)], 0),
        ([stop(2, 5), stop(2, 4)], 4),
        ([stop(2, 5, info_hash=b"\3" * 20)], 0),
        ([stop(2, 5, seen=49), stop(3, 7, seen=50), stop(4, 1, seen=150), stop(5, 2, seen=151)], 8),
        ([stop(2, 5, down=0), stop(3, 0), stop(4, UNKNOWN)], 0),
    ],
)
def test_left_of_who_stopped(stops, left):
    """Of others, in this torrent, between two times; of who downloaded until then, and did not finish."""
    away = Away()
    for each in stops:
        away.stopped(each)
    assert away.left(HASH, 1, 50, 150) == left


@pytest.mark.parametrize(("now_left", "received"), [(5, 0), (3, 2), (0, 5), (9, 0)])
def test_who_is_back_is_known_again(now_left, received):
    """What is no longer missing was received meanwhile, once."""
    away = Away()
    away.stopped(stop(2, 5))
    assert [away.back(stop(user_id, now_left)) for user_id in (3, 2, 2)] == [0, received, 0]
    assert away.left(HASH, 1, 50, 150) == 0


def test_memory_is_bounded(monkeypatch):
    """By time, and by torrents."""
    monkeypatch.setattr("mika.suspicion.away.MOST", 2)
    away = Away()
    for number in (1, 2, 3):
        away.stopped(stop(2, 5, seen=100 + number, info_hash=bytes([number]) * 20))
    assert [away.left(bytes([number]) * 20, 1, 0, 999) for number in (1, 2, 3)] == [0, 5, 5]
    away.close(103)
    assert [away.left(bytes([number]) * 20, 1, 0, 999) for number in (1, 2, 3)] == [0, 0, 5]
    away.forget()
    assert away.left(b"\3" * 20, 1, 0, 999) == 0
