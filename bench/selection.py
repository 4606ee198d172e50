"""A model swarm under each weight of peer selection: how long downloads take, and how much traffic crosses a border.

`python -m bench.selection` prints the table of docs/selection.md and draws docs/selection.svg. Swarms and strategies
are mika's own; clients, links and people are a model, written down below, and its figures are no more than that.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

from mika.model import Peer, Place
from mika.swarm._best_cy import Weighted
from mika.swarm.selection import Select, select_peers
from mika.swarm.speed import measure
from mika.swarm.strategy import BestOfSample
from mika.swarm.swarms import Swarms
from mika.swarm.weights import Weights
from mika.wire.request import AnnounceRequest

LEECHERS, SEEDERS = 300, 12
"""Who comes in the first 20 minutes, in no order; who has all of it at the beginning and stays."""

SIZE = 1 << 30
STEP, INTERVAL, HOURS = 10, 600, 12
NUMWANT, SAMPLE, AT_RANDOM, CONNECTIONS, UNCHOKED = 20, 60, 20, 20, 4
MIB = 1 << 20
RATES = ((0.25, 4), (1.0, 3), (4.0, 2), (16.0, 1))
"""Upload in MiB a second, and of ten how many have it; download is five times as fast."""

ABROAD = 0.25
"""MiB a second of one connection across a border at most: a long way is a slow way."""

HOME = 2.0
STAYS = 1800
"""Seconds for which half of those who are complete go on seeding."""

COUNTRIES = (("DE", 52.5, 13.4), ("FR", 48.9, 2.4), ("GB", 51.5, -0.1), ("US", 40.7, -74.0), ("BR", -23.6, -46.6))
WEIGHTS = {
    "random": None,
    "place": Weights(place=1),
    "progress": Weights(progress=1),
    "speed": Weights(speed=1),
    "priority": Weights(priority=1),
    "seed_time": Weights(seed_time=1),
    "place and speed": Weights(place=1, speed=1),
    "all": Weights(1, 1, 1, 1, 1),
}


class Outcome(NamedTuple):
    """Minutes of a download: median, the slowest twentieth, the median of members with priority; shares of bytes."""

    median: float
    slow: float
    favoured: float
    abroad: float
    network: float


class Client:
    """A client of the model, and its peer in the swarm."""

    def __init__(self, number: int, random: Random, begins: int, *, seeder: bool) -> None:
        self.number = number
        self.begins = begins
        self.rate = random.choices([rate for rate, _ in RATES], [often for _, often in RATES])[0] * MIB
        self.country, north, east = random.choice(COUNTRIES)
        self.location = north + random.uniform(-2, 2), east + random.uniform(-2, 2)
        self.asn = sum(map(ord, self.country)) * 10 + random.randrange(3)
        self.favoured = not seeder and random.random() < 0.1
        self.has = SIZE if seeder else 0.0
        self.uploaded = 0.0
        self.leaves = 0
        self.ended = 0
        self.peer: Peer | None = None
        self.known: set[Client] = set()
        self.next_announce = begins
        self.received = 0.0

    def request(self) -> AnnounceRequest:
        """Return what it announces now."""
        endpoint = bytes([81, 2]) + self.number.to_bytes(2) + b"\x1a\xe1"
        left = SIZE - int(self.has)
        return AnnounceRequest(
            None, b"h" * 20, b"-XX0000-%012d" % self.number, endpoint, int(self.uploaded), int(self.has), left
        )


class Model:
    """One story of a swarm: the same people for every strategy of a seed."""

    def __init__(self, seed: int, select: Select) -> None:
        self.random = Random(seed)
        self.select = select
        self.swarms = Swarms(45 * 60, 86400, lambda _: True, lambda *_: None)
        self.clients = [Client(number, self.random, 0, seeder=True) for number in range(SEEDERS)] + [
            Client(number, self.random, self.random.randrange(1200), seeder=False)
            for number in range(SEEDERS, SEEDERS + LEECHERS)
        ]
        self.here: list[Client] = []
        self.moved: Counter[str] = Counter()

    def run(self) -> Outcome:
        """Play it to the end."""
        for now in range(0, HOURS * 3600, STEP):
            self.here = [each for each in self.clients if each.begins <= now and not 0 < each.leaves <= now]
            for client in self.here:
                if client.next_announce <= now:
                    self._announce(client, now)
            self._transfer(now)
            if all(client.ended for client in self.clients[SEEDERS:]):
                break
        downloads = self.clients[SEEDERS:]
        minutes = sorted(((each.ended or HOURS * 3600) - each.begins) / 60 for each in downloads)
        favoured = [((each.ended or HOURS * 3600) - each.begins) / 60 for each in downloads if each.favoured]
        total = sum(self.moved.values())
        return Outcome(
            statistics.median(minutes),
            minutes[len(minutes) * 19 // 20],
            statistics.median(favoured),
            self.moved["abroad"] / total,
            self.moved["network"] / total,
        )

    def _announce(self, client: Client, now: int) -> None:
        """Announce, and get to know who is handed out."""
        request = client.request()
        if client.peer is None:
            swarm, peer = self.swarms.join(request.info_hash, client.number, request.peer_id, now)
            client.peer = peer
            peer.priority = 100 if client.favoured else 0
            peer.place = Place(client.country, client.asn, client.location)
        else:
            peer = client.peer
            swarm = self.swarms.of_user(client.number)[0]
            measure(peer, request, now)
        self.swarms.refresh(swarm, peer, request, now)
        client.next_announce = now + INTERVAL
        chosen = self.select(swarm, peer, 6, NUMWANT, self.random.random)
        for at in range(0, len(chosen), 6):
            other = self.clients[int.from_bytes(chosen[at + 2 : at + 4])]
            if len(client.known) < CONNECTIONS and len(other.known) < CONNECTIONS:
                client.known.add(other)
                other.known.add(client)

    def _transfer(self, now: int) -> None:
        """Let everybody upload for a step to some of those whom it knows and who lack what it has."""
        for client in self.here:
            client.received = 0.0
        for client in self.here:
            wanting = [
                each for each in client.known if each.has < SIZE and each.begins <= now and self._lacks(each, client)
            ]
            chosen = self.random.sample(sorted(wanting, key=lambda each: each.number), min(UNCHOKED, len(wanting)))
            for other in chosen:
                home = client.country == other.country
                most = min(client.rate / len(chosen), (HOME if home else ABROAD) * MIB, other.rate * 5 - other.received)
                amount = max(0.0, min(most * STEP, SIZE - other.has))
                other.received += amount / STEP
                other.has += amount
                client.uploaded += amount
                way = "network" if client.asn == other.asn else "home" if home else "abroad"
                self.moved[way] += int(amount)
        for client in self.here:
            if client.has >= SIZE and not client.ended and client.number >= SEEDERS:
                self._complete(client, now)
            elif 0 < client.leaves <= now + STEP and client.peer is not None:
                swarm = self.swarms.get(b"h" * 20)
                assert swarm is not None
                self.swarms.remove(swarm, client.peer)
                for other in client.known:
                    other.known.discard(client)
                client.peer = None
                client.next_announce = HOURS * 3600

    def _lacks(self, client: Client, other: Client) -> bool:
        """Say by chance whether another has a piece that a client lacks, by the shares of both."""
        has, have = other.has / SIZE, client.has / SIZE
        return self.random.random() < has * (1 - have) * 8

    def _complete(self, client: Client, now: int) -> None:
        client.has = SIZE
        client.ended = now
        client.leaves = now + STEP + int(self.random.expovariate(1 / STAYS))
        client.known = {each for each in client.known if each.has < SIZE}
        client.next_announce = now


def strategy(weights: Weights | None) -> Select:
    """Return mika's own selection by these weights."""
    if weights is None:
        return select_peers
    return BestOfSample(Weighted(weights), lambda _: SIZE, SAMPLE, AT_RANDOM).select


def outcome(weights: Weights | None, seeds: int) -> Outcome:
    """Return the mean of several stories."""
    found = [Model(seed, strategy(weights)).run() for seed in range(seeds)]
    return Outcome(*(statistics.fmean(values) for values in zip(*found, strict=True)))


def draw(outcomes: dict[str, Outcome]) -> str:
    """Return the plot: bars of the median download and of the traffic abroad, beside each other."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="140" y="22" font-weight="bold">median download, minutes</text>',
        '<text x="460" y="22" font-weight="bold">traffic across a border</text>',
    ]
    longest = max(each.median for each in outcomes.values())
    for row, (name, each) in enumerate(outcomes.items()):
        y = 40 + 28 * row
        width = 230 * each.median / longest
        lines += [
            f'<text x="130" y="{y + 14}" text-anchor="end">{name}</text>',
            f'<rect x="140" y="{y}" width="{width:.0f}" height="18" fill="#4477aa"/>',
            f'<text x="{146 + width:.0f}" y="{y + 14}">{each.median:.0f}</text>',
            f'<rect x="460" y="{y}" width="{230 * each.abroad:.0f}" height="18" fill="#cc6677"/>',
            f'<text x="{466 + 230 * each.abroad:.0f}" y="{y + 14}">{each.abroad:.0%}</text>',
        ]
    lines.append("</svg>")
    return "\n".join(lines).replace("{height}", str(50 + 28 * len(outcomes))) + "\n"


def main() -> None:
    """Print the table and draw the plot, as the mean of so many stories as are asked for (3)."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    outcomes = {}
    print("| weights | median, minutes | slowest 5 % | with priority | across a border | within a network |")
    print("|---|---|---|---|---|---|")
    for name, weights in WEIGHTS.items():
        each = outcomes[name] = outcome(weights, seeds)
        times = " | ".join(f"{value:.0f}" for value in each[:3])
        print(f"| {name} | {times} | {each.abroad:.0%} | {each.network:.0%} |", flush=True)
    plot = Path(__file__).parents[1] / "docs" / "selection.svg"
    plot.write_text(draw(outcomes), encoding="utf-8")


if __name__ == "__main__":
    main()
