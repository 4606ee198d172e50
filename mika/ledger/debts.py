"""Hit and run: what a user still owes a torrent that they completed here, and how members read it.

Who completes a torrent is to seed it for so long, or to give back so much of it, within a time. `jobs` of `debts.py`
look at what is owed now and then; `admin/history.py` shows it. Pure: `now` is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mika.model import UNIT_MULTIPLIER, Debt, History

State = Literal["downloading", "satisfied", "seeding", "owing", "hit_and_run"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is owed: seconds of seeding, or a ratio in thousandths (0: none will do), within so many seconds."""

    seed_time: int
    ratio: int
    deadline: int


def debt_of(history: History, terms: Terms, now: int) -> Debt:
    """Return what is owed at `now`. What was paid once is paid, and who owed nothing at completion never will."""
    if history.debt in {Debt.NONE, Debt.PAID}:
        return history.debt
    if is_paid(history, terms):
        return Debt.PAID
    return Debt.OVERDUE if now > history.completed_at + terms.deadline else Debt.OWING


def is_paid(history: History, terms: Terms) -> bool:
    """Say whether it was seeded for long enough, or enough of it was given back. Bytes count as transferred."""
    totals = history.totals
    if totals.seed_seconds >= terms.seed_time:
        return True
    given, taken = totals.uploaded_real * UNIT_MULTIPLIER, totals.downloaded_real * terms.ratio
    return terms.ratio > 0 and taken > 0 and given >= taken


def is_owing(history: History, terms: Terms) -> bool:
    """Say whether something is owed, late or not."""
    return history.debt in {Debt.OWING, Debt.OVERDUE} and not is_paid(history, terms)


def seconds_owed(history: History, terms: Terms) -> int:
    """Return how many seconds of seeding are still owed."""
    return terms.seed_time - history.totals.seed_seconds if is_owing(history, terms) else 0


def state_of(history: History, terms: Terms, seeding: bool, now: int) -> State:
    """Return the one word for how it stands; `seeding`: a client of the user seeds it now.

    `downloading`: neither completed nor whole. `satisfied`: nothing is owed. `seeding`, `owing`: something is, and is
    being paid or not. `hit_and_run`: the time for it is over, and it can still be paid.
    """
    debt = debt_of(history, terms, now)
    if debt is Debt.NONE and not history.completed_at and history.left:
        return "downloading"
    if debt in {Debt.NONE, Debt.PAID}:
        return "satisfied"
    if debt is Debt.OVERDUE:
        return "hit_and_run"
    return "seeding" if seeding else "owing"


def debt_event(user_id: int, info_hash: bytes, state: str) -> dict[str, Any]:
    """Return the fields of the event `user` that tells that what is owed changed."""
    return {"id": user_id, "change": "hit_and_run", "fields": [], "info_hash": info_hash.hex(), "state": state}
