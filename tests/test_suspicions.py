"""What becomes of a finding: one row for each, what was judged stays judged, and nothing is lost by two at once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from builders import result
from twisted.internet.defer import succeed

from mika import suspicions
from mika.errors import NotOfferedError, StoreError
from mika.model import Suspicion
from mika.store.memory import MemoryStore

FOUND = Suspicion("unreceived", 1, b"\1" * 20, 50, "first", 10, 20)


def found(score, **facts):
    """Return the same finding a second time."""
    return replace(FOUND, score=score, evidence="second", first_seen=30, last_seen=40, **facts)


@pytest.mark.parametrize(
    ("state", "score", "expected"),
    [
        ("open", 49, ("open", 50, "first")),
        ("open", 50, ("open", 50, "second")),
        ("open", 51, ("open", 51, "second")),
        ("confirmed", 90, ("confirmed", 90, "second")),
        ("confirmed", 10, ("confirmed", 50, "first")),
        ("dismissed", 69, ("dismissed", 50, "first")),
        ("dismissed", 70, ("open", 70, "second")),
    ],
)
def test_finding_is_merged(state, score, expected):
    """The strongest stays; a dismissed one is open again only when it is much stronger than what was judged."""
    row = suspicions.merged(replace(FOUND, state=state, id=7, count=5), found(score, count=2))
    assert (row.state, row.score, row.evidence) == expected
    assert (row.id, row.count, row.first_seen, row.last_seen) == (7, 7, 10, 40)


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (None, ("open", 60), True),
        (None, ("open", 59), False),
        (("open", 59), ("open", 60), True),
        (("open", 60), ("open", 99), False),
        (("dismissed", 70), ("open", 90), True),
        (("dismissed", 70), ("dismissed", 70), False),
        (("confirmed", 70), ("confirmed", 90), False),
    ],
)
def test_what_is_news(before, now, news):
    """What staff have not heard of: once, unless it comes back."""

    def row(pair):
        return None if pair is None else replace(FOUND, state=pair[0], score=pair[1])

    assert suspicions.is_news(row(before), row(now), 60) is news


class RacingStore(MemoryStore):
    """Somebody else notes the same before each of the first writes."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def replace_suspicion(self, old, new):
        """Let the other one be faster."""
        if self.times:
            self.times -= 1
            kept = result(super().suspicion_of(new.kind, new.user_id, new.info_hash))
            result(super().replace_suspicion(kept, FOUND if kept is None else suspicions.merged(kept, FOUND)))
        return super().replace_suspicion(old, new)


def test_two_trackers_note_the_same_at_once():
    """All of it is counted."""
    store = RacingStore(3)
    before, now = result(suspicions.note(SimpleNamespace(user_store=store), found(80)))
    assert (before.count, now.count, now.score, now.evidence) == (3, 4, 80, "second")


def test_store_that_never_agrees_is_given_up():
    """In words; a site may be wrong about what it keeps."""
    store = MemoryStore()
    store.replace_suspicion = lambda old, new: succeed(None)
    with pytest.raises(StoreError, match="again and again"):
        result(suspicions.note(SimpleNamespace(user_store=store), FOUND))


def test_store_that_does_not_offer_it():
    """Is said in words."""
    with pytest.raises(NotOfferedError, match="does not keep suspicions"):
        result(suspicions.note(SimpleNamespace(user_store=object()), FOUND))
