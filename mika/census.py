"""How many torrents and how many peers of which kind there are: counted when somebody asks, while announces go on.

Nothing of this is kept up to date at each announce, which would cost more than now and then counting all swarms.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from mika.model import Torrent
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms

AT_ONCE = 250
"""Swarms that are counted before the reactor may do something else: about a millisecond."""

SHARE = 100
"""A count stands for so many times as long as it took: counting never takes more than this share of a processor."""


BUSIEST = 10
"""Of so many torrents, those with the most peers, it is remembered how many."""


@dataclass(slots=True)
class Count:
    """Torrents in memory, a hybrid one once and without the deleted, and active peers.

    `seeders` and `leechers` count a dual-stack client once, the families each of its endpoints.
    """

    torrents: int = 0
    swarms: int = 0
    seeders: int = 0
    leechers: int = 0
    partial_seeds: int = 0
    dual_stack: int = 0
    seeders4: int = 0
    leechers4: int = 0
    seeders6: int = 0
    leechers6: int = 0
    busiest: list[tuple[int, bytes]] = field(default_factory=list)
    """How many peers, and the info hash, of the `BUSIEST` swarms with the most; the most first."""

    def add(self, swarm: Swarm) -> None:
        """Add the peers of a swarm."""
        self.swarms += 1
        self.seeders += swarm.complete
        self.leechers += swarm.incomplete
        self.partial_seeds += swarm.paused
        size = swarm.complete + swarm.incomplete
        if size and (len(self.busiest) < BUSIEST or size > self.busiest[-1][0]):
            insort(self.busiest, (size, swarm.info_hash), key=lambda each: -each[0])
            del self.busiest[BUSIEST:]
        seeders4, leechers4 = len(swarm.seeders4), len(swarm.leechers4)
        if seeders4 + leechers4 == swarm.complete + swarm.incomplete and not (
            len(swarm.seeders6) or len(swarm.leechers6)
        ):
            self.seeders4 += seeders4
            self.leechers4 += leechers4
        else:
            self._add_each(swarm)

    def _add_each(self, swarm: Swarm) -> None:
        """Look at each peer: some are of IPv6, or have an endpoint that is not handed out."""
        for peer in swarm.peers:
            if peer.active:
                if peer.endpoint4 and peer.endpoint6:
                    self.dual_stack += 1
                if peer.seeder:
                    self.seeders4 += bool(peer.endpoint4)
                    self.seeders6 += bool(peer.endpoint6)
                else:
                    self.leechers4 += bool(peer.endpoint4)
                    self.leechers6 += bool(peer.endpoint6)


class Census:
    """Counts the swarms, some at a time; who asks while they are counted, or shortly after, is told the same."""

    def __init__(self, torrents: Mapping[bytes, Torrent], swarms: Swarms, clock: IReactorTime) -> None:
        """`torrents` are by each of their info hashes."""
        self._torrents = torrents
        self._swarms = swarms
        self._clock = clock
        self._latest = Count()
        self._good_until = float("-inf")
        self._waiting: list[Deferred[Count]] | None = None

    def count(self) -> Deferred[Count]:
        """Answer with the count."""
        asked: Deferred[Count] = Deferred()
        if self._clock.seconds() < self._good_until:
            asked.callback(self._latest)
        elif self._waiting is not None:
            self._waiting.append(asked)
        else:
            self._waiting = [asked]
            ensureDeferred(self._count()).addBoth(self._answer)
        return asked

    async def _count(self) -> Count:
        begun = self._clock.seconds()
        count = Count()
        for visited, swarm in enumerate(list(self._swarms), 1):
            count.add(swarm)
            if visited % AT_ONCE == 0:
                await deferLater(self._clock, 0)
        for visited, info_hash in enumerate(list(self._torrents), 1):
            torrent = self._torrents.get(info_hash)  # it may be gone by now
            count.torrents += torrent is not None and info_hash == torrent.info_hash and not torrent.deleted
            if visited % (20 * AT_ONCE) == 0:  # they are looked at more quickly
                await deferLater(self._clock, 0)
        now = self._clock.seconds()
        self._latest = count
        self._good_until = now + SHARE * (now - begun)
        return count

    def _answer(self, count: object) -> None:
        waiting, self._waiting = self._waiting or [], None
        for asked in waiting:
            asked.callback(count)  # type: ignore[arg-type]  # a Failure given to callback becomes an errback
