"""Torrents, and who sends how much to whom: rates that stay as they are until somebody comes, goes or is done.

Between two such turns each session's counters grow by whole bytes a second, the senders' as fast as the receivers', so
that counters which are told in between are true as well and everything balances to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.site.sessions import Session

STEP = 1800
"""Seconds after which connections are others, if nothing happens before."""

CONNECT = 30
"""Seconds at most until somebody new is connected to others."""

SOURCES = 4
SLOWEST = 4096
"""Bytes a second below which a connection is none."""

At = Callable[[int, Callable[[int, int], None], int], None]
"""Has something done at a time, with the time and a number."""


class Torrent:
    """A torrent of the site, and the sessions that are connected in it."""

    def __init__(self, number: int, size: int, added: int, random: Random, at: At) -> None:
        self.number = number
        self.size = size
        self.added = added
        self.piece = 1 << max(14, min(23, (size // 1500).bit_length()))
        self.info_hash = random.randbytes(20)
        self.info_hash_v2 = random.randbytes(32) if number % 25 == 7 else None  # some are hybrid
        self.online: dict[Session, None] = {}
        self.hungry: dict[Session, None] = {}
        self.sent = self.received = self.wasted = 0
        """Bytes in all; what is sent is received or wasted."""
        self._flowing: list[Session] = []
        self._since = 0
        self._turn = 0
        self._turn_at = 0
        self._random = random
        self._at = at

    @property
    def hashes(self) -> list[bytes]:
        """The hashes that its clients announce (BEP 52)."""
        return [self.info_hash] if self.info_hash_v2 is None else [self.info_hash, self.info_hash_v2[:20]]

    def elapsed(self, now: int) -> int:
        """Return for how long the rates have been what they are."""
        return now - self._since

    def join(self, session: Session, now: int) -> None:
        """Let a session connect soon."""
        self.online[session] = None
        if session.left > session.target:
            self.hungry[session] = None
        if self.hungry:
            self._plan(now + self._random.randrange(5, CONNECT))

    def leave(self, session: Session, now: int) -> None:
        """Disconnect a session; its counters are as of now."""
        self.online.pop(session, None)  # one that slept is gone already
        self.hungry.pop(session, None)
        if session.flows:
            self._connect(now)

    def want(self, session: Session, now: int) -> None:
        """Let a session have what it did not want before."""
        session.target = 0
        if session in self.online:
            self.join(session, now)

    def _plan(self, at: int) -> None:
        if self._turn_at <= 0 or at < self._turn_at:
            self._turn += 1
            self._turn_at = at
            self._at(at, self._take_turn, self._turn)

    def _take_turn(self, now: int, turn: int) -> None:
        if turn == self._turn:
            self._connect(now)

    def _connect(self, now: int) -> None:
        """Bring all counters up to now, and give new rates."""
        done = self._settle(now)
        for session in done:
            session.reached_target(now)
        self._turn_at = 0
        self._since = now
        if not self.hungry:
            return
        sources = [each for each in self.online if each.left < self.size and each.client.free_up > SLOWEST]
        soonest = STEP
        for session in list(self.hungry):
            soonest = min(soonest, self._feed(session, sources))
        self._plan(now + soonest)

    def _settle(self, now: int) -> list[Session]:
        """End all flows; return those who have now what they want."""
        seconds = now - self._since
        done = []
        for session in self._flowing:
            session.settle(seconds)
            if session in self.hungry and session.left - session.target < session.lump:
                # What is less than a second's worth comes at once from one of those who sent the rest.
                rest = session.left - session.target
                session.source.uploaded += rest
                session.downloaded += rest
                session.left -= rest
                self.sent += rest
                self.received += rest
            if session in self.hungry and session.left <= session.target:
                del self.hungry[session]
                done.append(session)
        self._flowing.clear()
        return done

    def _feed(self, session: Session, sources: list[Session]) -> int:
        """Connect one who wants something with some who have it; return the seconds until there is something new."""
        wanted = session.left - session.target
        chosen = self._random.sample(sources, min(2 * SOURCES, len(sources)))
        connections = 0
        for source in chosen:
            mine, theirs = session.client, source.client
            if theirs.member is mine.member or (source.left and self._random.randrange(self.size) < source.left):
                continue  # one's own, or one who lacks the same
            share = theirs.line_up // 3 + 1
            speed = min(theirs.free_up, share, mine.free_down // (SOURCES - connections), wanted - session.rate_left)
            if speed < min(SLOWEST, wanted):
                continue
            speed -= int(speed * self._random.random() / 2)  # no connection is as fast as it could be
            self._flow(source, session, speed)
            connections += 1
            if connections == SOURCES or session.rate_left == wanted:
                break
        return max(1, wanted // session.rate_left) if connections else STEP

    def _flow(self, source: Session, session: Session, speed: int) -> None:
        """Let `speed` bytes a second of use go from one to another, and a little that is of none."""
        waste = speed * self._random.randrange(3) // 200
        for each in (source, session):
            if not each.flows:
                each.flows = True
                self._flowing.append(each)
        source.take_up(speed + waste)
        # Some clients count what they throw away as downloaded, some do not.
        session.take_down(speed, speed if session.client.dialect.whole_pieces else speed + waste)
        session.source = source
