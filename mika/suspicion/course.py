"""Counters as no client has them: what one peer says announce after announce, and the marks of what is made up.

`windows.py` keeps a course for each peer that transfers, as long as it keeps the window of the torrent.
"""

from __future__ import annotations

from mika.suspicion.finding import Finding, written
from mika.suspicion.sighting import Sighting

KIND = "counters"

LEAST = 64 << 20
"""Bytes that were moved between two announces, below which they say nothing."""

UNKNOWN = 2**63
"""What is left of a peer that does not know is at least this."""

FALLS = 4
"""Announces in which less is missing, with nothing downloaded, from which on no check of the files explains it."""

TORRENTS = 4
"""Torrents within three days that were taken so, from which on it is no accident."""

UNTOLD = 10
"""One part in so many of what is no longer missing, below which it was not said to be downloaded."""

PROPORTIONAL = 6
"""Announces in a row whose upload is in one proportion to the download, from which on it is no accident."""

BLOCK = 16 << 10
"""Bytes to which counters are rounded, by clients and by programs that make them up."""

CONSTANT = 12
"""Announces in a row with one speed, from which on it is a mark: 6 hours at the usual interval."""

CLOSE = 0.0005
"""Part of a speed by which it may differ and is the same; and a second at either end, as times are whole seconds."""


class Band:
    """Figures that stay close together: how many in a row, and between which two."""

    __slots__ = ("count", "high", "low")

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = 0.0

    def add(self, value: float, tolerance: float) -> int:
        """Take in a figure; answer how many in a row are no further apart than this part of the least of them."""
        low, high = min(self.low, value), max(self.high, value)
        if not self.count or high - low > tolerance * low:
            self.count, low, high = 0, value, value
        self.count += 1
        self.low, self.high = low, high
        return self.count


class Course:
    """What a peer said so far, as far as it is a mark of anything."""

    __slots__ = ("falls", "fell", "hidden", "pace", "said", "share")

    def __init__(self) -> None:
        self.falls = 0
        self.hidden = 0
        """What is missing fell by, in the latest announce, with nothing downloaded."""
        self.fell = self.said = 0
        self.share = Band()
        self.pace = Band()

    def add(self, sighting: Sighting, before: Seen, size: int) -> Finding | None:
        """Take in an announce and what the peer said in the one before; `size` is the torrent's, 0 if not known."""
        found = self._missing(sighting, before, size)
        if sighting.uploaded >= LEAST:
            self._move(sighting, before)
            found = found or self._judge_share(sighting)
        return found

    def is_constant(self) -> bool:
        """Say whether the peer uploads with one speed, hour after hour."""
        return self.pace.count >= CONSTANT

    def _missing(self, sighting: Sighting, before: Seen, size: int) -> Finding | None:
        """Judge whether less and less is missing, and nothing was downloaded."""
        fell = before.left - sighting.left if before.left < UNKNOWN else 0
        self.said += sighting.downloaded
        self.hidden = 0
        if fell <= 0:
            return None
        self.fell += fell
        if fell < LEAST or sighting.downloaded * UNTOLD >= fell:
            return None
        self.falls += 1
        self.hidden = fell
        if self.falls < FALLS or self.said * UNTOLD >= self.fell:
            return None
        score = min(95, 65 + 30 * self.fell // max(size, self.fell))
        evidence = (
            f"What is missing fell by {written(self.fell)} in {self.falls} announces of one client, in which it said "
            f"to have downloaded {written(self.said)}: what a client writes that hides its downloads."
        )
        return Finding(KIND, sighting.user_id, sighting.info_hash, score, evidence)

    def _move(self, sighting: Sighting, before: Seen) -> None:
        """Compare with the announces before: in which proportion, and how fast."""
        if sighting.downloaded >= LEAST:
            self.share.add(sighting.uploaded / sighting.downloaded, 4 * BLOCK / sighting.uploaded)
        else:
            self.share.count = 0
        seconds = max(1, sighting.seen - before.at)
        self.pace.add(sighting.uploaded / seconds, CLOSE + 2 / seconds)

    def _judge_share(self, sighting: Sighting) -> Finding | None:
        if self.share.count < PROPORTIONAL:
            return None
        score = min(95, 75 + 2 * (self.share.count - PROPORTIONAL))
        evidence = (
            f"In {self.share.count} announces one after another uploaded {self.share.low:.4f} to "
            f"{self.share.high:.4f} times what it downloaded meanwhile, always the same: other clients take what they "
            "need, a program that makes the upload up from the download writes this."
        )
        return Finding(KIND, sighting.user_id, sighting.info_hash, score, evidence)


class Seen:
    """When a peer announced last, what was left and all had received then, and its course, once it moved something."""

    __slots__ = ("at", "course", "left", "received")

    def __init__(self, at: int, left: int, received: int = 0) -> None:
        self.at = at
        self.left = left
        self.received = received
        self.course: Course | None = None


class _Hidden:
    """What a user took without saying so: bytes, in how many announces, in which torrents."""

    __slots__ = ("fell", "since", "times", "torrents")

    def __init__(self, since: int) -> None:
        self.since = since
        self.fell = self.times = 0
        self.torrents: set[bytes] = set()


class Takings:
    """Who takes torrents without saying so: one after another, where each is too quick to be judged by itself."""

    def __init__(self) -> None:
        self._of_user: dict[int, _Hidden] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._of_user.clear()

    def close(self, before: int) -> None:
        """Forget who began before a time."""
        for user_id in [each for each, mine in self._of_user.items() if mine.since < before]:
            del self._of_user[user_id]

    def judge(self, sighting: Sighting, fell: int) -> Finding | None:
        """Judge an announce in which less was missing, and nothing downloaded."""
        mine = self._of_user.setdefault(sighting.user_id, _Hidden(sighting.seen))
        mine.fell += fell
        mine.times += 1
        mine.torrents.add(sighting.info_hash)
        if len(mine.torrents) < TORRENTS:
            return None
        score = min(85, 60 + 5 * (len(mine.torrents) - TORRENTS))
        evidence = (
            f"What is missing fell by {written(mine.fell)} in {mine.times} announces in {len(mine.torrents)} torrents, "
            "in which next to nothing was said to have been downloaded: what a client writes that hides its downloads, "
            "or one that checks files which were brought from elsewhere."
        )
        return Finding(KIND, sighting.user_id, b"", score, evidence)


class Paces:
    """Who uploads with one speed, hour after hour, in how many torrents at once."""

    def __init__(self) -> None:
        self._of_user: dict[int, dict[bytes, int]] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._of_user.clear()

    def close(self, before: int) -> None:
        """Forget what was seen before a time."""
        for user_id in list(self._of_user):
            kept = {each: seen for each, seen in self._of_user[user_id].items() if seen >= before}
            if kept:
                self._of_user[user_id] = kept
            else:
                del self._of_user[user_id]

    def judge(self, sighting: Sighting, course: Course) -> Finding:
        """Judge an announce of a peer whose course is constant: one torrent is a full line, several are not."""
        mine = self._of_user.setdefault(sighting.user_id, {})
        mine[sighting.info_hash] = sighting.seen
        pace = course.pace
        evidence = (
            f"In {pace.count} announces one after another uploaded with {written(pace.low)} to {written(pace.high)} a "
            f"second, always the same, in {len(mine)} torrents at once: a full line can do so in one torrent, and "
            "shares itself unevenly among several."
        )
        score = 45 if len(mine) == 1 else min(90, 65 + 5 * (len(mine) - 1))
        return Finding(KIND, sighting.user_id, sighting.info_hash, score, evidence)
