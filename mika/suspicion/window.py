"""One torrent while something moves in it: who uploaded how much, and how much others can have received at most.

What somebody uploads, somebody receives. All that anybody can have received is what peers said they downloaded, what
is left of those who have not said so yet, and what newcomers had downloaded before their first announce. Who alone
says to have uploaded more than that did not: whatever everybody else did.
"""

from __future__ import annotations

from mika.suspicion.course import UNKNOWN, Seen
from mika.suspicion.finding import Finding, written
from mika.suspicion.sighting import Sighting

UNRECEIVED = "unreceived"
UNBALANCED = "unbalanced"

LEAST = 64 << 20
"""Bytes below which nothing is judged."""

SHARE = 20
"""One part in so many of a torrent's size, and of what was received, may be lost or sent twice: 5 %."""

CLAIM = 256 << 20
"""Bytes of upload from which on it is asked where the data came from, or a tenth of the torrent if that is more."""

TIMES = 3
"""Announces with upload from which on it is no single accident."""

PAUSE = 60
"""Seconds after a look at a user's uploads, before the next one: it goes through the swarm, and the unread records."""


class _Uploads:
    """What one user uploaded: bytes, and in how many announces."""

    __slots__ = ("claimed", "judged", "size", "times")

    def __init__(self) -> None:
        self.size = 0
        self.times = 0
        self.judged = 0
        self.claimed = False
        """Whether it was asked already if they ever had what they upload."""


class Window:
    """What was seen of one torrent since `opened`; `moved` is when something moved last, or a leecher was there.

    `flowed` is when something moved last, whoever was there; `settled`: everybody was judged after that.

    Only what a peer did since an announce in this very window is counted as its upload, and all that anybody received.
    """

    __slots__ = ("flowed", "moved", "opened", "pending", "received", "seen", "settled", "uploads")

    def __init__(self, opened: int) -> None:
        self.opened = self.moved = self.flowed = opened
        self.settled = False
        self.seen: dict[tuple[int, bytes], Seen] = {}
        self.uploads: dict[int, _Uploads] = {}
        self.received = 0
        self.pending = 0
        """What may have been received without being counted: by newcomers before, by the dropped after."""

    def before(self, sighting: Sighting) -> Seen | None:
        """Return what this peer said before in this window, None if it did not."""
        return self.seen.get((sighting.user_id, sighting.peer_id))

    def add(self, sighting: Sighting, before: Seen | None, size: int) -> bool:
        """Take in an announce, a stop or a silence, and say whether its user's uploads are to be judged now.

        `before` is what `before` returned, and is brought up to date; `size` is the torrent's. Few are to be judged:
        only then it need be known what is left of others.
        """
        uploaded, left, seen = sighting.uploaded, sighting.left, sighting.seen
        if not sighting.announced:
            if sighting.gone and left < UNKNOWN:
                self.pending += left
            return False
        flows = uploaded or sighting.downloaded
        if (left or flows) and seen > self.moved:
            self.moved = seen
        if flows:
            self.flowed, self.settled = self.moved, False
        self._receive(sighting, before)
        if sighting.gone:
            self.seen.pop((sighting.user_id, sighting.peer_id), None)
        elif before is None:
            self.seen[sighting.user_id, sighting.peer_id] = Seen(seen, left)
        else:
            before.at, before.left = seen, left
        if before is None or not uploaded:
            return False
        uploads = self.uploads.get(sighting.user_id)
        if uploads is None:
            uploads = self.uploads[sighting.user_id] = _Uploads()
        uploads.size += uploaded
        uploads.times += 1
        if seen - uploads.judged < PAUSE or not self._is_odd(uploads, size):
            return False
        uploads.judged = seen
        return True

    def odd(self, size: int) -> list[int]:
        """Return whose uploads are to be judged when nothing flows any more: few large ones, too."""
        return [
            user_id
            for user_id, uploads in self.uploads.items()
            if self._is_odd(uploads, size) or self._excess(uploads, size, 0) > max(CLAIM, size)
        ]

    def _is_odd(self, uploads: _Uploads, size: int) -> bool:
        return uploads.times >= TIMES and self._excess(uploads, size, 0) > LEAST

    def is_claim(self, sighting: Sighting, size: int) -> bool:
        """Say, once, that a user uploaded so much of what they are not seen to download that they must have had it."""
        uploads = self.uploads.get(sighting.user_id)
        if uploads is None or uploads.claimed or sighting.left or uploads.size < max(CLAIM, size // 10):
            return False
        uploads.claimed = True
        return True

    def _receive(self, sighting: Sighting, before: Seen | None) -> None:
        """Count what this peer can have received: what it says, or what is no longer missing, if that is more."""
        if before is None:
            self.received += sighting.downloaded
            self.pending += max(0, sighting.counter - sighting.downloaded)
        else:
            fell = before.left - sighting.left if before.left < UNKNOWN else 0
            self.received += max(sighting.downloaded, fell)

    def _excess(self, uploads: _Uploads, size: int, others_left: int) -> int:
        """Return how much was uploaded beyond all that anybody can have received."""
        possible = self.received + self.pending + others_left
        return uploads.size - possible - possible // SHARE - size // SHARE

    def judge(self, user_id: int, info_hash: bytes, seen: int, size: int, others_left: int) -> Finding | None:
        """Judge what a user uploaded until a time.

        `size` is the torrent's, 0 if it is not known; `others_left` is what is left of all other peers that are
        known, silent ones included.
        """
        uploads = self.uploads[user_id]
        excess = self._excess(uploads, size, others_left)
        few = uploads.times < TIMES
        if others_left >= UNKNOWN or excess <= (max(CLAIM, size) if few else LEAST):
            return None
        score = min(75 if few else 95, 55 + 40 * excess // size) if size else 50
        about = user_id, info_hash, score
        minutes = (seen - self.opened) // 60
        what = f"Uploaded {written(uploads.size)} in {uploads.times} announces within {minutes} minutes"
        untold = self.pending + others_left
        if not self.received and not untold:
            return Finding(UNRECEIVED, *about, f"{what}, and nobody was there who could have received any of it.")
        evidence = (
            f"{what}. Everybody together received {written(self.received)}, and can have received {written(untold)} "
            f"more without telling yet: {written(excess)} went to nobody, whatever others uploaded."
        )
        return Finding(UNBALANCED, *about, evidence)
