"""What everything is worth, once more: plain, slow, and without a line of the tracker. `checks.py` compares.

Written from the contract alone. It hears what clients said and the tracker took, and when the tracker looked for silent
peers; money is in fractions and rounded down where the contract says so: once an announce.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import NamedTuple

NANO = 10**9
GIB = 2**30
YEAR = 365 * 86400


class Said(NamedTuple):
    """One announce as it was sent: `torrent` by its number, whichever of its hashes was announced."""

    user: int
    torrent: int
    peer_id: bytes
    key: bytes
    address: bytes
    event: str
    uploaded: int
    downloaded: int
    left: int


class Offer(NamedTuple):
    """The site's own multipliers at times: from `since` until before `until`."""

    since: int
    until: int
    up: Fraction
    down: Fraction


@dataclass(frozen=True, slots=True)
class Terms:
    """The site's rules. Times are seconds, points are points."""

    interval: int
    peer_ttl: int
    counters_ttl: int
    per_hour: Fraction
    scarcity: Fraction
    per_gib: Fraction
    per_year: Fraction
    offers: tuple[Offer, ...]
    owed_seed_time: int
    owed_ratio: Fraction
    deadline: int


@dataclass(slots=True)
class Worth:
    """What a member or a torrent has an announce counted for: up and down."""

    up: Fraction = Fraction(1)
    down: Fraction = Fraction(1)


@dataclass(slots=True)
class Account:
    """Sums: credited, real, nano-points, seconds, announces, completions."""

    up: int = 0
    down: int = 0
    real_up: int = 0
    real_down: int = 0
    points: int = 0
    seconds: int = 0
    announces: int = 0
    completed: int = 0

    def figures(self) -> tuple[int, ...]:
        """Return all of them."""
        return (self.up, self.down, self.real_up, self.real_down, self.points, self.seconds, self.announces)


@dataclass(slots=True)
class Pair(Account):
    """What one member did with one torrent."""

    left: int = 0
    completed_at: int | None = None
    paid: bool = False


@dataclass(slots=True)
class Known:
    """A peer as its last announce left it."""

    uploaded: int
    downloaded: int
    seeds: bool
    seen: int
    key: bytes
    active: bool = True
    four: tuple[bytes, int] = (b"", 0)
    six: tuple[bytes, int] = (b"", 0)


@dataclass(slots=True)
class Book:
    """A torrent: what it is, what it is worth, and its peers by member and peer id."""

    size: int
    added: int
    worth: Worth = field(default_factory=Worth)
    account: Account = field(default_factory=Account)
    peers: dict[int, dict[bytes, Known]] = field(default_factory=dict)
    seeders: int = 0


class Books:
    """All accounts."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.members: dict[int, Account] = {}
        self.worths: dict[int, Worth] = {}
        self.roles: dict[int, Worth] = {}
        self.tokens: dict[tuple[int, int], int] = {}
        self.torrents: dict[int, Book] = {}
        self.pairs: dict[tuple[int, int], Pair] = {}
        self._due: list[tuple[int, int, int, bytes]] = []
        self._second: dict[tuple[int, int], Fraction] = {}  # nano-points, by torrent and seeders

    # ---- what is known of the site

    def add_member(self, user: int, worth: Worth, role: Worth) -> None:
        """Open an account."""
        self.members[user] = Account()
        self.worths[user] = worth
        self.roles[user] = role

    def add_torrent(self, number: int, size: int, added: int, worth: Worth) -> None:
        """Open a torrent's."""
        self.torrents[number] = Book(size, added, worth)

    # ---- what happens

    def look(self, now: int) -> None:
        """Let everybody be silent who did not announce for longer than `peer_ttl`."""
        ttl = self.terms.peer_ttl
        while self._due and self._due[0][0] < now:
            _, user, torrent, peer_id = heapq.heappop(self._due)
            peer = self.torrents[torrent].peers.get(user, {}).get(peer_id)
            if peer is None or not peer.active:
                continue
            if peer.seen + ttl < now:
                self._silence(self.torrents[torrent], peer)
            else:
                heapq.heappush(self._due, (peer.seen + ttl, user, torrent, peer_id))

    def hear(self, said: Said, now: int) -> None:
        """Take in an announce that the tracker took."""
        book = self.torrents[said.torrent]
        peers = book.peers.setdefault(said.user, {})
        peer = peers.get(said.peer_id)
        if peer is not None and not peer.active and now - peer.seen > self.terms.counters_ttl + 120:
            peer = None  # forgotten; the counters begin anew
        if peer is None:
            if said.event == "stopped":
                return  # nobody's stop
            self._bury_ghosts(book, said)
            peers[said.peer_id] = Known(said.uploaded, said.downloaded, False, now, said.key, active=False)
            peer = peers[said.peer_id]
            up = down = seconds = 0
        else:
            up, down = max(0, said.uploaded - peer.uploaded), max(0, said.downloaded - peer.downloaded)
            seconds = min(now - peer.seen, 2 * self.terms.interval) if peer.seeds and said.left == 0 else 0
        self._enter(said, book, (up, down, seconds), now)
        if said.event == "stopped":
            if peer.active:
                self._silence(book, peer)
            del peers[said.peer_id]
        else:
            self._refresh(book, peer, said, now)

    def _enter(self, said: Said, book: Book, real: tuple[int, int, int], now: int) -> None:
        """Enter what an announce is worth in all three accounts."""
        up, down, seconds = real
        pair = self.pairs.get((said.user, said.torrent))
        if pair is None:
            pair = self.pairs[said.user, said.torrent] = Pair()
        credited_up = floor(up * self._up(said, book, now)) if up else 0
        credited_down = floor(down * self._down(said, book, now)) if down else 0
        points = self._points(said.torrent, book, seconds, now) if seconds else 0
        completes = said.event == "completed" and pair.completed_at is None
        for account in (self.members[said.user], book.account, pair):
            account.up += credited_up
            account.down += credited_down
            account.real_up += up
            account.real_down += down
            account.points += points
            account.seconds += seconds
            account.announces += 1
            account.completed += completes
        pair.left = said.left
        if completes:
            pair.completed_at = now
        if pair.completed_at is not None and not pair.paid:
            ratio = self.terms.owed_ratio
            pair.paid = pair.seconds >= self.terms.owed_seed_time or bool(
                ratio and pair.real_down and pair.real_up >= ratio * pair.real_down
            )

    def _refresh(self, book: Book, peer: Known, said: Said, now: int) -> None:
        seeds = said.left == 0
        book.seeders += seeds - (peer.active and peer.seeds)
        if not peer.active:
            heapq.heappush(self._due, (now + self.terms.peer_ttl, said.user, said.torrent, said.peer_id))
        peer.uploaded, peer.downloaded = said.uploaded, said.downloaded
        peer.seeds, peer.seen, peer.key, peer.active = seeds, now, said.key, True
        if len(said.address) == 4:
            peer.four = said.address, now
        else:
            peer.six = said.address[:8], now

    def _silence(self, book: Book, peer: Known) -> None:
        book.seeders -= peer.seeds
        peer.active = False
        peer.four = peer.six = (b"", 0)

    def _bury_ghosts(self, book: Book, said: Said) -> None:
        """Let fall silent what this client was before it crashed: the same key from the same address."""
        for peer in book.peers[said.user].values():
            known = peer.four[0] if len(said.address) == 4 else peer.six[0]
            if peer.active and peer.key == said.key and known == said.address[:8]:
                self._silence(book, peer)

    # ---- what it is worth

    def _up(self, said: Said, book: Book, now: int) -> Fraction:
        """Return by what an upload is multiplied: the largest that is in force."""
        offers = [offer.up for offer in self.terms.offers if offer.since <= now < offer.until]
        return max([Fraction(1), self.roles[said.user].up, self.worths[said.user].up, book.worth.up, *offers])

    def _down(self, said: Said, book: Book, now: int) -> Fraction:
        """Return by what a download is multiplied: the smallest; a token in force makes it free."""
        if self.tokens.get((said.user, said.torrent), 0) > now:
            return Fraction(0)
        offers = [offer.down for offer in self.terms.offers if offer.since <= now < offer.until]
        return min([Fraction(1), self.roles[said.user].down, self.worths[said.user].down, book.worth.down, *offers])

    def _points(self, torrent: int, book: Book, seconds: int, now: int) -> int:
        """Return the nano-points for so many seconds: by the hour, as there are seeders and as it is large and old."""
        terms = self.terms
        second = self._second.get((torrent, book.seeders))
        if second is None:
            scarcity = 1 + terms.scarcity / max(1, book.seeders)
            size = 1 + terms.per_gib * Fraction(book.size, GIB)
            second = self._second[torrent, book.seeders] = NANO * terms.per_hour * scarcity * size / 3600
        # second x seconds x (1 + per_year x age / YEAR); one fraction in the place of three, for there are millions.
        age = YEAR * terms.per_year.denominator + terms.per_year.numerator * (now - book.added)
        return floor(Fraction(second.numerator * seconds * age, second.denominator * YEAR * terms.per_year.denominator))

    def standing(self, pair: Pair, now: int, *, seeding: bool) -> str:
        """Return how it stands with what is owed for a torrent, in the words that members are shown."""
        if pair.completed_at is None:
            return "downloading" if pair.left else "satisfied"
        if pair.paid:
            return "satisfied"
        if now - pair.completed_at > self.terms.deadline:
            return "hit_and_run"
        return "seeding" if seeding else "owing"
