"""Faster than possible: by the time between two announces, as a table."""

from __future__ import annotations

import pytest

from mika.suspicion.sighting import Sighting
from mika.suspicion.speed import SLACK, judge_speed

FASTEST = 100 << 20


def sighting(uploaded: int, seen: int) -> Sighting:
    """Return an announce."""
    return Sighting(7, b"\1" * 20, b"\2" * 20, uploaded, 0, 0, 0, seen, True, False)


@pytest.mark.parametrize(
    ("seconds", "share", "score"),
    [
        (1800, 1.0, None),
        (1800, 1.01, 70),
        (1800, 2.5, 85),
        (1800, 99, 100),
        (0, 1.0, None),
        (0, 1.5, 75),
        (-5, 1.5, 75),
    ],
)
def test_speed_is_judged(seconds, share, score):
    """`share` of what the fastest line could have carried in that time, with the seconds that are given."""
    most = FASTEST * (max(seconds, 0) + SLACK)
    found = judge_speed(sighting(int(most * share), 1000 + seconds), 1000, FASTEST)
    assert (found and found.score) == score


def test_evidence_has_the_figures():
    """So that a person can check them."""
    found = judge_speed(sighting(40 << 30, 1060), 1000, FASTEST)
    assert found is not None
    assert (found.kind, found.user_id, found.info_hash) == ("too_fast", 7, b"\1" * 20)
    assert found.evidence == (
        "Uploaded 40.0 GiB within 60 s of its last announce; at 100.0 MiB a second, the fastest that is believed, "
        "6.8 GiB would have been possible."
    )
