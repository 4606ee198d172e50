"""The tracker is killed under load, again and again, and nobody gains or loses a byte; `make torture` takes longer.

Batches are written every 50 ms here, so that kills fall into every step of them.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from functional.crowd import Crowd
from functional.places import PLACES

KILLS = int(os.environ.get("KILLS", "25"))
"""How often the tracker is killed, for each kind of store."""

QUICK = {"MIKA_FLUSH__INTERVAL": "50ms", "MIKA_FLUSH__PEERS_INTERVAL": "150ms", "MIKA_FLUSH__BATCH": "40"}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_kills_cost_nobody_a_byte(tmp_path, place):
    """After each kill the accounts are what was answered; in the end they are what every client says."""
    chance = random.Random(KILLS)
    with place() as store:
        tracker = store.tracker(tmp_path, **QUICK)
        try:
            tracker.start()
            crowd = Crowd(tracker)
            crowd.begin()
            for _ in range(KILLS):
                before = crowd.answers
                time.sleep(chance.uniform(0.0, 0.5))
                while crowd.answers < before + 60:
                    time.sleep(0.005)
                tracker.kill()
                crowd.pause()
                tracker.start()
                crowd.check(sure=False)
                crowd.go_on()
            crowd.end()
            crowd.check(sure=True)
            tracker.restart()
            crowd.check(sure=True)
        finally:
            tracker.stop()
    assert crowd.answers > 60 * KILLS
    tracker.check_log()
