"""Faster than possible: more uploaded between two announces than any line could have carried."""

from __future__ import annotations

from mika.suspicion.finding import Finding, written
from mika.suspicion.sighting import Sighting

KIND = "too_fast"

SLACK = 10
"""Seconds that are given: clients round, and an announce may have been under way for a while."""


def judge_speed(sighting: Sighting, since: int, fastest: int) -> Finding | None:
    """Judge one announce: `since` is when the peer announced before, `fastest` bytes a second."""
    seconds = max(0, sighting.seen - since)
    most = fastest * (seconds + SLACK)
    if sighting.uploaded <= most:
        return None
    score = min(100, 60 + 10 * sighting.uploaded // most)
    return Finding(
        KIND,
        sighting.user_id,
        sighting.info_hash,
        score,
        f"Uploaded {written(sighting.uploaded)} within {seconds} s of its last announce; at {written(fastest)} a "
        f"second, the fastest that is believed, {written(most)} would have been possible.",
    )
