"""Rates of the last minute, and how late the reactor is."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from mika.pulse import BEAT, STEP, WINDOW, Pulse


@pytest.fixture
def clock():
    """Stand still until a test advances it."""
    return Clock()


def test_rate_is_over_the_last_minute(clock):
    """What was before does not count any more."""
    counts = {"a": 0}
    pulse = Pulse(clock, lambda: dict(counts))
    pulse.startService()
    assert pulse.per_second() == {"a": 0}
    counts["a"] = 600
    clock.pump([STEP] * (WINDOW // STEP))
    assert pulse.per_second() == {"a": 10}
    clock.pump([STEP] * (WINDOW // STEP))
    assert pulse.per_second() == {"a": 0}
    counts["a"] += 60
    assert pulse.per_second() == {"a": 1}
    pulse.stopService()
    assert clock.getDelayedCalls() == []


def test_count_that_is_new_grew_from_nothing(clock):
    """A protocol may come later."""
    counts = {}
    pulse = Pulse(clock, lambda: dict(counts))
    clock.advance(10)
    counts["b"] = 20
    assert pulse.per_second() == {"b": 2}


def test_lag_is_how_late_a_call_is(clock):
    """Nothing while all is on time."""
    pulse = Pulse(clock, dict)
    pulse.startService()
    clock.pump([BEAT] * 10)
    assert pulse.lag.sum == pytest.approx(0)
    assert sum(pulse.lag.counts) >= 9
    before = sum(pulse.lag.counts)
    clock.advance(BEAT + 0.3)
    assert pulse.lag.sum == pytest.approx(0.3, abs=0.001)
    assert sum(pulse.lag.counts) == before + 1
    pulse.stopService()
    pulse.stopService()
