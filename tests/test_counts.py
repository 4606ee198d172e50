"""Counts in plain integers."""

from __future__ import annotations

import pytest

from mika.counts import Histogram


def test_histogram_is_cumulative():
    """As Prometheus wants it: a value on a bound is within it."""
    histogram = Histogram((0.5, 1, 10))
    for value in (0.1, 0.5, 0.6, 11, 1):
        histogram.add(value)
    assert histogram.cumulative() == [("0.5", 2), ("1.0", 4), ("10.0", 4), ("+Inf", 5)]
    assert histogram.sum == pytest.approx(13.2)


@pytest.mark.parametrize(
    ("values", "share", "bound"),
    [([], 0.5, None), ([0.1], 0.5, 0.5), ([0.1, 0.1, 3], 0.5, 0.5), ([0.1, 0.1, 3], 0.99, 10), ([99], 0.5, 10)],
)
def test_quantile_is_the_bound_that_holds_so_many(values, share, bound):
    """It is an upper bound, but for what is beyond the last one."""
    histogram = Histogram((0.5, 1, 10))
    for value in values:
        histogram.add(value)
    assert histogram.quantile(share) == bound
