"""What is read from state when somebody asks."""

from __future__ import annotations

from builders import make_site

from mika.counts import Traffic
from mika.figures import flow, oldest_waiting


def test_age_of_the_oldest_announce_behind_a_number():
    """None waits, one does, and the record before it is of a peer that fell silent."""
    site = make_site()
    start = site.clock.seconds()
    assert oldest_waiting(site.journal, 0, start) == 0
    site.announce()
    site.clock.advance(50)
    site.announce()
    assert oldest_waiting(site.journal, 0, start + 60) == 60
    assert oldest_waiting(site.journal, 1, start + 60) == 10
    assert oldest_waiting(site.journal, 2, start + 60) == 0
    site.swarms.drop_user(1)
    assert oldest_waiting(site.journal, 2, start + 90) == 0
    site.clock.advance(20)
    site.announce()
    assert oldest_waiting(site.journal, 2, start + 90) == 20


def test_flow_is_by_what_protocol_and_family():
    """Every combination is there, from the start."""
    traffic = Traffic()
    traffic.announces6 = 3
    found = flow({"http": traffic})
    assert len(found) == 6
    assert found["announces", "http", 6] == 3
    assert found["refused", "http", 4] == 0
