"""Clients that begin again and again without an end: `started` at each announce, with counters that grow.

A client whose first announce was not answered says it again; one that was stopped begins with counters of 0.
"""

from __future__ import annotations

from mika.suspicion.course import KIND
from mika.suspicion.finding import Finding, written
from mika.wire.request import AnnounceRequest

APART = 600
"""Seconds between two beginnings: a client that had no answer, or has two addresses, says it sooner again."""

TIMES = 5
"""Beginnings of one session from which on no lost answer explains it."""

MOST = 20_000
"""Sessions that are remembered."""


class Restarts:
    """Counts how often each session began, and grew meanwhile."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[int, bytes, bytes], tuple[int, int, int]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, user_id: int, request: AnnounceRequest, now: int) -> Finding | None:
        """Judge an announce with `started`."""
        session = user_id, request.info_hash, request.peer_id
        times, seen, uploaded = self._sessions.pop(session, (0, 0, -1))
        if times and now - seen < APART:
            self._sessions[session] = times, seen, uploaded
            return None
        times = times + 1 if request.uploaded > uploaded else 1
        self._sessions[session] = times, now, request.uploaded  # the latest are last
        if len(self._sessions) > MOST:
            del self._sessions[next(iter(self._sessions))]
        if times < TIMES:
            return None
        score = min(95, 70 + 3 * (times - TIMES))
        evidence = (
            f"One session said {times} times that it began, {APART // 60} minutes apart or more, and had uploaded more "
            f"each time, {written(request.uploaded)} in the end: a client begins once, with nothing."
        )
        return Finding(KIND, user_id, request.info_hash, score, evidence)

    def stopped(self, user_id: int, info_hash: bytes, peer_id: bytes) -> None:
        """Hear that a session ended: what comes then is another one."""
        self._sessions.pop((user_id, info_hash, peer_id), None)
