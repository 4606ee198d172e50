"""A tracker with many peers in memory and no stores, for `flatness.py`: filled at once, from bytes to bytes.

As a process of its own, `python -m bench.populated`, it listens, or counts its instructions where callgrind runs it.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock

from bench.announce_path import answer_all, make_factory
from bench.workload import BYTES_PER_ANNOUNCE, Announce, Workload, make_workload
from mika.loading import loading
from mika.model import Torrent, User
from mika.server.http import AnnounceFactory
from mika.server.listen import BACKLOG
from mika.server.port import AnnouncePort

PART = 100_000
"""Peers whose announces are made at a time: a million of them would take more memory than the peers do."""

PATH = "/{passkey}/announce"
START = 1_800_000_000
INTERVAL = 1800


def parts(peers: int, swarm: int) -> Iterator[Workload]:
    """Yield announces of different users about different torrents, until there are so many peers."""
    for seed, size in enumerate([PART] * (peers // PART) or [peers], 1):
        yield make_workload(max(1_000, swarm), size // swarm, swarm, seed)


def fill(clock: Any, workloads: Iterable[Workload], most: int) -> tuple[AnnounceFactory, list[Announce]]:
    """Let all peers of the workloads announce; return what they announced to, and at most so many of them in any order.

    They are a sample of all, so that what is in no cache of the processor costs what it does in a tracker.
    """
    factory = make_factory(Workload([], [], []), clock)
    directory = factory.directory
    source = random.Random(1)
    sample: list[Announce] = []
    seen = 0
    with loading():
        for workload in workloads:
            first = len(directory.users) + 1
            directory.users.update((key, User(number, "", key)) for number, key in enumerate(workload.passkeys, first))
            directory.torrents.update((each, Torrent(each, size=734003200)) for each in workload.info_hashes)
            answer_all(factory, [each.request(PATH, 1, keep_alive=False) for each in workload.announces])
            seen += len(workload.announces)
            share = len(workload.announces) / seen  # of each part as many as of those before it
            kept = source.sample(sample, min(len(sample), int(most * (1 - share))))
            sample = kept + source.sample(workload.announces, min(most - len(kept), len(workload.announces)))
    source.shuffle(sample)
    assert factory.tracker.swarms.peer_count == seen, "peers were refused"
    return factory, sample


def serve(port: int, peers: int, swarm: int, file: Path, most: int) -> None:
    """Fill, write whom to announce as to a file as `announce.lua` reads it, and listen until this process is ended."""
    factory, sample = fill(reactor, parts(peers, swarm), most)
    Workload([], [], sample).write(file)
    listening = AnnouncePort(port, factory, BACKLOG, "127.0.0.1", reactor)
    listening.startListening()
    reactor.run()


def count(peers: int, swarm: int, announces: int) -> None:
    """Fill, and let callgrind count while so many of the peers announce again."""
    clock = Clock()
    clock.advance(START)
    factory, sample = fill(clock, parts(peers, swarm), announces)
    clock.advance(INTERVAL)
    lap = [each.request(PATH, BYTES_PER_ANNOUNCE, keep_alive=False) for each in sample]
    gc.disable()  # as in a tracker, where next to nothing of an announce is looked at
    _instrument("on")
    answer_all(factory, lap)
    _instrument("off")


def _instrument(state: str) -> None:
    """Have callgrind, which runs this process, count from now on, or no more."""
    command = ["callgrind_control", f"--instr={state}", str(os.getpid())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.populated", description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", type=int, required=True)
    parser.add_argument("--swarm", type=int, default=20)
    parser.add_argument("--sample", type=int, default=100_000)
    parser.add_argument("--serve", metavar="FILE", type=Path, help="write whom to announce as to a file; needs --port")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.serve:
        serve(options.port, options.peers, options.swarm, options.serve, options.sample)
    else:
        count(options.peers, options.swarm, options.sample)


if __name__ == "__main__":
    main()
