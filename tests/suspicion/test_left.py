"""What is left of a swarm, as a table."""

from __future__ import annotations

import pytest

from mika.model import Peer
from mika.suspicion.left import left_of


def peer(user_id: int, left: int, seen: int = 100, *, active: bool = True, number: int = 0) -> Peer:
    """Return a peer."""
    made = Peer(user_id, b"%020d" % number, 0)
    made.left, made.last_seen, made.active = left, seen, active
    return made


@pytest.mark.parametrize(
    ("peers", "left"),
    [
        ([], 0),
        ([peer(1, 5)], 0),
        ([peer(1, 5), peer(2, 0), peer(3, 7)], 7),
        ([peer(1, 5, number=1), peer(2, 6, number=1), peer(2, 7, number=2)], 18),
        ([peer(2, 7, seen=10)], 7),
        ([peer(2, 7, seen=50, active=False)], 7),
        ([peer(2, 7, seen=49, active=False)], 0),
        ([peer(2, 4, number=number) for number in range(3)] + [peer(3, 9, active=False)], 21),
        ([peer(2, 9 - number, active=False, number=number) for number in range(3)], 9),
        ([peer(2, 9, active=False), peer(2, 4, number=1), peer(3, 2, active=False)], 15),
    ],
)
def test_left_is_added_up(peers, left):
    """All active peers but the one, and of each account's silent ones the one with the most, if it is not long gone."""
    assert left_of(peers, (1, b"%020d" % 0), 50, 100) == left


@pytest.mark.parametrize(
    ("peers", "left"),
    [
        ([peer(2, 5, seen=100)], 5),
        ([peer(2, 5, seen=101)], 0),
        ([peer(2, 5, seen=101), peer(3, 7)], 7),
        ([peer(2, 5, seen=101, active=False), peer(2, 4, number=1, active=False)], 4),
        ([peer(-2, 5, seen=101)], 5),
    ],
)
def test_who_has_told_since_has_nothing_left(peers, left):
    """They said what they received until then; of public peers nobody adds up what they said."""
    assert left_of(peers, (1, b"%020d" % 0), 50, 100) == left
