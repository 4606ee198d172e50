"""The tracker is killed under load, again and again, and nobody gains or loses a byte; `make torture` takes longer.

Batches are written every 50 ms here, so that kills fall into every step of them.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from functional.books import Giver, check_books
from functional.crowd import Crowd
from functional.places import PLACES

KILLS = int(os.environ.get("KILLS", "25"))
"""How often the tracker is killed, for each kind of store."""

QUICK = {"MIKA_FLUSH__INTERVAL": "50ms", "MIKA_FLUSH__PEERS_INTERVAL": "150ms", "MIKA_FLUSH__BATCH": "40"}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_kills_cost_nobody_a_byte(tmp_path, place):
    """After each kill the accounts are what was answered; in the end they are what every client says.

    So it is with what was given and spent, with tokens, and with what each user did with each torrent.
    """
    chance = random.Random(KILLS)
    with place() as store:
        tracker = store.tracker(tmp_path, **QUICK)
        try:
            tracker.start()
            crowd = Crowd(tracker)
            giver = Giver(tracker, crowd.members[7].user_id, crowd.members[8].info_hash)
            crowd.begin()
            giver.begin()
            for _ in range(KILLS):
                before = crowd.answers
                time.sleep(chance.uniform(0.0, 0.5))
                while crowd.answers < before + 60:
                    time.sleep(0.005)
                tracker.kill()
                crowd.pause()
                tracker.start()
                crowd.check(sure=False)
                check_books(crowd, giver, few=True)
                crowd.go_on()
            crowd.end()
            giver.end()
            crowd.check(sure=True)
            check_books(crowd, giver, few=False)
            tracker.restart()
            crowd.check(sure=True)
            check_books(crowd, giver, few=False)
        finally:
            tracker.stop()
    assert crowd.answers > 60 * KILLS
    assert giver.broken
    tracker.check_log()
