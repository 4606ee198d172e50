"""Those who lie, one function a kind: twenty of them join when the honest members have lived for a while.

Some are blatant, some are as careful as their tools allow. What is not said otherwise they do as honest clients do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bench.site.clients import Client, Line
from bench.site.dialects import COMMON, QBITTORRENT, QBITTORRENT_5, TRANSMISSION, UTORRENT, Dialect
from bench.site.members import DAY, HOUR, MIB, Habits, Member
from bench.site.sessions import Session
from bench.site.torrents import Torrent
from bench.site.world import World

CHEAT = Habits("a cheat", 0, ((2, 20),), (0, 0), 10**6, 10**6, 10**6)
KIB = 1024
LINE = Line(5 * MIB, 20 * MIB, dual=False)

Lie = Callable[["Liar", int], int]
"""Bytes that are made up within so many seconds."""


class Liar(Session):
    """A session whose client adds to what it really uploaded. Without `real`, it transfers nothing at all."""

    def __init__(self, client: Client, torrent: Torrent, left: int, lie: Lie, *, real: bool = False) -> None:
        super().__init__(client, torrent, left)
        self.lie, self.real = lie, real
        self.made_up = 0
        self.said_at = 0

    def connect(self, now: int) -> None:
        """Find others, if there is anything to transfer."""
        if self.real:
            super().connect(now)

    def disconnect(self, now: int) -> None:
        """Leave them."""
        if self.real:
            super().disconnect(now)

    def begin(self, now: int) -> None:
        """Start from 0."""
        self.made_up, self.said_at = 0, now
        super().begin(now)

    def announce(self, now: int, event: str = "") -> None:
        """Make something up, and say it."""
        self.made_up += self.lie(self, now - self.said_at)
        self.said_at = now
        super().announce(now, event)

    def counters(self, now: int) -> tuple[int, int, int]:
        """Return what is said."""
        uploaded, downloaded, left = super().counters(now)
        return uploaded + self.made_up, downloaded, left


class Modest(Liar):
    """One who really downloads, and does not say how much."""

    def counters(self, now: int) -> tuple[int, int, int]:
        """Return what is said."""
        uploaded, _, left = super().counters(now)
        return uploaded, 0, left


@dataclass(frozen=True, slots=True)
class Cheat:
    """Who cheats how, and since when."""

    member: Member
    kind: str
    words: str
    since: int


def steady(speed: float, spread: float = 0.1) -> Lie:
    """Make up so many bytes a second, give or take."""
    return lambda liar, seconds: int(speed * seconds * liar.client.random.uniform(1 - spread, 1 + spread))


def while_wanted(speed: float, spread: float = 0.5) -> Lie:
    """Make up the same, while somebody downloads: the tracker says so to everybody."""
    return lambda liar, seconds: steady(speed, spread)(liar, seconds) if liar.torrent.hungry else 0


def times(factor: float) -> Lie:
    """Say to have uploaded so many times what was uploaded."""

    def lie(liar: Liar, _seconds: int) -> int:
        uploaded = Session.counters(liar, liar.client.world.now)[0]
        return max(0, int(uploaded * (factor - 1)) - liar.made_up)

    return lie


def now_and_then(speed: float, chance: float) -> Lie:
    """Make up much in one announce of some, and nothing in the others."""
    return lambda liar, seconds: int(speed * seconds) if liar.client.random.random() < chance else 0


# ---- dialects of tools that say to be somebody else

JAVA = (
    "User-Agent: Transmission/4.0.6\r\nAccept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\n"
    "Connection: keep-alive\r\n"
)
JRATIOBOOST = replace(TRANSMISSION, escape="%{:02x}", after="&compact=1{event}", headers=JAVA, pauses=False)
PYTHON = replace(
    QBITTORRENT,
    before="peer_id={peer_id}&info_hash={info_hash}&port={port}&",
    after="&compact=1&numwant={numwant}&supportcrypto=1&no_peer_id=1&key={key}{event}",
    headers=(
        "User-Agent: qBittorrent/4.6.5\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
    ),
)
MISMATCH = replace(QBITTORRENT_5, peer_id="-TR4060-")
RATIOMASTER = replace(UTORRENT, headers="User-Agent: uTorrent/355(111104683)(45838)\r\nAccept-Encoding: gzip\r\n")


def _call(make: Callable[[int], None], now: int, _: int) -> None:
    make(now)


class Cheats:
    """Makes them, and knows them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.all: list[Cheat] = []

    def join(self) -> None:
        """Let all twenty join, within half a day."""
        makers: tuple[Callable[[int], None], ...] = (
            self._three_gib_a_second,
            self._bursts,
            self._sum_of_many,
            *(partial(self._to_nobody, speed) for speed in (2 * MIB, 250 * KIB, 60 * KIB)),
            self._beside_others,
            self._multiplies,
            self._leecher,
            self._ratiomaster,
            self._joal,
            self._says_no_download,
            *(partial(self._odd, dialect, words) for dialect, words in ODD),
            *(partial(self._shared, households) for households in (12, 8)),
            partial(self._never_had, 30, steady(300 * KIB), "300 KiB a second in each"),
            partial(self._never_had, 6, while_wanted(120 * KIB), "120 KiB a second while somebody downloads"),
            self._never_stops,
        )
        for maker in makers:
            self.world.at(self.world.now + self.world.random.randrange(DAY // 2), partial(_call, maker))

    def _new(self, kind: str, words: str, dialect: Dialect = QBITTORRENT, line: Line = LINE) -> Client:
        world = self.world
        member = Member(world, len(world.members) + 1, CHEAT)
        member.clients = [Client(world, member, dialect, line)]
        world.served.advance(world.now)
        world.add_member(member)
        member.clients[0].start(world.now)
        self.all.append(Cheat(member, kind, words, world.now))
        return member.clients[0]

    def _lie(self, client: Client, torrent: Torrent, lie: Lie, left: int = 0, *, real: bool = False) -> None:
        session = client.sessions[torrent] = Liar(client, torrent, left, lie, real=real)
        session.begin(self.world.now)

    def _busy(self, number: int) -> list[Torrent]:
        """Return the torrents in which most is wanted, and of those in which nothing is the newest."""
        return sorted(self.world.torrents, key=lambda each: (-len(each.hungry), -each.number))[:number]

    def _hunt(self, client: Client, number: int, lie: Lie, now: int, _: int = 0) -> None:
        """Say to seed what is wanted most, and look again later: a tool that is fed with what the site's list shows."""
        for session in list(client.sessions.values()):
            if not session.torrent.hungry:
                client.remove(session, now)
        for torrent in self._busy(number - len(client.sessions)) if client.running else ():
            if torrent not in client.sessions:
                self._lie(client, torrent, lie)
        self.world.at(now + 2 * HOUR, partial(self._hunt, client, number, lie))

    def _quiet(self, number: int = 1) -> list[Torrent]:
        """Return some small ones in which nobody wants anything."""
        quiet = [each for each in self.world.torrents if not each.hungry and each.size < 3 << 30]
        return self.world.random.sample(quiet, number)

    # ---- the kinds

    def _three_gib_a_second(self, _now: int) -> None:
        client = self._new("too fast", "sets its counter: 3 GiB a second")
        self._lie(client, self._busy(1)[0], steady(3 << 30))

    def _bursts(self, _now: int) -> None:
        client = self._new("too fast", "1.6 GiB a second, in every sixth announce")
        self._lie(client, self._busy(2)[1], now_and_then(1.6 * (1 << 30), 1 / 6))

    def _sum_of_many(self, now: int) -> None:
        client = self._new("sum", "30 torrents, in each of them 100 MiB a second while somebody downloads")
        self._hunt(client, 30, while_wanted(100 * MIB), now)

    def _to_nobody(self, speed: float, _now: int) -> None:
        client = self._new("to nobody", f"seeds what nobody wants, at {speed / KIB:.0f} KiB a second")
        self._lie(client, self._quiet()[0], steady(speed))

    def _beside_others(self, _now: int) -> None:
        client = self._new("unbalanced", "adds 20 MiB a second in a swarm")
        self._lie(client, self._busy(3)[2], steady(20 * MIB))

    def _multiplies(self, now: int) -> None:
        client = self._new(
            "unbalanced",
            "uploads something new, and says five times what it sent",
            line=Line(20 * MIB, 20 * MIB, dual=False),
        )
        self._lie(client, self.world.add_torrent(), times(5), real=True)
        for member in self.world.random.sample(self.world.members[:-1], min(8, len(self.world.members) // 4)):
            torrent = self.world.torrents[-1]
            if torrent not in member.clients[0].sessions:
                member.clients[0].add(torrent, torrent.size, 0, now)

    def _leecher(self, _now: int) -> None:
        client = self._new("unbalanced", "downloads, and says to have uploaded 3 MiB a second meanwhile and after")
        torrent = self.world.random.choice(
            [each for each in self.world.torrents if 0 < each.size < 4 << 30 and each.online]
        )
        self._lie(client, torrent, steady(3 * MIB), left=torrent.size, real=True)

    def _ratiomaster(self, _now: int) -> None:
        client = self._new("counters", "RatioMaster: 400 KiB a second, whether anybody wants it or not", RATIOMASTER)
        for torrent in self._busy(2) + self._quiet(2):
            self._lie(client, torrent, steady(400 * KIB))

    def _joal(self, now: int) -> None:
        client = self._new("counters", "JOAL: five torrents, 1 MiB a second while somebody downloads", QBITTORRENT_5)
        self._hunt(client, 5, while_wanted(MIB), now)

    def _says_no_download(self, now: int) -> None:
        slow = Line(MIB // 4, 2 * MIB, dual=False)
        client = self._new("counters", "really downloads, and says that it did not", line=slow)
        for torrent in self.world.random.sample([each for each in self.world.torrents if each.online], 6):
            session = client.sessions[torrent] = Modest(client, torrent, torrent.size, steady(0), real=True)
            session.begin(now)

    def _odd(self, dialect: Dialect, words: str, now: int) -> None:
        client = self._new("fingerprint", words, dialect)
        self._hunt(client, 3, while_wanted(20 * KIB), now)

    def _shared(self, households: int, now: int) -> None:
        client = self._new("networks", f"one passkey in {households} households")
        member, random = client.member, self.world.random
        client.stop(now)
        dialects = [dialect for dialect, _ in COMMON]
        member.clients = [Client(self.world, member, random.choice(dialects), LINE) for _ in range(households)]
        for each in member.clients:
            each.start(now)
            torrent = random.choice([torrent for torrent in self.world.torrents if torrent.online])
            each.add(torrent, torrent.size, 0, now)

    def _never_had(self, number: int, lie: Lie, how: str, _now: int) -> None:
        client = self._new("never had", f"seeds {number} torrents that it does not have, {how}")
        for torrent in self.world.random.sample(self.world.torrents, min(number, len(self.world.torrents))):
            self._lie(client, torrent, lie)

    def _never_stops(self, now: int) -> None:
        client = self._new("never stops", "150 KiB a second, and is killed and started every two hours")
        self._hunt(client, 4, while_wanted(150 * KIB), now)
        self.world.at(now + 2 * HOUR, partial(self._kill, client))

    def _kill(self, client: Client, now: int, _: int) -> None:
        client.stop(now, "")
        client.start(now)
        self.world.at(now + 2 * HOUR, partial(self._kill, client))


ODD = (
    (JRATIOBOOST, "JRatioBoost: says Transmission, without key and numwant, with the headers of Java"),
    (PYTHON, "a script: says qBittorrent, with its parameters in another order"),
    (MISMATCH, "says Transmission in its peer id, and qBittorrent as User-Agent"),
)
