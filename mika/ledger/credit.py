"""What one announce is worth: credited and real bytes, seed time, bonus points, all integers. `tracker.py` calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mika.model import DEFAULT_ROLE, INT64_MAX, NANO_POINTS, UNIT_MULTIPLIER, Peer, Role, Torrent, Totals, User
from mika.wire.request import AnnounceRequest

GIB = 2**30

_EVERYMAN = Role(DEFAULT_ROLE, "member")


@dataclass(frozen=True, slots=True)
class Rates:
    """The site's rates: multipliers and `scarcity` in thousandths, points in nano-points, `seed_limit` in seconds."""

    multiplier_up: int = UNIT_MULTIPLIER
    multiplier_down: int = UNIT_MULTIPLIER
    per_hour: int = NANO_POINTS
    scarcity: int = 4000
    per_gib: int = 0
    seed_limit: int = 3600


class Ledger:
    """Values announces by the site's rates and the roles that its users have."""

    def __init__(self, rates: Rates, roles: Mapping[int, Role]) -> None:
        self.rates = rates
        self._roles = roles

    def credit(
        self, user: User, torrent: Torrent, peer: Peer, request: AnnounceRequest, seeders: int, now: int
    ) -> Totals:
        """Return what an announce of a known peer adds to its user and its torrent (`completed` is the tracker's).

        The growth of each counter since the peer's last announce; one that went back counts 0 for that counter alone.
        Seed time is the time since then, while it seeded and still does.
        """
        uploaded = request.uploaded - peer.uploaded
        downloaded = request.downloaded - peer.downloaded
        uploaded = max(uploaded, 0)
        downloaded = max(downloaded, 0)
        credited_up, credited_down = uploaded, downloaded
        if uploaded or downloaded:
            role = self._roles.get(user.role, _EVERYMAN)
            rates = self.rates
            up = max(rates.multiplier_up, role.multiplier_up, user.multiplier_up, torrent.multiplier_up)
            down = min(rates.multiplier_down, role.multiplier_down, user.multiplier_down, torrent.multiplier_down)
            credited_up = uploaded * up // UNIT_MULTIPLIER
            credited_down = downloaded * down // UNIT_MULTIPLIER
        seconds = bonus = 0
        if peer.seeder and request.left == 0 and now > peer.last_seen:
            seconds = min(now - peer.last_seen, self.rates.seed_limit)
            bonus = self.points(seconds, seeders, torrent.size)
        return Totals(credited_up, credited_down, uploaded, downloaded, bonus, seconds, 1)

    def points(self, seconds: int, seeders: int, size: int) -> int:
        """Return the nano-points for seeding: per_hour x (1 + scarcity / seeders) x (1 + per_gib x GiB) an hour.

        Rounded down once, to a thousand-millionth of a point.
        """
        rates = self.rates
        seeders = max(1, seeders)
        points = seconds * rates.per_hour * (1000 * seeders + rates.scarcity)
        unit = 3600 * 1000 * seeders
        if rates.per_gib:
            points *= GIB * NANO_POINTS + rates.per_gib * size
            unit *= GIB * NANO_POINTS
        return min(points // unit, INT64_MAX)
