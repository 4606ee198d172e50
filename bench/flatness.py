"""Whether an announce costs the same however many peers there are: `python -m bench.flatness`.

From bytes to bytes, without sockets and stores: first with more and more peers in swarms of 20, then with as many peers
in fewer and larger swarms. The announces that are timed are a sample of all of them, so that what is not in the
processor's cache costs what it does in a tracker.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Iterator

from twisted.internet.task import Clock

from bench.announce_path import answer_all, make_factory
from bench.results import keep, others, spread
from bench.workload import BYTES_PER_ANNOUNCE, Workload, make_workload
from mika.loading import loading
from mika.model import Torrent, User
from mika.server.http import AnnounceFactory

SAMPLE = 5_000
LAPS = 9
PART = 100_000
"""Peers whose announces are made at a time: a million of them would take more memory than the peers do."""

SWARMS = (2, 100, 1_000, 10_000)
LARGEST = 10_000
Sized = Iterator[Workload]


def main() -> None:
    """Measure each size in turn."""
    parser = argparse.ArgumentParser(prog="python -m bench.flatness", description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=1_000_000, help="peers in memory at most (1000000)")
    options = parser.parse_args()
    load = others()
    figures = {}
    for peers in (size for size in (10_000, 100_000, 1_000_000) if size <= options.most):
        figures[f"{peers:,} peers in swarms of 20"] = laps_of(parts(peers, 20))
    for swarm in SWARMS:
        figures[f"{LARGEST:,} peers in swarms of {swarm:,}"] = laps_of(parts(LARGEST, swarm))
    for name, laps in figures.items():
        print(f"{name:<40}{spread(laps).median:>8.2f} us an announce ({min(laps):.2f} - {max(laps):.2f})")
    print(f"kept in {keep('flatness', vars(options), figures, load)}")


def parts(peers: int, swarm: int) -> Sized:
    """Yield announces of different users about different torrents, until there are so many peers."""
    for seed, size in enumerate([PART] * (peers // PART) or [peers], 1):
        yield make_workload(max(1_000, swarm), size // swarm, swarm, seed)


def laps_of(workloads: Sized) -> list[float]:
    """Let all peers of the workloads announce; then time a sample of them, in microseconds an announce and lap."""
    clock = Clock()
    clock.advance(1_800_000_000)
    factory = make_factory(Workload([], [], []), clock)
    sample = []
    source = random.Random(1)
    with loading():
        for workload in workloads:
            _add(factory, workload)
            for announce in workload.announces:
                factory.answer_ordinary(announce.request("/{passkey}/announce", 1, keep_alive=False), 0, b"\x7f\0\0\1")
            sample += source.sample(workload.announces, min(SAMPLE, len(workload.announces)))
    sample = source.sample(sample, SAMPLE)
    assert factory.tracker.swarms.peer_count >= SAMPLE, "the peers were refused"
    laps = []
    for number in range(2, LAPS + 2):
        clock.advance(1800)
        counter = number * BYTES_PER_ANNOUNCE
        lap = [each.request("/{passkey}/announce", counter, keep_alive=False) for each in sample]
        gc.disable()  # as in a tracker, where next to nothing of an announce is looked at
        began = time.process_time_ns()
        answer_all(factory, lap)
        laps.append((time.process_time_ns() - began) / len(lap) / 1000)
        gc.enable()
    return laps


def _add(factory: AnnounceFactory, workload: Workload) -> None:
    """Let the tracker know the users and torrents of a workload."""
    directory = factory.directory
    first = len(directory.users) + 1
    directory.users.update((key, User(number, "", key)) for number, key in enumerate(workload.passkeys, first))
    directory.torrents.update((each, Torrent(each, size=734003200)) for each in workload.info_hashes)


if __name__ == "__main__":
    main()
