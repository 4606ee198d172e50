"""Rows a second that each store takes: batches of 10,000 users, torrents, peers, histories, as the flusher writes them.

`make bench` runs it. The servers are the tests' own, each on an empty database of this machine.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react

from mika.interfaces import HistoryBatch, Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import History, Peer, Torrent, Totals, User
from mika.store.registry import make_stores

ROWS = 10_000
Batch = Callable[[Any, int], Any]
INSTANCE = "bench"


def main() -> None:
    """Measure the stores that are named, or all."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from functional.places import PLACES  # type: ignore[import-not-found]  # noqa: PLC0415 - the path is new

    parser = argparse.ArgumentParser(
        prog="python -m bench.stores", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--rounds", type=int, default=5, help="batches of each kind (5)")
    parser.add_argument("--only", default=",".join(PLACES), help=f"some of {','.join(PLACES)}")
    chosen = parser.parse_args()
    places = {name: PLACES[name] for name in chosen.only.split(",")}
    react(lambda reactor: ensureDeferred(measure(reactor, places, chosen.rounds)))


async def measure(reactor: Any, places: dict[str, Any], rounds: int) -> None:
    """Print a table: the median of `rounds` batches, in rows a second, and from the slowest to the fastest."""
    print(f"{'rows a second, batches of ' + format(ROWS, ','):40}{'median':>10}{'min - max':>22}")
    for name, place in places.items():
        with place() as at, tempfile.TemporaryDirectory() as directory:
            stores = make_stores(dict.fromkeys(("users", "torrents", "peers"), at.url), Path(directory), reactor)
            store: Any = stores.users
            await store.open()
            try:
                for kind, batches in subjects():
                    rates = await rates_of(store, batches, rounds)
                    spread = f"{min(rates):,.0f} - {max(rates):,.0f}"
                    print(f"{name + ', ' + kind:40}{statistics.median(rates):>10,.0f}{spread:>22}", flush=True)
            finally:
                await store.close()


def subjects() -> Iterator[tuple[str, Batch]]:
    """Yield each kind with what does its batch of a number; 0 prepares what the others are about."""
    chance = random.Random(7)
    hashes = sorted(chance.randbytes(20) for _ in range(ROWS))
    growth = Totals(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1_000_000, 1800, 1)

    def users(store: Any, number: int) -> Any:
        if number == 0:
            return store.add_users([User(each, "member", f"passkey-{each}") for each in range(1, ROWS + 1)])
        batch = UserBatch(Mark(INSTANCE, number, number - 1), [(each, growth) for each in range(1, ROWS + 1)])
        return store.apply_users(batch)

    def torrents(store: Any, number: int) -> Any:
        if number == 0:
            return store.add_torrents([Torrent(each, name="a torrent") for each in hashes])
        completers = [(each, number) for each in hashes[:: ROWS // 500]]
        return store.apply_torrents(
            TorrentBatch(Mark(INSTANCE, number, number - 1), [(each, growth) for each in hashes], completers)
        )

    def peers(store: Any, number: int) -> Any:
        present = [(info_hash, peer(user_id, number)) for user_id, info_hash in enumerate(hashes)]
        return store.apply_peers(PeerBatch(Mark(INSTANCE, number + 1, number), present, []))

    def history(store: Any, number: int) -> Any:
        rows = [History(user_id, info_hash, growth, 0, number, number) for user_id, info_hash in enumerate(hashes)]
        return store.apply_history(HistoryBatch(Mark(INSTANCE, number + 1, number), rows))

    yield "users", users
    yield "torrents", torrents
    yield "peers", peers
    yield "history", history


def peer(user_id: int, number: int) -> Peer:
    """Return a peer that seeds, a little further each time."""
    made = Peer(user_id, b"-qB5030-%012d" % user_id, 1_800_000_000)
    made.active = made.seeder = True
    made.key = b"A1B2C3D4"
    made.uploaded = number << 20
    made.left = 0
    made.endpoint4 = bytes([81, 2, user_id >> 8 & 255, user_id & 255, 26, 225])
    made.seen4 = made.last_seen
    return made


async def rates_of(store: Any, batch: Batch, rounds: int) -> list[float]:
    """Return the rows a second of each batch; the first of all is not counted."""
    rates = []
    await batch(store, 0)
    for number in range(1, rounds + 2):
        begun = time.perf_counter()
        await batch(store, number)
        rates.append(ROWS / (time.perf_counter() - begun))
    return rates[1:]


if __name__ == "__main__":
    main()
