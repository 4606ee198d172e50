"""Once users and torrents are known, announces read nothing: counted by the server's own statistics."""

from __future__ import annotations

import time

import pytest
from functional.crowd import Crowd
from functional.places import SERVERS

QUIET = {"MIKA_FLUSH__INTERVAL": "1h", "MIKA_FLUSH__PEERS_INTERVAL": "1h", "MIKA_STORES__POLL_INTERVAL": "1h"}
"""Nothing but announces asks the store for anything."""


@pytest.mark.parametrize("place", SERVERS.values(), ids=SERVERS)
def test_warm_announces_read_nothing(tmp_path, place):
    """A thousand announces, and more, with stops and completions among them."""
    with place() as store:
        tracker = store.tracker(tmp_path, **QUIET)
        try:
            tracker.start()
            crowd = Crowd(tracker, users=30)
            tracker.restart()
            time.sleep(store.settled)
            before = store.reads()
            crowd.begin()
            while min(member.answers for member in crowd.members) < 2:
                time.sleep(0.02)
            crowd.pause()
            time.sleep(store.settled)
            warm, answers = store.reads(), crowd.answers
            assert warm > before
            crowd.go_on()
            while crowd.answers < answers + 1000:
                time.sleep(0.02)
            crowd.pause()
            time.sleep(store.settled)
            assert store.reads() == warm
            crowd.end()
        finally:
            tracker.stop()
    tracker.check_log()
