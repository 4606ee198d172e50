"""Time, what the site itself does, and the way from a client to the tracker; `__main__.py` and tests make one.

Everything happens in the order of one heap. Every minute the tracker does its periodic work, between announces.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from bench.site.books import Books, Offer, Said, Terms, Worth
from bench.site.members import DAY, HABITS, HOUR, Member
from bench.site.served import TICK, Served
from bench.site.torrents import Torrent
from mika import model, rewards
from mika.config import Config
from mika.store.memory import MemoryStore

BEGIN = 1_798_761_600
"""2027-01-01T00:00:00Z."""

POINTS = {"per_hour": Fraction(1), "scarcity": Fraction(4), "per_gib": Fraction("0.05"), "per_year": Fraction("0.5")}

ROLES = {
    1: Worth(),
    2: Worth(up=Fraction("1.25")),
    3: Worth(down=Fraction("0.5")),
    4: Worth(Fraction("1.333"), Fraction("0.777")),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many honest members and torrents for how many days, and then how many days more with cheats among them.

    At a `pace` of more than 1 everybody downloads so much more.
    """

    members: int
    torrents: int
    days: int
    days_of_cheats: int
    pace: float = 1.0


WHOLE = Scale(1000, 600, 30, 4)
SHORT = Scale(60, 40, 4, 2, 4)


class World:
    """The site, everybody on it, and the tracker, which is restarted twice."""

    def __init__(self, scale: Scale, seed: int, folder: Path) -> None:
        self.scale, self.folder = scale, folder
        self.random = Random(seed)
        self.now = BEGIN
        self.books = Books(terms_of(scale))
        self.torrents: list[Torrent] = []
        self.members: list[Member] = []
        self.refused: Counter[bytes] = Counter()
        self.announces = 0
        self.restarts: list[str] = []
        self.suspicions_told: list[tuple[int, int]] = []
        """When staff were told of which member."""
        self.debts_told: dict[tuple[int, str], str] = {}
        """The state that was told last, by member and info hash."""
        self._heap: list[tuple[int, int, Callable[[int, int], None], int]] = []
        self._order = count()
        self._tick_at = BEGIN + TICK
        self._down_until = 0
        (folder / "0").mkdir(parents=True)
        self.served = Served(config_of(scale), MemoryStore(), folder / "0", BEGIN, self._hear)
        self.served.start()
        self._found()

    # ---- time

    def at(self, time: int, action: Callable[[int, int], None], number: int = 0) -> None:
        """Have something done at a time."""
        heapq.heappush(self._heap, (time, next(self._order), action, number))

    def run(self, until: int) -> None:
        """Let everything happen until then."""
        heap = self._heap
        while True:
            time = heap[0][0] if heap else until
            if self._tick_at <= min(time, until):
                self._tick(self._tick_at)
            elif time >= until:
                return
            else:
                _, _, action, number = heapq.heappop(heap)
                self.now = time
                action(time, number)

    def _tick(self, now: int) -> None:
        self.now = now
        self._tick_at = now + TICK
        if now <= self._down_until:
            return
        self.served.tick(now)
        self.books.look(now)

    # ---- announces

    def is_down(self, now: int) -> bool:
        """Say whether the tracker is being restarted."""
        return now < self._down_until

    def deliver(self, request: bytes, said: Said) -> int:
        """Send an announce; return the interval of the answer. What the tracker took is entered in the books."""
        served, now = self.served, self.now
        served.advance(now)
        answer = served.answer(request, said.address)
        at = answer.index(b"8:intervali")
        refused = answer.find(b"failure reason", 0, at)
        if refused >= 0:
            self.refused[answer[refused + 14 : at]] += 1
        else:
            self.announces += 1
            self.books.hear(said, now)
        return int(answer[at + 11 : answer.index(b"e", at + 11)])

    def _hear(self, type_: str, fields: Mapping[str, Any]) -> None:
        """Hear what the tracker tells its staff and its site."""
        if type_ == "suspicion":
            self.suspicions_told.append((self.now, fields["user_id"]))
        elif fields.get("change") == "hit_and_run":
            self.debts_told[fields["id"], fields["info_hash"]] = fields["state"]

    # ---- the site

    def _found(self) -> None:
        """Make roles, torrents and members as they are in the beginning."""
        for number, worth in ROLES.items():
            role = model.Role(
                number, f"role {number}", multiplier_up=_thousandths(worth.up), multiplier_down=_thousandths(worth.down)
            )
            self._do(self.served.store.save_role(role))
        self._do(self.served.directory.read_roles())
        for _ in range(self.scale.torrents):
            self.add_torrent()
        for habits in HABITS:
            share = habits.of_a_thousand * self.scale.members
            for _ in range(max(1, share // 1000)):
                self.add_member(Member(self, len(self.members) + 1, habits)).move_in(BEGIN)
        self.at(BEGIN + HOUR, self._publish)
        self.at(BEGIN + 2 * HOUR, self._give)
        self.at(BEGIN + 5 * HOUR, self._change)
        self.at(BEGIN + self.scale.days * DAY // 3 // TICK * TICK, self._restart)
        self.at(BEGIN + self.scale.days * DAY * 2 // 3 // TICK * TICK + 37, self._kill)

    def add_member(self, member: Member) -> Member:
        """Open an account; some are worth more than others."""
        role = self.random.choices(list(ROLES), (80, 10, 5, 5))[0]
        worth = self._some_worth(0.04)
        self.members.append(member)
        user = model.User(member.number, f"member {member.number}", member.passkey, role)
        user.multiplier_up, user.multiplier_down = _thousandths(worth.up), _thousandths(worth.down)
        self._do(self.served.directory.add_users([user]))
        self.books.add_member(member.number, worth, ROLES[role])
        return member

    def add_torrent(self) -> Torrent:
        """Register a torrent, from 30 MiB to 90 GiB, mostly a GiB or two."""
        size = min(90 << 30, max(30 << 20, int(self.random.lognormvariate(21.2, 1.3))))
        torrent = Torrent(len(self.torrents), size, self.now, self.random, self.at)
        worth = self._some_worth(0.12)
        entry = model.Torrent(torrent.info_hash, torrent.info_hash_v2, f"torrent {torrent.number}", size)
        entry.multiplier_up, entry.multiplier_down = _thousandths(worth.up), _thousandths(worth.down)
        self.served.advance(self.now)
        self._do(self.served.directory.add_torrents([entry]))
        self.books.add_torrent(torrent.number, size, self.now, worth)
        self.torrents.append(torrent)
        return torrent

    def _some_worth(self, chance: float) -> Worth:
        if self.random.random() >= chance:
            return Worth()
        up, down = self.random.choice((("1", "0"), ("2", "1"), ("1.5", "0.25"), ("0.5", "0.333"), ("1.001", "0.999")))
        return Worth(Fraction(up), Fraction(down))

    def choose(self) -> Torrent:
        """Return what somebody wants who looks at the list: mostly new, and somebody seeds it."""
        torrent = self.torrents[-1]
        for _ in range(20):
            back = self.random.expovariate(1 / 15) if self.random.random() < 0.7 else self.random.uniform(0, 10**6)
            torrent = self.torrents[-1 - int(back) % len(self.torrents)]
            if any(each.left == 0 for each in torrent.online):
                break
        return torrent

    def _publish(self, now: int, _: int) -> None:
        """Somebody whose client runs uploads something new."""
        running = [
            client for member in self.members for client in member.clients if client.running and not client.asleep
        ]
        if running:
            self.random.choice(running).add(self.add_torrent(), 0, 0, now)
        self.at(now + int(self.random.expovariate(self.scale.members / 100 * self.scale.pace) * DAY), self._publish)

    def _give(self, now: int, _: int) -> None:
        """Give a freeleech token to somebody who downloads, or to whoever."""
        if not self.is_down(now):
            leeching = [session for torrent in self.torrents for session in torrent.hungry]
            if leeching:
                session = self.random.choice(leeching)
                user, torrent, until = (
                    session.client.member.number,
                    session.torrent,
                    now + self.random.randrange(3 * DAY),
                )
                self.served.advance(now)
                self._do(rewards.give_token(self.served.directory, user, torrent.hashes[-1], until))
                self.books.tokens[user, torrent.number] = until
        self.at(now + 3 * HOUR, self._give)

    def _change(self, now: int, _: int) -> None:
        """Change what a torrent or a member is worth, from now on."""
        if not self.is_down(now):
            self.served.advance(now)
            worth = self._some_worth(0.5)
            fields = {"multiplier_up": _thousandths(worth.up), "multiplier_down": _thousandths(worth.down)}
            if self.random.random() < 0.7:
                torrent = self.random.choice(self.torrents)
                self._do(self.served.directory.change_torrent(torrent.info_hash, fields))
                self.books.torrents[torrent.number].worth = worth
            else:
                member = self.random.choice(self.members)
                self._do(self.served.directory.change_user(member.number, fields))
                self.books.worths[member.number] = worth
        self.at(now + 2 * HOUR, self._change)

    # ---- restarts

    def _restart(self, now: int, _: int) -> None:
        """Stop the tracker in order, and start it ten minutes later."""
        self.served.stop()
        self._start(self.served.store, self.served.folder, now + 600)
        self.restarts.append("stopped and started")

    def _kill(self, now: int, _: int) -> None:
        """Kill the tracker in the middle of everything, and start it from what is on its disk."""
        store, folder = self.served.kill(self.folder / "1")
        self._start(store, folder, now + 180)
        self.restarts.append("killed and started")

    def _start(self, store: MemoryStore, folder: Path, now: int) -> None:
        self._down_until = now - now % TICK
        self.served = Served(self.served.config, store, folder, self._down_until, self._hear)
        self.served.start()

    def _do(self, awaitable: Any) -> Any:
        return self.served.finish(awaitable)


def terms_of(scale: Scale) -> Terms:
    """Return the site's rules: times at which everything is free or counts twice; a twentieth of all days is owed."""
    day = scale.days * DAY // 10
    offers = (
        Offer(BEGIN + 2 * day, BEGIN + 3 * day, Fraction(1), Fraction(0)),
        Offer(BEGIN + 5 * day, BEGIN + 6 * day, Fraction(2), Fraction(1)),
        Offer(BEGIN + 5 * day + day // 2, BEGIN + 7 * day, Fraction("1.1"), Fraction("0.3")),
    )
    points = POINTS["per_hour"], POINTS["scarcity"], POINTS["per_gib"], POINTS["per_year"]
    return Terms(1800, 45 * 60, 21 * DAY, *points, offers, day // 2, Fraction(1), 2 * day)


def config_of(scale: Scale) -> Config:
    """Return the configuration of the tracker that says the same as `terms_of`, and else what is the default."""
    terms = terms_of(scale)
    windows = [
        {
            "from": datetime.fromtimestamp(each.since, UTC),
            "until": datetime.fromtimestamp(each.until, UTC),
            "multiplier_up": float(each.up),
            "multiplier_down": float(each.down),
        }
        for each in terms.offers
    ]
    written = {
        "credit": {"windows": windows},
        "bonus": {name: float(value) for name, value in POINTS.items()},
        "hit_and_run": {
            "enabled": True,
            "seed_time": f"{terms.owed_seed_time}s",
            "ratio": float(terms.owed_ratio),
            "deadline": f"{terms.deadline}s",
            "interval": "1h",
        },
        "tracker": {"torrent_keys": "accepted"},
        "flush": {"interval": "5m", "peers_interval": "30m"},
    }
    return Config.model_validate(written)


def _thousandths(value: Fraction) -> int:
    return int(value * 1000)
