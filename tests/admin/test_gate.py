"""Who tries tokens out waits longer and longer, who asks too often is told to wait, and nobody else is slowed down."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from mika.admin import gate
from mika.admin.gate import FREE_FAILURES, LONGEST_DELAY, MOST_WAITING, Rate
from mika.admin.problems import ProblemError

USERS = "/v1/users"


def guess(admin, address="192.0.2.1", token="wrong") -> Deferred:
    """Send an unknown token; the answer may take its time."""
    return Deferred.fromCoroutine(admin.begin("GET", USERS, token=token, address=address))


def delays(admin, count: int, address="192.0.2.1") -> list[float]:
    """Send unknown tokens one after another, and return how long each waited."""
    waited = []
    for _ in range(count):
        begun = admin.clock.seconds()
        answered = guess(admin, address)
        while not answered.called:
            admin.clock.advance(0.25)
        assert answered.result.status == 401
        waited.append(admin.clock.seconds() - begun)
    return waited


def test_answers_to_unknown_tokens_wait_longer_and_longer(admin):
    """The first few do not, and none longer than the limit."""
    assert delays(admin, 10) == [0] * FREE_FAILURES + [0.25, 0.5, 1, 2, 4, LONGEST_DELAY, LONGEST_DELAY]


def test_known_token_never_waits(admin):
    """Though others try tokens out at the same address: a proxy, or a shared machine."""
    delays(admin, 8)
    pending = guess(admin)
    assert admin.send("GET", USERS).status == 200
    assert admin.send("POST", USERS, {"name": "x"}, token="reader").status == 403
    assert admin.send("GET", "/healthz", token="wrong").status == 200
    assert not pending.called


def test_no_token_is_no_guess(admin):
    """A browser that was never told one."""
    for _ in range(10):
        assert admin.send("GET", USERS, token=None).status == 401


def test_other_address_does_not_wait(admin):
    """Of IPv6 a network of 64 bits is one."""
    delays(admin, 6)
    assert delays(admin, 1, "192.0.2.2") == [0]
    delays(admin, 5, "2001:db8::1")
    assert delays(admin, 1, "2001:db8::ffff:1") == [1]
    assert delays(admin, 1, "2001:db8:0:1::1") == [0]


def test_address_is_as_good_as_new_after_a_while(admin):
    """Nobody waits for the mistakes of yesterday."""
    delays(admin, 6)
    admin.clock.advance(gate.FORGIVEN_AFTER + 1)
    assert delays(admin, 1) == [0]


def test_addresses_that_are_remembered_are_bounded(admin, monkeypatch):
    """The quietest is forgotten first."""
    monkeypatch.setattr(gate, "MOST_ADDRESSES", 2)
    delays(admin, 5, "192.0.2.1")
    delays(admin, 5, "192.0.2.2")
    delays(admin, 1, "192.0.2.3")
    assert len(admin.gate._failures) == 2
    assert delays(admin, 1, "192.0.2.1") == [0]


def test_answers_that_wait_are_bounded(admin):
    """Who comes then is told to come later, at once."""
    delays(admin, FREE_FAILURES)
    waiting = [guess(admin) for _ in range(MOST_WAITING)]
    last = guess(admin)
    assert last.result.status == 429
    assert last.result.headers["Retry-After"] == "8"
    assert not any(each.called for each in waiting)


def test_stop_lets_those_who_wait_go(admin):
    """A tracker that stops waits for its answers, and not for seconds."""
    delays(admin, 8)
    pending = guess(admin)
    admin.gate.hurry()
    assert pending.result.status == 401
    assert admin.clock.getDelayedCalls() == []


def test_more_requests_than_the_rate_are_429(make_admin):
    """With the time to wait; then it goes on."""
    admin = make_admin(rate=5)
    assert [admin.send("GET", USERS).status for _ in range(7)] == [200] * 5 + [429] * 2
    reply = admin.send("GET", USERS)
    assert (reply.headers["Retry-After"], reply.content_type) == ("1", "application/problem+json")
    assert admin.send("GET", USERS, token="reader").status == 200
    admin.clock.advance(0.2)
    assert [admin.send("GET", USERS).status for _ in range(2)] == [200, 429]
    admin.clock.advance(60)
    assert [admin.send("GET", USERS).status for _ in range(6)] == [200] * 5 + [429]


def test_requests_without_a_token_are_counted_by_address(make_admin):
    """Also where none is needed; those with one go on."""
    admin = make_admin(rate=2)
    assert [admin.send("GET", "/healthz", token=None).status for _ in range(3)] == [200, 200, 429]
    assert admin.send("GET", "/healthz").status == 200


@pytest.mark.parametrize("rate", [1, 3, 1000])
def test_even_pace_is_never_refused(rate):
    """To the request: rounding adds nothing up."""
    counter = Rate(rate)
    for number in range(5000):
        counter.count("site", 1_795_341_600 + number / rate)


def test_refused_requests_do_not_push_the_next_one_away():
    """Who goes on asking is served at the rate all the same."""
    counter, served = Rate(10), 0
    for number in range(1000):
        try:
            counter.count("site", number / 100)
            served += 1
        except ProblemError:
            pass
    assert 100 <= served <= 110
