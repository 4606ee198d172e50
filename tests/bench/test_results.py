"""Figures are kept with what they were measured on, and summed up by median, range and nearest rank."""

from __future__ import annotations

import pytest

from bench.results import keep, newest, percentile, spread


@pytest.mark.parametrize(
    ("figures", "expected"), [([3.0], (3, 3, 3)), ([5, 1, 3], (3, 1, 5)), ([4, 1, 2, 8], (3, 1, 8))]
)
def test_spread_is_median_least_and_most(figures, expected):
    """In whatever order they came."""
    assert spread(figures) == expected


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (1, 50, 1),
        (1, 99.9, 1),
        (2, 50, 1),
        (3, 50, 2),
        (100, 99, 99),
        (100, 99.9, 100),
        (1000, 99.9, 999),
        (10, 100, 10),
    ],
)
def test_percentile_is_the_least_that_so_many_do_not_exceed(count, share, expected):
    """Of 1 to `count`, by nearest rank: a figure that was measured, never one between two."""
    assert percentile(range(1, count + 1), share) == expected


def test_newest_of_a_kind_is_what_was_kept_last(tmp_path):
    """Others kinds, also those that begin alike, are not looked at."""
    assert newest("memory", tmp_path / "results") is None
    for figure in (1, 2):
        keep("memory", {"peers": figure}, {"bytes": figure}, 0.25, tmp_path / "results")
    keep("memory-of-old", {}, {"bytes": 3}, 0, tmp_path / "results")
    found = newest("memory", tmp_path / "results")
    assert (found["figures"], found["options"], found["load"]) == ({"bytes": 2}, {"peers": 2}, 0.2)
    assert {"time", "mika", "machine", "pinned"} < found.keys()
