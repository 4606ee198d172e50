"""A database is stopped for a minute under load: members notice nothing, and afterwards it has every byte."""

from __future__ import annotations

import time

import pytest
from functional.crowd import Crowd
from functional.places import SERVERS
from functional.tracker_process import wait_until
from prometheus_client.parser import text_string_to_metric_families

OUTAGE = 60
"""Seconds."""

KINDS = ("users", "torrents", "peers")
LOGGED = (*KINDS, "history")
MEMORY = 32 << 20
"""How much more memory the tracker may have after it than before: the journal is on the disk."""


def metrics(tracker):
    """Return what Prometheus reads, by name and kind."""
    families = text_string_to_metric_families(tracker.metrics())
    return {(each.name, each.labels.get("kind")): each.value for family in families for each in family.samples}


@pytest.mark.parametrize("place", SERVERS.values(), ids=SERVERS)
def test_outage_costs_nobody_anything(tmp_path, place):
    """No announce fails, no line repeats, the figures say what is going on, and the accounts are exact."""
    with place() as store:
        tracker = store.tracker(tmp_path, MIKA_FLUSH__PEERS_INTERVAL="2s")
        try:
            tracker.start()
            crowd = Crowd(tracker)
            crowd.begin()
            while crowd.answers < 2000:
                time.sleep(0.05)
            crowd.pause()
            crowd.check(sure=True)
            crowd.go_on()
            memory, begun = tracker.memory(), len(tracker.log)
            store.stop()
            time.sleep(OUTAGE)
            during = metrics(tracker)
            store.start()
            wait_until(
                "every store takes batches again",
                lambda: all(metrics(tracker)["mika_store_up", kind] for kind in KINDS),
                patience=120,
            )
            crowd.end()
            wait_until(
                "nothing waits",
                lambda: not any(metrics(tracker)["mika_store_waiting_announces", kind] for kind in KINDS),
            )
            crowd.check(sure=True)
            assert tracker.memory() - memory < MEMORY
            check_log(tracker.log[begun:])
            tracker.restart()
            crowd.check(sure=True)
        finally:
            tracker.stop()
    assert crowd.broken == 0
    for kind in KINDS:
        assert during["mika_store_up", kind] == 0
        assert during["mika_store_waiting_announces", kind] > 1000
    assert during["mika_journal_on_disk", None] == 1
    tracker.check_log()


def check_log(log):
    """Assert that an outage is told once when it begins and once when it ends, for each kind."""
    for kind in LOGGED:
        assert log.count(f"the {kind} store cannot be written to") == 1, log
        assert log.count(f"the {kind} store is written to again") == 1, log
    assert len([line for line in log.splitlines() if "store" in line]) == 2 * len(LOGGED), log
