"""Publish and subscribe."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from mika.events import FLOWING, KEPT, MOST_KEPT, TYPES, Events, Subscription, unheard


@pytest.fixture
def clock():
    """Stand still until a test advances it."""
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def events(clock):
    """Nobody listens yet."""
    return Events(clock.seconds)


def subscribed(events, types=TYPES, sample=1.0, rate=100):
    """Subscribe; return what arrives, as pairs of type and fields, and the subscription."""
    taken = []
    subscription = Subscription(lambda event: taken.append((event.type, event.fields)), types, sample, rate)
    events.subscribe(subscription)
    return taken, subscription


def test_everybody_who_takes_a_type_is_told(events):
    """The others are not."""
    all_types, _ = subscribed(events)
    stores, _ = subscribed(events, ["store"])
    events.publish("store", {"ok": False})
    events.publish("user", {"id": 1})
    assert all_types == [("store", {"ok": False}), ("user", {"id": 1})]
    assert stores == [("store", {"ok": False})]


def test_who_left_is_told_no_more(events):
    """To leave twice is to leave."""
    taken, subscription = subscribed(events)
    events.unsubscribe(subscription)
    events.unsubscribe(subscription)
    events.publish("user", {"id": 1})
    assert (taken, len(events)) == ([], 0)


def test_reader_may_leave_while_it_is_told(events):
    """One that does not keep up is dropped in the middle of an event; the others still hear of it."""
    leaving = Subscription(lambda _event: events.unsubscribe(leaving), TYPES, 1, 1)
    events.subscribe(leaving)
    taken, _ = subscribed(events)
    events.publish("user", {"id": 1})
    assert taken == [("user", {"id": 1})]


def test_what_is_wanted_follows_who_listens(events):
    """The announce path asks for no more than that."""
    told = []
    events.readers_changed = lambda: told.append(events.wanted)
    _, first = subscribed(events, ["announce", "store"])
    _, second = subscribed(events, ["store", "user"])
    events.unsubscribe(first)
    events.unsubscribe(second)
    assert told == [{"announce", "store"}, {"announce", "store", "user"}, {"store", "user"}, set()]


def offered(events, count, type_="announce"):
    """Offer so many; return how many were described."""
    described = []
    for number in range(count):
        events.offer(type_, lambda number=number: described.append(number) or {"number": number})
    return described


def test_what_nobody_takes_is_not_described(events):
    """Nobody listens, or to other types only."""
    subscribed(events, ["store"])
    assert offered(events, 3) == []


@pytest.mark.parametrize(
    ("sample", "taken"), [(1, [0, 1, 2, 3, 4, 5, 6, 7]), (0.5, [1, 3, 5, 7]), (0.25, [3, 7]), (0, [])]
)
def test_share_of_announces_is_taken(events, sample, taken):
    """Evenly, and without chance."""
    subscribed(events, sample=sample)
    assert offered(events, 8) == taken


def test_no_more_than_the_rate_is_taken_in_a_second(events, clock):
    """Announces and refusals each; the next second has as many again."""
    subscribed(events, rate=2)
    assert offered(events, 5) == [0, 1]
    assert offered(events, 5, "refusal") == [0, 1]
    clock.advance(1)
    assert offered(events, 5) == [0, 1]


def test_each_reader_has_its_own_rate(events):
    """One is described once for both."""
    slow, _ = subscribed(events, rate=1)
    quick, _ = subscribed(events, rate=3)
    assert offered(events, 5) == [0, 1, 2]
    assert (len(slow), len(quick)) == (1, 3)


def test_events_that_were_missed_are_kept(events):
    """Those of the types that matter later, behind the id that was seen last."""
    seen = []
    events.subscribe(Subscription(seen.append, TYPES, 1, 1))
    events.publish("user", {"id": 1})
    last = events.identify(seen[0])
    events.publish("flush", {"rows": 3})
    events.publish("user", {"id": 2})
    events.publish("store", {"ok": True})
    assert [event.fields for event in events.after(last, ["user", "flush"])] == [{"id": 2}]
    assert events.after(events.identify(seen[-1]), TYPES) == []


@pytest.mark.parametrize("identity", ["", "3e7-1", "nonsense", "3e8-", "3e8-x", "3e8-²", "3e8-" + "9" * 30])
def test_id_that_is_not_of_this_run_gets_all_that_is_kept(events, identity):
    """Numbers begin anew with each start."""
    events.publish("user", {"id": 1})
    assert [event.fields for event in events.after(identity, TYPES)] == [{"id": 1}]


def test_no_more_than_so_many_are_kept(events):
    """The oldest go first."""
    for number in range(MOST_KEPT + 5):
        events.publish("user", {"id": number})
    kept = events.after("", TYPES)
    assert (len(kept), kept[0].fields) == (MOST_KEPT, {"id": 5})


def test_types_are_of_one_kind():
    """What flows is not kept, and all are known."""
    assert not FLOWING & KEPT
    assert (FLOWING | KEPT).issubset(TYPES)


def test_publishing_to_nobody_is_no_fault():
    """Directory and stores do, in a tracker without an API."""
    unheard("user", {"id": 1})
