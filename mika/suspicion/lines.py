"""More than a line carries, over all torrents of a user together; `windows.py` tells it of every upload."""

from __future__ import annotations

from collections.abc import Callable

from mika.suspicion.finding import Finding, written
from mika.suspicion.sighting import Sighting
from mika.suspicion.speed import KIND, SLACK

LONGEST = 2 * 3600
"""Seconds over which uploads are added up."""

PAUSE = 60
"""Seconds after a look at where a user is, before the next one: it goes through all their torrents."""


class _Line:
    """What a user uploaded since `opened`: only what was said to have begun after it."""

    __slots__ = ("lines", "looked", "opened", "size", "torrents")

    def __init__(self, opened: int) -> None:
        self.opened = opened
        self.lines = 1
        self.looked = opened - PAUSE
        self.size = 0
        self.torrents: set[bytes] = set()


class Lines:
    """What each user uploads in all torrents. `lines_of` answers at how many addresses a user is now."""

    def __init__(self, lines_of: Callable[[int], int]) -> None:
        self._lines_of = lines_of
        self._of_user: dict[int, _Line] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._of_user.clear()

    def close(self, before: int) -> None:
        """Forget what began before a time."""
        for user_id in [each for each, line in self._of_user.items() if line.opened < before]:
            del self._of_user[user_id]

    def add(self, sighting: Sighting, since: int, fastest: int) -> Finding | None:
        """Take in what was uploaded since the announce before, `fastest` is bytes a second of one line."""
        line = self._of_user.get(sighting.user_id)
        if line is None or sighting.seen - line.opened > LONGEST:
            line = self._of_user[sighting.user_id] = _Line(since)
        if since < line.opened:
            return None  # some of it may have been before
        line.size += sighting.uploaded
        line.torrents.add(sighting.info_hash)
        seconds = max(0, sighting.seen - line.opened)
        most = fastest * (seconds + SLACK)
        if line.size <= most or len(line.torrents) == 1:
            return None  # of a single torrent, `judge_speed` says more
        if sighting.seen - line.looked >= PAUSE:
            line.looked = sighting.seen
            line.lines = max(1, self._lines_of(sighting.user_id))
        lines = line.lines
        if line.size <= most * lines:
            return None
        score = min(100, 60 + 10 * line.size // (most * lines))
        evidence = (
            f"Uploaded {written(line.size)} in {len(line.torrents)} torrents together within {seconds} s, from {lines} "
            f"addresses; at {written(fastest)} a second each, the fastest that is believed, {written(most * lines)} "
            "would have been possible."
        )
        return Finding(KIND, sighting.user_id, b"", score, evidence)
