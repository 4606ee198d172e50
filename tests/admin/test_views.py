"""Units there and back: multipliers, bonus and times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mika.admin.models import Bonus, Multiplier
from mika.admin.views import multiplier, points, rfc3339
from mika.model import INT64_MAX


@pytest.mark.parametrize(
    ("nano_points", "shown"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (1_500_000_000, "1.5"),
        (10_000_000_000, "10"),
        (-2_500_000_000, "-2.5"),
        (INT64_MAX, "9223372036.854775807"),
    ],
)
def test_bonus_is_an_exact_decimal_string(nano_points, shown):
    """No exponent, no trailing zero."""
    assert points(nano_points) == shown


@pytest.mark.parametrize(("thousandths", "shown"), [(0, "0"), (1000, "1"), (1250, "1.25"), (1, "0.001")])
def test_multiplier_is_the_shortest_number(thousandths, shown):
    """1 is not written 1.0."""
    assert repr(multiplier(thousandths)) == shown


def test_time_is_rfc_3339_in_utc():
    """To the second."""
    assert rfc3339(1_795_341_600) == "2026-11-22T10:00:00Z"


@given(st.integers(0, INT64_MAX))
def test_bonus_that_is_shown_can_be_sent(nano_points):
    """To the last nano-point."""
    assert TypeAdapter(Bonus).validate_python(points(nano_points)) == nano_points


@given(st.integers(0, 1_000_000))
def test_multiplier_that_is_shown_can_be_sent(thousandths):
    """Through a float, too."""
    assert TypeAdapter(Multiplier).validate_python(multiplier(thousandths)) == thousandths
