"""What was seeded and never downloaded here, as a table of what is kept of a user and a torrent."""

from __future__ import annotations

from typing import Any

import pytest

from mika.model import History, Torrent, Totals
from mika.suspicion.never_had import FIRST, judge_never_had

MIB = 1 << 20
HASH = b"\1" * 20
ADDED = 1_800_000_000


def judged(beside: str = "", *, size: int = 4000, completers: tuple[int, ...] = (), **row: Any) -> Any:
    """Judge a row of a user who uploaded half of a torrent; sizes are MiB."""
    given = {"up": 2000, "down": 0, "first": FIRST, "completed": 0} | row
    totals = Totals(uploaded_real=given["up"] * MIB, downloaded_real=given["down"] * MIB)
    kept = History(7, HASH, totals, 0, ADDED + given["first"], 0, given["completed"])
    return judge_never_had(kept, Torrent(HASH, size=size * MIB, created_at=ADDED, completers=set(completers)), beside)


@pytest.mark.parametrize(
    ("row", "score"),
    [
        ({}, 30),
        ({"up": 4000}, 45),
        ({"up": 399}, None),
        ({"size": 100, "up": 255}, None),
        ({"size": 100, "up": 256}, 45),
        ({"beside": "client"}, 55),
        ({"beside": "client, counters", "up": 9000}, 70),
        ({"size": 0}, None),
        ({"down": 399}, 30),
        ({"down": 400}, None),
        ({"completed": 5}, None),
        ({"completers": (7,)}, None),
        ({"completers": (8,)}, 30),
        ({"first": FIRST - 1}, None),
    ],
)
def test_data_that_came_from_elsewhere(row, score):
    """Below the threshold, unless there is something else; never for who downloaded, or seeded from the first day."""
    found = judged(**row)
    assert (found and found.score) == score


def test_without_a_history_nothing_is_known():
    """A site may keep none."""
    assert judge_never_had(None, Torrent(HASH, size=MIB), "") is None


def test_evidence_has_the_figures():
    """And what else there is."""
    found = judged("client", down=3)
    assert (found.kind, found.user_id, found.info_hash) == ("never_had", 7, HASH)
    assert found.evidence == (
        "Uploaded 2.0 GiB of a torrent of 3.9 GiB that was never downloaded here (3.0 MiB), nor seeded in its first "
        "day: data from elsewhere, or none; see also client."
    )
