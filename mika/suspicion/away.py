"""Who stopped in the middle of a download: their client may go on with peers it knows while the tracker is away."""

from __future__ import annotations

from mika.suspicion.course import UNKNOWN
from mika.suspicion.sighting import Sighting

MOST = 20_000
"""Torrents of which it is remembered."""


class Away:
    """What was left of each user who stopped and is not back, by torrent, and when they stopped."""

    def __init__(self) -> None:
        self._of_torrent: dict[bytes, dict[int, tuple[int, int]]] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._of_torrent.clear()

    def close(self, before: int) -> None:
        """Forget who stopped before a time."""
        for info_hash, users in list(self._of_torrent.items()):
            kept = {user_id: each for user_id, each in users.items() if each[1] >= before}
            if kept:
                self._of_torrent[info_hash] = kept
            else:
                del self._of_torrent[info_hash]

    def stopped(self, sighting: Sighting) -> None:
        """Remember a leecher who stops."""
        if sighting.downloaded and 0 < sighting.left < UNKNOWN:
            users = self._of_torrent.setdefault(sighting.info_hash, {})
            users[sighting.user_id] = sighting.left, sighting.seen
            if len(self._of_torrent) > MOST:
                del self._of_torrent[next(iter(self._of_torrent))]

    def back(self, sighting: Sighting) -> int:
        """Return how much less is left of a user who is back: they received it without telling."""
        users = self._of_torrent.get(sighting.info_hash)
        left, _ = (0, 0) if users is None else users.pop(sighting.user_id, (0, 0))
        return max(0, left - sighting.left)

    def left(self, info_hash: bytes, user_id: int, since: int, until: int) -> int:
        """Return what is left of all but one user who stopped between two times."""
        users = self._of_torrent.get(info_hash, {})
        return sum(left for each, (left, seen) in users.items() if each != user_id and since <= seen <= until)
