"""The torrents in which something moves, and what is found in them; bounded in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from mika.suspicion.away import Away
from mika.suspicion.course import Course, Paces, Seen, Takings
from mika.suspicion.finding import Finding
from mika.suspicion.lines import Lines
from mika.suspicion.sighting import Sighting
from mika.suspicion.speed import judge_speed
from mika.suspicion.uploads import Uploads
from mika.suspicion.window import Window

IDLE = 2 * 3600
"""Seconds after which a torrent in which nothing moves is forgotten."""

LONGEST = 24 * 3600
"""Seconds after which a window is closed and another begun, if anything was received in it."""

QUIETEST = 3 * LONGEST
"""Seconds after which it is closed in any case."""

MOST_CLAIMS = 1000
"""Uploads of which it is not yet known where the data came from."""

MOST = 100_000
"""Peers that are remembered, in all windows together: some 30 MB."""

Left = Callable[[bytes, tuple[int, bytes], int, int], int]
"""What is left of all peers of a torrent but one, if seen since a time, and not since another: `left.py`."""

REACH = 24 * 3600
"""How long before an upload who fell silent or stopped may have been seen last, and receive all the same."""

DELAY = 60
"""Seconds that an announce may be under way: who announced so much later has told what they received."""


class Windows:
    """Takes sightings, and yields what is found."""

    def __init__(
        self, left: Left, size: Callable[[bytes], int], lines_of: Callable[[int], int] = lambda _user_id: 1
    ) -> None:
        """`size` is that of a torrent, 0 if it is not known; `lines_of` says at how many addresses a user is."""
        self._left = left
        self._size = size
        self._open: dict[bytes, Window] = {}
        self._peers = 0
        self._begun = 0
        self._lines = Lines(lines_of)
        self._paces = Paces()
        self._takings = Takings()
        self._away = Away()
        self.claims: deque[tuple[int, bytes]] = deque(maxlen=MOST_CLAIMS)
        """Who uploads much of which torrent and was not seen to download it, by user id and info hash."""
        self.overflows = 0
        """How often there was too much to remember."""

    def __len__(self) -> int:
        return len(self._open)

    def forget(self) -> None:
        """Begin anew: something was missed, or there is too much to remember."""
        self._open.clear()
        self._peers = self._begun = 0
        self._lines.forget()
        self._paces.forget()
        self._takings.forget()
        self._away.forget()

    def take(self, sighting: Sighting, fastest: int) -> list[Finding]:
        """Look at one; `fastest` is in bytes a second, 0: any speed is believed."""
        found: list[Finding] = []
        info_hash = sighting.info_hash
        window, before_it = self._open.get(info_hash), IDLE
        if window is not None and sighting.seen - window.opened > (LONGEST if window.received else QUIETEST):
            found.extend(self._close(info_hash))
            window, before_it = None, 0
        if window is None:
            self._begun = self._begun or sighting.seen
            if not (sighting.left or sighting.uploaded or sighting.downloaded):
                return found  # an idle seeder, as nearly all are
            since = max(self._begun, sighting.seen - before_it)
            window = self._open[info_hash] = Window(sighting.seen, since)
        size = self._size(info_hash)
        before = window.before(sighting)
        if before is not None and sighting.announced:
            self._alone(sighting, before, size, fastest, found)
        self._balance(window, sighting, before, size, found)
        if self._peers > MOST:
            self.overflows += 1
            self.forget()
        return found

    def _alone(self, sighting: Sighting, before: Seen, size: int, fastest: int, found: list[Finding]) -> None:
        """Judge an announce by what its own user said before."""
        if fastest and sighting.uploaded:
            _keep(judge_speed(sighting, before.at, fastest), found)
            _keep(self._lines.add(sighting, before.at, fastest), found)
        if sighting.uploaded or sighting.downloaded or sighting.left < before.left:
            course = before.course
            if course is None:
                course = before.course = Course()
            _keep(course.add(sighting, before, size), found)
            if course.hidden:
                _keep(self._takings.judge(sighting, course.hidden), found)
            if course.is_constant():
                found.append(self._paces.judge(sighting, course))

    def _balance(
        self, window: Window, sighting: Sighting, before: Seen | None, size: int, found: list[Finding]
    ) -> None:
        self._judge(window, sighting, size, found)  # what they said before: since then nearly all others have told
        if before is None and sighting.announced:
            window.received += self._away.back(sighting)
        if sighting.gone and sighting.announced:
            self._away.stopped(sighting)
        known = len(window.seen)
        window.add(sighting, before)
        self._peers += len(window.seen) - known
        if sighting.uploaded:
            self._judge(window, sighting, size, found)
        if sighting.uploaded and window.is_claim(sighting, size):
            self.claims.append((sighting.user_id, sighting.info_hash))

    def _judge(self, window: Window, sighting: Sighting, size: int, found: list[Finding]) -> None:
        uploads = window.due(sighting, size)
        if uploads is not None:
            about = sighting.user_id, sighting.info_hash
            left = self._left_of_others(*about, sighting.peer_id, uploads)
            _keep(window.judge(*about, size, left), found)

    def close_idle(self, now: int) -> Iterator[Finding]:
        """Forget the torrents in which nothing moves any more; a last look comes first, as what was untold is told."""
        for info_hash, window in list(self._open.items()):
            if now - window.moved > IDLE:
                yield from self._close(info_hash)
            elif now - window.flowed > IDLE:
                yield from self._look(info_hash, window)
        self._lines.close(now - LONGEST)
        self._paces.close(now - IDLE)
        self._takings.close(now - QUIETEST)
        self._away.close(now - QUIETEST - REACH)

    def _close(self, info_hash: bytes) -> Iterator[Finding]:
        window = self._open.pop(info_hash)
        self._peers -= len(window.seen)
        yield from self._look(info_hash, window)

    def _look(self, info_hash: bytes, window: Window) -> Iterator[Finding]:
        """Judge everybody in a torrent, once after each time that something flowed."""
        if window.settled:
            return
        window.settled = True
        size = self._size(info_hash)
        for user_id, uploads in window.odd(size):
            left = self._left_of_others(user_id, info_hash, b"", uploads)
            found = window.judge(user_id, info_hash, size, left)
            if found is not None:
                yield found

    def _left_of_others(self, user_id: int, info_hash: bytes, peer_id: bytes, uploads: Uploads) -> int:
        """Return what others may have received of an upload without having told since."""
        times = uploads.begun - REACH, uploads.told + DELAY
        return self._left(info_hash, (user_id, peer_id), *times) + self._away.left(info_hash, user_id, *times)


def _keep(judged: Finding | None, found: list[Finding]) -> None:
    if judged is not None:
        found.append(judged)
