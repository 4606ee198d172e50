"""Many that are not in memory: page after page while that is worthwhile, and no more."""

from __future__ import annotations

from builders import result
from twisted.internet.defer import succeed

from mika.changes import Changes
from mika.finding import PAGE, WORTHWHILE, find_in_pages


def found(there, wanted):
    """Return what is remembered, and from where on pages were asked for."""
    asked, remembered = [], []

    def ask(first, limit):
        asked.append(first)
        return succeed([each for each in sorted(there) if each >= first][:limit])

    result(find_in_pages(Changes(), wanted, ask, lambda each: each, remembered.append))
    return remembered, asked


def test_wanted_are_found_and_others_are_not_remembered():
    """A page begins with the first that is wanted, and the next with the first behind it."""
    there = range(1, 5 * PAGE)
    wanted = [*range(10, 10 + 2 * PAGE, 2), *range(4 * PAGE, 4 * PAGE + 100)]
    assert found(there, list(reversed(wanted))) == (wanted, [10, 10 + PAGE, 4 * PAGE])


def test_few_are_not_looked_for():
    """Each of them is better asked for alone."""
    assert found(range(100), list(range(WORTHWHILE - 1))) == ([], [])


def test_few_among_many_are_looked_for_once():
    """A page that brings hardly any is the last."""
    wanted = [each * PAGE for each in range(1, 30)]
    assert found(range(40 * PAGE), wanted) == ([PAGE], [PAGE])


def test_end_of_the_list_is_the_end():
    """Those behind it are nowhere."""
    assert found(range(50), list(range(20, 200))) == (list(range(20, 50)), [20, 50])
