"""One torrent while something moves in it: who uploaded how much, and how much others can have received at most.

What somebody uploads, somebody receives. All that anybody can have received is what peers said they downloaded, what
is left of those who have not said so yet, and what newcomers had downloaded before their first announce. Who alone
says to have uploaded more than that did not: whatever everybody else did.
"""

from __future__ import annotations

from mika.suspicion.course import UNKNOWN, Seen
from mika.suspicion.finding import Finding, written
from mika.suspicion.sighting import Sighting
from mika.suspicion.uploads import PAUSE, Uploads

UNRECEIVED = "unreceived"
UNBALANCED = "unbalanced"

AWAY = 2400
"""Seconds between two announces of a seeder from which on it may have been longer: more may have been cut off."""


class Window:
    """What was seen of one torrent since `opened`; `moved` is when something moved last, or a leecher was there.

    `flowed` is when something moved last, whoever was there; `settled`: everybody was judged after that.

    All that anybody said in it to have received is counted, and as an upload what a peer did since an announce in it or
    one after `since`: between that and its beginning nobody told of anything.
    """

    __slots__ = ("flowed", "moved", "opened", "received", "seen", "settled", "since", "uploads")

    def __init__(self, opened: int, since: int) -> None:
        self.opened = self.moved = self.flowed = opened
        self.since = since
        self.settled = False
        self.seen: dict[tuple[int, bytes], Seen] = {}
        self.uploads: dict[int, Uploads] = {}
        self.received = 0
        """With what may have been received without being counted: by newcomers before, by the dropped after."""

    def before(self, sighting: Sighting) -> Seen | None:
        """Return what this peer said before in this window, None if it did not."""
        return self.seen.get((sighting.user_id, sighting.peer_id))

    def due(self, sighting: Sighting, size: int) -> Uploads | None:
        """Return what a user uploaded until their last announce, if it is to be judged now that they announce again.

        Few are: only then it need be known what is left of others.
        """
        uploads, seen = self.uploads.get(sighting.user_id), sighting.seen
        if uploads is None or seen - uploads.judged < PAUSE:
            return None
        if not uploads.is_steady(uploads.excess(size, self.received, 0)):
            return None
        uploads.judged = seen
        return uploads

    def add(self, sighting: Sighting, before: Seen | None) -> None:
        """Take in an announce, a stop or a silence; `before` is what `before` returned, and is brought up to date."""
        uploaded, left, seen = sighting.uploaded, sighting.left, sighting.seen
        if not sighting.announced:
            if sighting.gone and left < UNKNOWN:
                self.received += left
            return
        flows = uploaded or sighting.downloaded
        if (left or flows) and seen > self.moved:
            self.moved = seen
        if flows:
            self.flowed, self.settled = self.moved, False
        self._receive(sighting, before)
        if uploaded:
            self._upload(sighting, before)
        if sighting.gone:
            self.seen.pop((sighting.user_id, sighting.peer_id), None)
        elif before is None:
            self.seen[sighting.user_id, sighting.peer_id] = Seen(seen, left, self.received)
        else:
            before.at, before.left, before.received = seen, left, self.received

    def _upload(self, sighting: Sighting, before: Seen | None) -> None:
        """Count what this peer uploaded since it announced before, if all is known that was received since."""
        if before is not None:
            at, received = before.at, before.received
        elif 0 < sighting.seeded < AWAY and sighting.seen - sighting.seeded >= self.since:
            at, received = sighting.seen - sighting.seeded, 0
        else:
            return
        uploads = self.uploads.get(sighting.user_id)
        if uploads is None:
            uploads = self.uploads[sighting.user_id] = Uploads()
        uploads.add(sighting.uploaded, at, received, sighting.seen, self.received)

    def odd(self, size: int) -> list[tuple[int, Uploads]]:
        """Return whose uploads are to be judged when nothing flows any more."""
        found = []
        for user_id, uploads in self.uploads.items():
            uploads.reached = self.received  # by now they have told
            if uploads.is_odd(uploads.excess(size, self.received, 0), size):
                found.append((user_id, uploads))
        return found

    def is_claim(self, sighting: Sighting, size: int) -> bool:
        """Say, once, that a user uploaded so much of what they are not seen to download that they must have had it."""
        uploads = self.uploads.get(sighting.user_id)
        return uploads is not None and not sighting.left and uploads.is_claim(size)

    def _receive(self, sighting: Sighting, before: Seen | None) -> None:
        """Count what this peer can have received: what it says, or what is no longer missing, if that is more."""
        if before is None:
            self.received += sighting.downloaded + sighting.earlier
        else:
            fell = before.left - sighting.left if before.left < UNKNOWN else 0
            self.received += max(sighting.downloaded, fell)

    def judge(self, user_id: int, info_hash: bytes, size: int, others_left: int) -> Finding | None:
        """Judge what a user uploaded.

        `size` is the torrent's, 0 if it is not known; `others_left` is what is left of all other peers that are
        known, silent ones included.
        """
        uploads = self.uploads[user_id]
        excess = uploads.excess(size, self.received, others_left)
        if others_left >= UNKNOWN or not uploads.is_odd(excess, size):
            return None
        score = min(95 if uploads.is_steady(excess) else 75, 55 + 40 * excess // size) if size else 50
        about = user_id, info_hash, score
        minutes = (uploads.told - uploads.begun) // 60
        announces = "1 announce" if uploads.times == 1 else f"{uploads.times} announces"
        what = f"Uploaded {written(uploads.size)} in {announces} within {minutes} minutes"
        received = self.received - uploads.base
        if not received and not others_left:
            return Finding(UNRECEIVED, *about, f"{what}, and nobody was there who could have received any of it.")
        evidence = (
            f"{what}. Everybody together received {written(received)}, and can have received {written(others_left)} "
            f"more without telling yet: {written(excess)} went to nobody, whatever others uploaded."
        )
        return Finding(UNBALANCED, *about, evidence)
