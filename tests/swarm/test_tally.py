"""How often each user has each of something."""

from __future__ import annotations

import pytest

from mika.swarm.tally import Tally


@pytest.mark.parametrize(
    ("added", "keys", "of_a"),
    [
        ([], 0, 0),
        ([(b"a", 1)], 1, 1),
        ([(b"a", 1), (b"a", 1)], 1, 2),
        ([(b"a", 1), (b"b", 1)], 2, 1),
        ([(b"a", 2), (b"a", -1)], 1, 1),
        ([(b"a", 1), (b"b", 1), (b"a", -1)], 1, 0),
        ([(b"a", 1), (b"a", -1)], 0, 0),
    ],
)
def test_keys_are_counted(added, keys, of_a) -> None:
    """A key that is there twice is one key; what was taken back leaves nothing, and others' are others'."""
    tally = Tally()
    tally.add(2, b"a", 5)
    for key, by in added:
        tally.add(1, key, by)
    assert (tally.keys(1), tally.count(1, b"a")) == (keys, of_a)
    assert (tally.keys(2), tally.count(2, b"a")) == (1, 5)
    assert (1 in tally._of_user) is bool(keys)
