"""What is owed for a completion, and how it is called: tables of cases."""

from __future__ import annotations

import pytest
from builders import INFO_HASH, NOW
from hypothesis import given
from hypothesis import strategies as st

from mika.ledger.debts import Terms, debt_of, is_owing, seconds_owed, state_of
from mika.model import Debt, History, Totals

HOUR = 3600
TERMS = Terms(seed_time=72 * HOUR, ratio=1000, deadline=100 * HOUR)


def make_row(
    debt: Debt = Debt.OWING, seeded: int = 0, up: int = 0, down: int = 10, left: int = 0, completed_at: int = NOW
) -> History:
    """Return what a user did; bytes as transferred, while what is credited says nothing."""
    totals = Totals(10**6, 0, up, down, seed_seconds=seeded)
    return History(1, INFO_HASH, totals, left, NOW, NOW, completed_at, debt)


@pytest.mark.parametrize(
    ("row", "after", "debt"),
    [
        (make_row(), 0, Debt.OWING),
        (make_row(), 100 * HOUR, Debt.OWING),
        (make_row(), 100 * HOUR + 1, Debt.OVERDUE),
        (make_row(seeded=72 * HOUR - 1), 0, Debt.OWING),
        (make_row(seeded=72 * HOUR), 0, Debt.PAID),
        (make_row(seeded=72 * HOUR), 10**9, Debt.PAID),
        (make_row(up=9), 0, Debt.OWING),
        (make_row(up=10), 0, Debt.PAID),
        (make_row(up=0, down=0), 0, Debt.OWING),
        (make_row(Debt.OVERDUE), 0, Debt.OWING),
        (make_row(Debt.OVERDUE), 10**9, Debt.OVERDUE),
        (make_row(Debt.OVERDUE, up=10), 10**9, Debt.PAID),
        (make_row(Debt.PAID), 10**9, Debt.PAID),
        (make_row(Debt.NONE), 10**9, Debt.NONE),
        (make_row(Debt.NONE, completed_at=0), 10**9, Debt.NONE),
    ],
)
def test_debt(row, after, debt):
    """Paid by time or by upload, late when the deadline is over, and again not late if staff move that."""
    assert debt_of(row, TERMS, NOW + after) is debt
    assert is_owing(row, TERMS) == (debt in {Debt.OWING, Debt.OVERDUE})
    assert (seconds_owed(row, TERMS) > 0) == is_owing(row, TERMS)


def test_ratio_that_is_off_pays_nothing():
    """Only time does then."""
    terms = Terms(72 * HOUR, 0, 100 * HOUR)
    assert debt_of(make_row(up=10**9), terms, NOW) is Debt.OWING
    assert debt_of(make_row(seeded=72 * HOUR), terms, NOW) is Debt.PAID


@pytest.mark.parametrize(
    ("row", "seeding", "after", "state"),
    [
        (make_row(Debt.NONE, left=5, completed_at=0), False, 0, "downloading"),
        (make_row(Debt.NONE, left=0, completed_at=0), True, 0, "satisfied"),
        (make_row(Debt.NONE, left=5), False, 0, "satisfied"),
        (make_row(), True, 0, "seeding"),
        (make_row(), False, 0, "owing"),
        (make_row(left=5), False, 0, "owing"),
        (make_row(), True, 10**9, "hit_and_run"),
        (make_row(Debt.OVERDUE, seeded=72 * HOUR), False, 10**9, "satisfied"),
        (make_row(Debt.PAID), True, 10**9, "satisfied"),
    ],
)
def test_state(row, seeding, after, state):
    """Who brings a whole torrent owes nothing; who was late pays and is satisfied."""
    assert state_of(row, TERMS, seeding, NOW + after) == state


@given(
    row=st.builds(
        make_row,
        debt=st.sampled_from(Debt),
        seeded=st.integers(0, 10**6),
        up=st.integers(0, 100),
        down=st.integers(0, 100),
        left=st.integers(0, 2),
        completed_at=st.integers(NOW - 10**6, NOW),
    ),
    terms=st.builds(Terms, st.integers(0, 10**6), st.integers(0, 3000), st.integers(0, 10**6)),
    seeding=st.booleans(),
    more=st.integers(0, 10**6),
)
def test_seeding_more_never_makes_it_worse(row, terms, seeding, more):
    """Whatever the terms: more seed time owes no more, and is not later."""
    before = debt_of(row, terms, NOW)
    owed = seconds_owed(row, terms)
    row.totals.seed_seconds += more
    after = debt_of(row, terms, NOW)
    assert after in {before, Debt.PAID}
    assert 0 <= seconds_owed(row, terms) <= owed
    assert (state_of(row, terms, seeding, NOW) == "satisfied") or after is before
