"""Sessions that end without a stop, as a table of days."""

from __future__ import annotations

import pytest

from mika.suspicion.endings import APART, MOST, TIMES, WITHIN, Endings
from mika.suspicion.sighting import Sighting

HOUR = 3600


def ending(hour: float, user_id: int = 7, *, stop: bool = False) -> Sighting:
    """Return the end of a session, by silence or by a stop."""
    return Sighting(user_id, b"\1" * 20, b"\2" * 20, 0, 0, 0, 0, int(hour * HOUR), stop, stop)


@pytest.mark.parametrize(
    ("name", "hours", "stops", "score"),
    [
        ("a crash a day", [24 * n for n in range(60)], [], None),
        ("two a day", [12 * n for n in range(60)], [], None),
        ("every two hours", [2 * n for n in range(TIMES - 1)], [], None),
        ("every two hours for longer", [2 * n for n in range(TIMES)], [], 60),
        ("and longer", [2 * n for n in range(99)], [], 80),
        ("many torrents at once", [n / 100 for n in range(40)] * 3, [], None),
        ("with stops of other torrents", [2 * n for n in range(TIMES)], [1, 9, 17], 60),
    ],
)
def test_endings_are_counted(name, hours, stops, score):
    """By the hours in which sessions ended without a stop, and those in which something was stopped."""
    endings, found = Endings(), []
    for hour, stop in sorted([(hour, False) for hour in hours] + [(hour, True) for hour in stops]):
        if stop:
            endings.stopped(ending(hour, stop=True))
        else:
            found.append(endings.followed(ending(hour)))
    scores = [each.score for each in found if each is not None]
    assert (max(scores) if scores else None) == score, name


def test_evidence_has_the_figures():
    """It is about no torrent."""
    endings = Endings()
    found = [endings.followed(ending(2 * n)) for n in range(TIMES)][-1]
    assert found is not None
    assert (found.kind, found.user_id, found.info_hash) == ("never_stops", 7, b"")
    assert found.evidence.startswith("Within 28 hours 15 sessions ended without a stop, each followed by another one")
    assert "and 0 times something was stopped" in found.evidence


def test_stops_are_in_the_evidence():
    """Those since the first of the endings; of who never ended without one they are not kept."""
    endings = Endings()
    for hour in range(TIMES):
        endings.stopped(ending(hour + 0.5, stop=True))
        found = endings.followed(ending(hour))
    assert found is not None
    assert f"and {TIMES - 1} times something was stopped" in found.evidence


def test_memory_is_bounded():
    """Of users and of times; what is forgotten begins anew."""
    endings = Endings()
    for user_id in range(MOST + 9):
        endings.followed(ending(0, user_id))
    assert len(endings._of_user) == MOST
    for n in range(3 * WITHIN // APART):
        endings.followed(ending(n / 2, 9 + MOST))
    assert len(endings._of_user[9 + MOST]) <= WITHIN // APART + 1
    endings.forget()
    assert endings.followed(ending(99, 9 + MOST)) is None
