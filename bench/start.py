"""How long a start and a stop take with a large site: `python -m bench.start`, a million peers in PostgreSQL.

The database is made first, by the store itself, which takes longer than what is measured.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import react

from bench.stores import ROWS, peer
from mika.interfaces import Mark, PeerBatch
from mika.model import Torrent, User
from mika.store.registry import make_stores

TESTS = Path(__file__).resolve().parent.parent / "tests"


def main() -> None:
    """Fill a store, start a tracker on it, and print how long that took."""
    sys.path.insert(0, str(TESTS))
    from functional.places import PLACES  # type: ignore[import-not-found]  # noqa: PLC0415 - the path is new

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--store", default="postgresql", choices=PLACES)
    for kind, count in (("users", 100_000), ("torrents", 100_000), ("peers", 1_000_000)):
        parser.add_argument(f"--{kind}", type=int, default=count)
    react(lambda reactor: ensureDeferred(measure(reactor, PLACES, parser.parse_args())))


async def measure(reactor: Any, places: dict[str, Any], options: argparse.Namespace) -> None:
    """Print the seconds that each step took."""
    with places[options.store]() as place, tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        await fill(reactor, place.url, state_in(Path(directory)), options)
        print(f"filled in {time.perf_counter() - begun:.1f} s", flush=True)
        tracker = place.tracker(Path(directory), MIKA_STORES__PRELOAD="true", MIKA_TRACKER__PEER_TTL="52w")
        for what, step in (("start", tracker.start), ("stop", tracker.stop), ("start again", tracker.start)):
            begun = time.perf_counter()
            step()
            seconds = time.perf_counter() - begun
            print(f"{what:12}{seconds:8.1f} s", flush=True)
            if what != "stop":
                print(f"{'memory':12}{tracker.memory() / (1 << 20):8.0f} MiB", flush=True)
        print("".join(line for line in tracker.log.splitlines(keepends=True) if "restored" in line or "loaded" in line))
        tracker.stop()


def state_in(directory: Path) -> Path:
    """Make the tracker's state directory, where a store of files is."""
    state = directory / "mika-state"
    state.mkdir()
    return state


async def fill(reactor: Any, url: str, state: Path, options: argparse.Namespace) -> None:
    """Let the store have users, torrents and peers."""
    chance = random.Random(7)
    store: Any = make_stores(dict.fromkeys(("users", "torrents", "peers"), url), state, reactor).users
    await store.open()
    hashes = [chance.randbytes(20) for _ in range(options.torrents)]
    for first in range(0, options.users, ROWS):
        await store.add_users([User(each, "member", f"passkey-{each}") for each in range(first + 1, first + ROWS + 1)])
    for first in range(0, options.torrents, ROWS):
        await store.add_torrents([Torrent(each, name="a torrent") for each in hashes[first : first + ROWS]])
    swarms = hashes[: max(1, options.torrents // 2)]
    for number, first in enumerate(range(0, options.peers, ROWS)):
        present = [(chance.choice(swarms), peer(chance.randrange(options.users) + 1, each)) for each in range(ROWS)]
        for place, (_, each) in enumerate(present, first):
            each.peer_id = b"-qB5030-%012d" % place
        await store.apply_peers(PeerBatch(Mark("bench", number + 1, number), present, []))
    await store.close()


if __name__ == "__main__":
    main()
