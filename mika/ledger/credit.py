"""What one announce is worth: credited and real bytes, seed time, bonus points, all integers. `tracker.py` calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mika._peer_cy import Peer
from mika._totals_cy import Totals, worth_of
from mika.model import INT64_MAX, NANO_POINTS, UNIT_MULTIPLIER, Role, Torrent, User, role_of
from mika.wire._request_cy import AnnounceRequest

GIB = 2**30
YEAR = 365 * 86400

_ALWAYS = 2**63 - 1

_SURE = 2.0**-47
"""Part of itself by which a product of floats is wrong at most: of some 16 roundings, each by 2**-53."""
_FEW = 2.0**46
"""Nano-points up to which that is less than a half of one."""

_COUNT = 2**43
_MULTIPLIER = 2**20
"""Below these, a count times a multiplier has room in 64 bits: all but impossible announces."""


class Window(NamedTuple):
    """Multipliers (thousandths) of the whole site at times: from `since` until before `until`, seconds since 1970."""

    since: int
    until: int
    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER


@dataclass(frozen=True, slots=True)
class Rates:
    """The site's rates: multipliers and `scarcity` in thousandths, points in nano-points, `seed_limit` in seconds."""

    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER
    per_hour: int = NANO_POINTS
    scarcity: int = 4000
    per_gib: int = 0
    seed_limit: int = 3600
    per_year: int = 0
    windows: tuple[Window, ...] = ()


class Ledger:
    """Values announces by the site's rates and the roles that its users have."""

    def __init__(self, rates: Rates, roles: dict[int, Role]) -> None:
        self._roles = roles
        self.rates = rates

    @property
    def rates(self) -> Rates:
        """The rates in force; new ones count from the next announce."""
        return self._rates

    @rates.setter
    def rates(self, rates: Rates) -> None:
        self._rates = rates
        self._per_hour = rates.per_hour
        self._scarcity = rates.scarcity
        self._seed_limit = rates.seed_limit
        # What the rest of the formula may be for points to have room in 64 bits; where size or age count, nothing.
        self._room = 0 if rates.per_gib or rates.per_year else INT64_MAX // max(1, rates.per_hour)
        self._per_second = rates.per_hour / 3600
        self._per_byte = rates.per_gib / (GIB * NANO_POINTS)
        self._per_second_of_age = rates.per_year / (YEAR * NANO_POINTS)
        self._turn(0)

    def _turn(self, now: int) -> None:
        """Note what the site's multipliers are at `now`, and between which times they stay so."""
        rates = self._rates
        current = [each for each in rates.windows if each.since <= now < each.until]
        edges = {edge for each in rates.windows for edge in each[:2]}
        self._since = max((edge for edge in edges if edge <= now), default=-_ALWAYS)
        self._until = min((edge for edge in edges if edge > now), default=_ALWAYS)
        self._up = max([rates.multiplier_up] + [each.multiplier_up for each in current])
        self._down = min([rates.multiplier_down] + [each.multiplier_down for each in current])

    def credit(
        self, user: User, torrent: Torrent, peer: Peer, request: AnnounceRequest, seeders: int, now: int
    ) -> Totals:
        """Return what an announce of a known peer adds to its user and its torrent (`completed` is the tracker's).

        The growth of each counter since the peer's last announce; one that went back counts 0 for that counter alone.
        All of it is worth what holds at `now`, whatever held while it was transferred. Seed time is the time since
        the last announce, while it seeded and still does. No figure is larger than `INT64_MAX`.
        """
        uploaded = request.uploaded - peer.uploaded if request.uploaded > peer.uploaded else 0
        downloaded = request.downloaded - peer.downloaded if request.downloaded > peer.downloaded else 0
        credited_up, credited_down = uploaded, downloaded
        if uploaded or downloaded:
            role = role_of(user, self._roles)
            if not self._since <= now < self._until:
                self._turn(now)
            up = max(self._up, role.multiplier_up, user.multiplier_up, torrent.multiplier_up)
            down = min(self._down, role.multiplier_down, user.multiplier_down, torrent.multiplier_down)
            if user.freeleech and user.freeleech.get(torrent.info_hash, 0) > now:
                down = 0
            if up != UNIT_MULTIPLIER:
                credited_up = multiplied(uploaded, up)
            if down != UNIT_MULTIPLIER:
                credited_down = multiplied(downloaded, down)
            if (uploaded | downloaded | credited_up | credited_down) > INT64_MAX:
                uploaded, downloaded = min(uploaded, INT64_MAX), min(downloaded, INT64_MAX)
                credited_up, credited_down = min(credited_up, INT64_MAX), min(credited_down, INT64_MAX)
        seconds = bonus = 0
        if peer.seeder and request.left == 0 and now > peer.last_seen:
            seconds = min(now - peer.last_seen, self._seed_limit)
            share = 1000 * max(1, seeders)
            points = seconds * (share + self._scarcity)
            if points < self._room:
                bonus = points * self._per_hour // (3600 * share)
            else:
                age = now - torrent.created_at if torrent.created_at else 0
                bonus = self.points(seconds, seeders, torrent.size, age)
        return worth_of(credited_up, credited_down, uploaded, downloaded, bonus, seconds)

    def points(self, seconds: int, seeders: int, size: int, age: int = 0) -> int:
        """Return the nano-points for seeding a torrent of this `size` (bytes) and `age` (seconds).

        per_hour x (1 + scarcity / seeders) x (1 + per_gib x GiB) x (1 + per_year x years of 365 days) an hour,
        rounded down once, to a thousand-millionth of a point. By floats, wherever they leave no doubt which number
        that is: the numbers that are exact have 200 bits.
        """
        rate = 1 + self._scarcity / (1000.0 * max(1, seeders))
        worth = (1 + self._per_byte * size) * (1 + self._per_second_of_age * max(0, age))
        about = self._per_second * seconds * rate * worth
        if about < _FEW:
            whole = int(about)
            if about * _SURE < about - whole < 1 - about * _SURE:
                return whole
        return self.exact_points(seconds, seeders, size, age)

    def exact_points(self, seconds: int, seeders: int, size: int, age: int) -> int:
        """Return what `points` does, by whole numbers."""
        rates = self._rates
        seeders = max(1, seeders)
        points = seconds * rates.per_hour * (1000 * seeders + rates.scarcity)
        unit = 3600 * 1000 * seeders
        if rates.per_gib:
            points *= GIB * NANO_POINTS + rates.per_gib * size
            unit *= GIB * NANO_POINTS
        if rates.per_year and age > 0:
            points *= YEAR * NANO_POINTS + rates.per_year * age
            unit *= YEAR * NANO_POINTS
        return min(points // unit, INT64_MAX)


def multiplied(count: int, multiplier: int) -> int:
    """Return a count times a multiplier in thousandths, rounded down, and at most what a counter can be."""
    if count < _COUNT and 0 <= multiplier < _MULTIPLIER:
        return count * multiplier // UNIT_MULTIPLIER
    exact = count
    return min(exact * max(0, multiplier) // UNIT_MULTIPLIER, INT64_MAX)
