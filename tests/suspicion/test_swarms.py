"""Swarms of honest members through the real tracker, in which nobody is found; and fakers beside them, who are.

What is transferred balances to the byte, but for waste; what the tracker hears of it does not: clients crash, are
started again under new peer ids, lose the tracker for hours, and forget their counters.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from builders import Site, make_site, result

from mika.config import Suspicion as Section
from mika.follow import Follow
from mika.interfaces import Sought
from mika.model import INT64_MAX, Torrent
from mika.store.memory import MemoryStore

MIB = 1 << 20
SIZE = 4096 * MIB
STEP = 300
INTERVAL = 1800
MEMBERS = 24
HASH = b"\1" * 20


class Client:
    """One member's client: what it really moved, and what it says."""

    def __init__(self, site: Site, number: int, random: Random, *, seeds: bool) -> None:
        self.site = site
        self.random = random
        self.passkey = f"passkey-{number:04}"
        self.number = number
        self.left = 0 if seeds else SIZE
        self.wanted = 0 if seeds or random.random() < 0.8 else SIZE // 2  # a partial seed stops half way
        self.speed_up, self.speed_down = random.choice(((1, 4), (4, 16), (12, 12), (1250, 1250)))  # MiB a second
        self.fake = 0
        self.running = False
        self.unheard_until = 0
        self.restarts = 0
        self.next = random.randrange(INTERVAL)

    def start(self) -> None:
        """Begin, under a new peer id and with counters from 0."""
        self.running = True
        self.uploaded = self.downloaded = 0
        self.restarts += 1
        self.peer_id = b"-qB5000-%06d%06d" % (self.number, self.restarts)

    def announce(self, event: str = "") -> None:
        """Say how it is, unless the tracker cannot be reached."""
        said: dict[str, Any] = {"event": event} if event else {}
        address = f"9.{self.number}.{self.restarts % 200}.{self.random.randrange(1, 3)}"
        answer = self.site.announce(
            self.passkey, address, info_hash=HASH, peer_id=self.peer_id, uploaded=self.uploaded,
            downloaded=self.downloaded, left=self.left, **said
        )  # fmt: skip
        assert "failure reason" not in answer, answer

    def live(self, now: int) -> None:
        """Do what clients and people do in five minutes."""
        chance = self.random.random()
        heard = now >= self.unheard_until
        if not self.running:
            if chance < 0.05:
                self.start()
                if heard:
                    self.announce("started")
            return
        if chance < 0.01:
            self.running = False  # a crash
        elif chance < 0.02:
            self.running = False
            if heard:
                self.announce("stopped")
        elif chance < 0.025:
            self.unheard_until = now + self.random.randrange(8 * 3600)
        elif heard and now >= self.next:
            self.next = now + INTERVAL
            if self.fake:
                self.uploaded += int(self.fake * self.random.uniform(0.5, 1.5)) * MIB
            self.announce()


def transfer(clients: list[Client], random: Random) -> None:
    """Move what can be moved in five minutes: to each leecher from some of those who have something."""
    for leecher in clients:
        if not leecher.running or leecher.left <= leecher.wanted:
            continue
        sources = [each for each in clients if each is not leecher and each.running and each.left < SIZE]
        for source in random.sample(sources, min(3, len(sources))):
            speed = min(source.speed_up, leecher.speed_down) * MIB // 3
            moved = min(speed * STEP, leecher.left - leecher.wanted)
            leecher.left -= moved
            waste = moved * random.randrange(3) // 100
            leecher.downloaded += moved + waste * random.randrange(2)
            source.uploaded += moved + waste


def found_in(seed: int, hours: int, fakes: dict[int, int]) -> list[Any]:
    """Let a swarm live; `fakes` are MiB that a member makes up between two announces. Return what was found."""
    random = Random(seed)
    store = MemoryStore()
    site = make_site([f"passkey-{number:04}" for number in range(MEMBERS)], [Torrent(HASH, size=SIZE)], store)
    follow = Follow(site.directory, site.swarms, site.journal, site.clock, Section)
    follow.startService()
    clients = [Client(site, number, random, seeds=number < 3) for number in range(MEMBERS)]
    for number, fake in fakes.items():
        clients[number].fake = fake
    for _ in range(hours * 3600 // STEP):
        now = int(site.clock.seconds())
        transfer(clients, random)
        for client in clients:
            client.live(now)
        site.swarms.expire(now)
        site.clock.pump([STEP, 0, 0, 0, 0])
    result(follow.stopService())
    return result(store.list_suspicions(Sought(), INT64_MAX, 99))


@pytest.mark.parametrize("seed", range(4))
def test_honest_swarm(seed):
    """Nobody is found, whatever the score."""
    found = found_in(seed, 72, {})
    assert found == [], [(each.user_id, each.evidence) for each in found]


@pytest.mark.parametrize(("seed", "fake"), [(1, 500), (2, 1000), (3, 4000)])
def test_faker_in_a_swarm(seed, fake):
    """The faker is found, above the threshold, and nobody beside them."""
    found = [each for each in found_in(seed, 96, {0: fake}) if each.score >= Section().threshold]
    assert {each.user_id for each in found} == {1}
