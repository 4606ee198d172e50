"""Follows the journal for what looks like cheating, and notes it in the users store. `tap.py` starts it.

Nothing of this is on the path of an announce: what announces were worth is read again a little later, so many records
at a time. After a start it begins at the journal's end, and when it cannot keep up it leaves out what it missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from mika import suspicions
from mika.config import Suspicion as Section
from mika.directory import Directory
from mika.errors import NotFoundError, StoreError
from mika.interfaces import IHistoryStore, ISuspicionStore, Sought
from mika.jobs import Periodic
from mika.journal import Journal
from mika.model import INT64_MAX, Suspicion
from mika.suspicion.course import UNKNOWN
from mika.suspicion.endings import Endings
from mika.suspicion.finding import Finding
from mika.suspicion.greetings import Greetings
from mika.suspicion.left import left_of
from mika.suspicion.networks import Networks, add_networks, judge_networks
from mika.suspicion.never_had import KIND, judge_never_had
from mika.suspicion.sighting import Sighting, sightings
from mika.suspicion.windows import Windows
from mika.swarm.swarms import Swarms

INTERVAL = 2.0
"""Seconds between two looks at the journal."""

AT_ONCE = 250
"""Records, or swarms, that are looked at before the reactor may do something else: about a millisecond."""

MOST = 10_000
"""Records of one look: 5,000 announces a second, as of 9 million peers, for a thirtieth of a processor."""

AHEAD = 5000
"""Records by which the swarms may be ahead of what is looked at; nobody is judged by what is left while it is more."""

BEHIND = 60_000
"""With so many records unread, they are left out: nothing keeps the journal's files for longer."""

LOG_INTERVAL = 600
"""Seconds between two lines in the log that say so."""

NOTE_INTERVAL = 60
"""Seconds between two times at which what was found is written, and the open ones are counted."""

NETWORKS_INTERVAL = 300
"""Seconds between two looks at where everybody's peers are."""

FOLLOWED_WITHIN = 2 * 3600
"""Seconds after a session's end in which another one goes on from it."""

CLAIMS_AT_ONCE = 100
"""Uploads of which it is asked, at each writing, where the data came from."""

PAGE = 1000
MOST_COUNTED = 10_000


class Follow(Periodic):
    """Reads the journal, keeps what was found until it is written, and knows how many suspicions are open."""

    def __init__(
        self,
        directory: Directory,
        swarms: Swarms,
        journal: Journal,
        clock: IReactorTime,
        section: Callable[[], Section],
        greetings: Greetings | None = None,
    ) -> None:
        """`section` is asked for what is in force; `greetings` looks at the first announces of clients."""
        super().__init__(clock, INTERVAL)
        self.open = 0
        """Suspicions that are open and listed, as of the last minute."""
        self._directory = directory
        self._swarms = swarms
        self._journal = journal
        self._clock = clock
        self._section = section
        self._greetings = Greetings(deque(), lambda _request: None) if greetings is None else greetings
        self._endings = Endings()
        self._windows = Windows(self._left, self._size, self._lines)
        self._found: dict[tuple[str, int, bytes], Suspicion] = {}
        self._reached = self._taken = 0
        self._note_at = self._networks_at = self._tell_at = 0.0

    @property
    def read_to(self) -> int:
        """The last record of the journal that is needed here no more."""
        return self._reached if self.running else self._journal.last

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Begin with what comes from now on."""
        self._reached = self._journal.last
        self._networks_at = self._clock.seconds() + NETWORKS_INTERVAL
        super().startService()

    async def work(self) -> None:
        """Look at what is new, and now and then at where everybody is; write what was found."""
        section, now = self._section(), self._clock.seconds()
        if not section.enabled or not ISuspicionStore.providedBy(self._directory.user_store):
            self._reached = self._journal.last
            self._windows.forget()
            self._endings.forget()
            self._greetings.clear()
            self._found.clear()
            self.open = 0
            return
        await self._read(section)
        while self._greetings:
            self._keep(self._greetings.take(int(now), AT_ONCE // 10))
            await deferLater(self._clock, 0)
        if now >= self._networks_at:
            self._networks_at = now + NETWORKS_INTERVAL
            self._keep(self._windows.close_idle(int(now)))
            if section.networks:
                await self._look_at_networks(section.networks)
        if now >= self._note_at:
            self._note_at = now + NOTE_INTERVAL
            try:
                await self._look_at_claims(section.threshold)
                await self._note(section.threshold)
                await self._count(section.threshold)
            except StoreError as problem:
                self.log.debug("suspicions cannot be noted yet: {problem}", problem=problem)

    async def _read(self, section: Section) -> None:
        journal, begun = self._journal, self._reached
        if journal.last - begun > BEHIND:
            self._reached = journal.last
            self._windows.forget()
            if self._clock.seconds() >= self._tell_at:
                self._tell_at = self._clock.seconds() + LOG_INTERVAL
                self.log.info("announces came too fast to look for cheating in all of them: it begins anew")
            return
        overflows = self._windows.overflows
        for end, frames in journal.read(begun, AT_ONCE):
            self._taken = self._reached
            self._reached = end  # first: what cannot be judged must not keep the journal from being let go of
            for sighting in sightings(frames):
                found = self._windows.take(sighting, section.fastest)
                if found:
                    self._keep(found)
                if sighting.gone or not sighting.announced:
                    self._end(sighting)
            if end - begun >= MOST:
                break
            await deferLater(self._clock, 0)
        if self._windows.overflows > overflows:
            self.log.info("too many peers transfer to look for cheating among all of them: it begins anew")

    def _end(self, sighting: Sighting) -> None:
        """Look at how a session ends: by a stop, in silence, or because the peer was dropped."""
        if sighting.gone:
            self._greetings.stopped(sighting.user_id, sighting.info_hash, sighting.peer_id)
            if sighting.announced:
                self._endings.stopped(sighting)
        elif self._is_followed(sighting):
            found = self._endings.followed(sighting)
            self._keep([] if found is None else [found])

    def _is_followed(self, sighting: Sighting) -> bool:
        """Say whether a peer is silent, and its user has one in the same torrent that began then."""
        swarm = self._swarms.get(sighting.info_hash)
        active = [] if swarm is None else swarm.active_of(sighting.user_id)
        after = range(sighting.seen, sighting.seen + FOLLOWED_WITHIN)
        return any(each.first_seen in after for each in active) and all(
            each.peer_id != sighting.peer_id for each in active
        )

    async def _look_at_claims(self, threshold: int) -> None:
        """Ask where the data came from that is uploaded, as far as it is known."""
        store: Any = self._directory.user_store
        claims = self._windows.claims
        for _ in range(min(len(claims), CLAIMS_AT_ONCE)):
            user_id, info_hash = claims.popleft()
            torrent = self._directory.torrents.get(info_hash)
            if torrent is None or not IHistoryStore.providedBy(store):
                continue
            before = (int.from_bytes(info_hash, "big") - 1).to_bytes(20, "big") if any(info_hash) else b""
            rows = await store.history_of(user_id, before, 1)
            beside = await suspicions.listed(self._directory, Sought("open", user_id, None, threshold), INT64_MAX, 9)
            kinds = sorted({each.kind for each in beside if each.kind != KIND})
            row = rows[0] if rows and rows[0].info_hash == info_hash else None
            found = judge_never_had(row, torrent, ", ".join(kinds))
            self._keep([] if found is None else [found])

    async def _look_at_networks(self, most: int) -> None:
        found: Networks = {}
        for visited, swarm in enumerate(list(self._swarms), 1):
            add_networks(found, swarm.peers)
            if visited % AT_ONCE == 0:
                await deferLater(self._clock, 0)
        self._keep(judge_networks(found, most))

    def _keep(self, findings: Iterable[Finding]) -> None:
        for each in findings:
            now = self._directory.now()
            row = Suspicion(each.kind, each.user_id, each.info_hash, each.score, each.evidence, now, now)
            key = each.kind, each.user_id, each.info_hash
            old = self._found.get(key)
            self._found[key] = row if old is None else suspicions.merged(old, row)

    async def _note(self, threshold: int) -> None:
        """Write what was found; what a store does not take is tried again."""
        for key in list(self._found):
            row = self._found.pop(key)  # what is found meanwhile is another one
            try:
                await self._directory.user(row.user_id)
                before, kept = await suspicions.note(self._directory, row)
            except NotFoundError:
                continue
            except StoreError:
                later = self._found.get(key)
                self._found[key] = row if later is None else suspicions.merged(row, later)
                raise
            if suspicions.is_news(before, kept, threshold):
                self._directory.publish("suspicion", suspicions.suspicion_event(kept))

    async def _count(self, threshold: int) -> None:
        count, before = 0, INT64_MAX
        while count < MOST_COUNTED:
            page = await suspicions.listed(self._directory, Sought("open", score=threshold), before, PAGE)
            count += len(page)
            if len(page) < PAGE:
                break
            before = page[-1].id
        self.open = count

    def _size(self, info_hash: bytes) -> int:
        torrent = self._directory.torrents.get(info_hash)
        return 0 if torrent is None else torrent.size

    def _lines(self, user_id: int) -> int:
        """Return at how many addresses of one family a user is now."""
        found: Networks = {}
        for swarm in self._swarms.of_user(user_id):
            add_networks(found, swarm.active_of(user_id))
        return max(map(len, found.get(user_id, ())), default=1)

    def _left(self, info_hash: bytes, one: tuple[int, bytes], since: int, until: int) -> int:
        swarm = self._swarms.get(info_hash)
        left = 0 if swarm is None else left_of(swarm.peers, one, since, until)
        return left + self._untold(info_hash)

    def _untold(self, info_hash: bytes) -> int:
        """Return what was received by records that are not read yet: the swarm is ahead of what is looked at."""
        journal = self._journal
        if journal.last - self._taken > AHEAD:
            return UNKNOWN
        unread = (each for _, frames in journal.read(self._taken, AHEAD) for each in sightings(frames))
        return sum(each.downloaded + each.earlier for each in unread if each.info_hash == info_hash)
