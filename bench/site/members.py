"""People: their habits, when their clients run, what they download, keep and throw away. `world.py` makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bench.site.clients import Client, Line
from bench.site.dialects import COMMON, SERVERS, Dialect
from bench.site.sessions import Session

if TYPE_CHECKING:
    from bench.site.world import World

MIB = 2**20
HOUR = 3600
DAY = 86400


@dataclass(frozen=True, slots=True)
class Habits:
    """A kind of member: of a thousand how many, lines in MiB a second (up, down), torrents in the beginning, and so on.

    `takes` are days between two downloads, `keeps` days for which what is complete is seeded, `crashes` days between
    two crashes.
    """

    name: str
    of_a_thousand: int
    lines: tuple[tuple[float, float], ...]
    library: tuple[int, int]
    takes: float
    keeps: float
    crashes: float
    clients: tuple[tuple[Dialect, int], ...] = COMMON


HOME = ((0.2, 2), (0.6, 6), (1.2, 12), (5, 30), (60, 110))
HABITS = (
    Habits("in the evening", 420, HOME, (1, 3), 1.5, 5, 15),
    Habits("on a laptop", 160, HOME, (1, 2), 2, 5, 12),
    Habits("always on", 316, HOME, (1, 5), 2.5, 10, 9),
    Habits("hits and runs", 40, HOME, (0, 1), 1, 0.02, 10),
    Habits("a seedbox", 60, ((100, 110), (400, 500), (1150, 1150)), (6, 25), 1, 12, 14, SERVERS),
    Habits("a large seedbox", 4, ((1150, 1150),), (200, 300), 0.5, 25, 20, SERVERS),
)


class Member:
    """An account and the clients of who has it."""

    def __init__(self, world: World, number: int, habits: Habits) -> None:
        self.world, self.number, self.habits = world, number, habits
        self.random: Random = world.random
        self.passkey = self.random.randbytes(16).hex()
        self.clients = [self._client(habits)]
        if self.random.random() < 0.05:  # one at home and one that they rent
            self.clients.append(self._client(HABITS[4]))
        self.keyed = self.random.random() < 0.15
        """Whether they take torrents with a key of each in its announce URL, and not with their passkey."""
        self.behind_vpn = self.random.random() < 0.15

    def _client(self, habits: Habits) -> Client:
        up, down = self.random.choice(habits.lines)
        line = Line(int(up * MIB), int(down * MIB), self.random.random() < 0.3)
        dialects, often = zip(*habits.clients, strict=True)
        client = Client(self.world, self, self.random.choices(dialects, often)[0], line)
        client.keeps_peer_ids = self.random.random() < 0.1
        return client

    def move_in(self, now: int) -> None:
        """Bring along what was there before this tracker, and begin to live."""
        habits, world = self.habits, self.world
        wanted = self.random.randint(*habits.library)
        for torrent in self.random.sample(world.torrents, min(wanted, len(world.torrents))):
            self.clients[0].add(torrent, 0, 0, now)
        for client in self.clients:
            self._live(client, now)
        self._later(self._take, now, habits.takes / world.scale.pace)

    # ---- clients

    def _live(self, client: Client, now: int) -> None:
        """Plan what happens to a client by itself."""
        if client is not self.clients[0] or self.habits.name not in {"in the evening", "on a laptop"}:
            self.world.at(now + self.random.randrange(1800), partial(self._start, client))
        elif self.habits.name == "in the evening":
            self._evening(client, now - now % DAY, 0)
        else:
            self.world.at(now + self.random.randrange(DAY // 2), partial(self._wake, client))
        self._later(partial(self._crash, client), now, self.habits.crashes)
        self._later(partial(self._restart, client), now, 8)
        self._later(partial(self._lose_tracker, client), now, 15)
        if self.behind_vpn:
            self._later(partial(self._move, client), now, 1.5)

    def _later(self, action: Callable[[int, int], None], now: int, days: float) -> None:
        self.world.at(now + int(self.random.expovariate(1 / days) * DAY) + 1, action)

    def _start(self, client: Client, now: int, _: int) -> None:
        client.start(now)

    def _evening(self, client: Client, midnight: int, _: int) -> None:
        """On from about five until about eleven; one in four just turns the machine off."""
        on = midnight + int(self.random.gauss(17 * HOUR, HOUR))
        off = midnight + int(self.random.gauss(23 * HOUR, HOUR / 2))
        self.world.at(on, partial(self._start, client))
        self.world.at(off, partial(self._turn_off, client))
        self.world.at(midnight + DAY, partial(self._evening, client))

    def _turn_off(self, client: Client, now: int, _: int) -> None:
        client.stop(now, "stopped" if self.random.random() < 0.75 else "")

    def _wake(self, client: Client, now: int, _: int) -> None:
        """Open the laptop: mostly where it was, with what ran before."""
        if self.random.random() < 0.2:
            client.move(now)
        if client.running:
            client.wake(now)
        else:
            client.start(now)
        self.world.at(now + self.random.randrange(HOUR // 3, 5 * HOUR), partial(self._sleep, client))

    def _sleep(self, client: Client, now: int, _: int) -> None:
        if self.random.random() < 0.2:
            client.stop(now)
        else:
            client.sleep(now)
        self.world.at(now + self.random.randrange(HOUR // 4, 14 * HOUR), partial(self._wake, client))

    def _crash(self, client: Client, now: int, _: int) -> None:
        """Die without a word, and be started again a little later."""
        if client.running and not client.asleep:
            client.stop(now, "")
            self._lose_data(client)
            self.world.at(now + self.random.randrange(60, 1800), partial(self._start, client))
        self._later(partial(self._crash, client), now, self.habits.crashes)

    def _lose_data(self, client: Client) -> None:
        """Lose what was not on the disk yet, or what of downloads that were under way is wanted no more."""
        for torrent, session in list(client.sessions.items()):
            if session.left > session.target:
                if self.random.random() < 0.2:
                    del client.sessions[torrent]
                else:
                    session.left = min(torrent.size, session.left + self.random.randrange(32 * MIB))

    def _restart(self, client: Client, now: int, _: int) -> None:
        """Be stopped and started: an update."""
        if client.running and not client.asleep:
            client.stop(now)
            self.world.at(now + self.random.randrange(20, 600), partial(self._start, client))
        self._later(partial(self._restart, client), now, 8)

    def _lose_tracker(self, client: Client, now: int, _: int) -> None:
        client.lose_tracker(now + self.random.randrange(600, 8 * HOUR))
        self._later(partial(self._lose_tracker, client), now, 15)

    def _move(self, client: Client, now: int, _: int) -> None:
        client.move(now)
        self._later(partial(self._move, client), now, 1.5)

    # ---- torrents

    def _take(self, now: int, _: int) -> None:
        """Download something, or a part of it, or seed what was got elsewhere."""
        client = self.random.choice(self.clients)
        torrent = self.world.choose()
        if client.running and not client.asleep and all(torrent not in each.sessions for each in self.clients):
            chance = self.random.random()
            if chance < 0.04:
                session = client.add(torrent, 0, 0, now)
                self._plan_removal(session, now)
            else:
                partly = torrent.size // 2 - torrent.size // 2 % torrent.piece if chance < 0.1 else 0
                client.add(torrent, torrent.size, partly, now)
        self._later(self._take, now, self.habits.takes / self.world.scale.pace)

    def received(self, session: Session, now: int) -> None:
        """Have all of what was wanted; sooner or later the rest is wanted too, or the disk is full."""
        if session.left and self.random.random() < 0.5:
            self._later(partial(self._want_rest, session), now, 0.5)
        else:
            self._plan_removal(session, now)

    def _want_rest(self, session: Session, now: int, _: int) -> None:
        session.torrent.want(session, now)

    def _plan_removal(self, session: Session, now: int) -> None:
        self._later(partial(self._remove, session), now, self.habits.keeps / self.world.scale.pace)

    def _remove(self, session: Session, now: int, _: int) -> None:
        session.client.remove(session, now)
