"""The announce path alone, without sockets and stores: microseconds of CPU an announce, in all and stage by stage.

`python -m bench.announce_path`; add `--profile` for the functions. The announces are those of `run.py`.
"""

from __future__ import annotations

import atexit
import cProfile
import gc
import pstats
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred, succeed
from twisted.internet.task import Clock

from bench.workload import BYTES_PER_ANNOUNCE, CLIENT, Workload, make_workload
from mika._arenas_cy import use_huge_pages
from mika.config import load_config
from mika.directory import Directory
from mika.journal import Journal
from mika.model import Torrent, Totals, User
from mika.server.http import AnnounceFactory
from mika.store.registry import make_stores
from mika.tap import make_swarms, make_tracker
from mika.torrent_key import TorrentKeys
from mika.wire.address import TrustedProxies
from mika.wire.http import write_answer
from mika.wire.ordinary import read_ordinary
from mika.wire.response import AnnounceResponse, write_announce

USERS, TORRENTS, SWARM = 1000, 100, 300
ADDRESS = b"\x7f\0\0\1"
ROUNDS = 5
HASH = bytes(20)


def make_factory(workload: Workload, clock: Any, environment: Mapping[str, str] | None = None) -> AnnounceFactory:
    """Wire the path as the process does, with every user and torrent in memory; `environment` is configuration."""
    use_huge_pages()
    config = load_config(None, {"MIKA_TRACKER__ALLOW_NON_ROUTABLE": "true", **(environment or {})})
    stores = make_stores(dict.fromkeys(("users", "torrents", "peers"), "memory:"), Path(), clock)
    folder = Path(tempfile.mkdtemp(prefix="mika-bench-"))
    atexit.register(shutil.rmtree, folder)
    journal = Journal(folder)
    journal.open()
    journal.begin(0)
    swarms = make_swarms(config.tracker, journal)
    directory = Directory(stores.users, stores.torrents, swarms, clock.seconds, lambda _kind: succeed(None))
    directory.users = {key: User(number, "", key) for number, key in enumerate(workload.passkeys, 1)}
    directory.torrents.update((each, Torrent(each, size=734003200)) for each in workload.info_hashes)
    ensureDeferred(directory.save_whitelisted(CLIENT, "what all of them are"))
    tracker = make_tracker(config, directory, swarms, journal, TorrentKeys(bytes(32)))
    return AnnounceFactory(tracker, directory, TrustedProxies([]), clock)


def requests(workload: Workload, lap: int) -> list[bytes]:
    """Return every announce once, its counters grown since the lap before."""
    first = lap * len(workload.announces)
    return [
        announce.request("/{passkey}/announce", (first + number) * BYTES_PER_ANNOUNCE, keep_alive=False)
        for number, announce in enumerate(workload.announces)
    ]


def answer_all(factory: AnnounceFactory, lap: list[bytes]) -> None:
    """Take announces from bytes to bytes."""
    for data in lap:
        factory.answer_ordinary(data, 0, ADDRESS)


def stage_times(factory: AnnounceFactory, lap: list[bytes], now: int) -> dict[str, float]:
    """Return microseconds an announce for each stage, one stage done for all announces before the next."""
    times: dict[str, float] = {}
    gc.disable()  # what one announce leaves is freed at once; only the lists here would keep it busy

    def stage(name: str, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        before = time.process_time_ns()
        results = [work(item) for item in items]
        times[name] = (time.process_time_ns() - before) / len(results) / 1000
        return results

    announces = stage("read", lambda data: read_ordinary(data, 0, ADDRESS), lap)
    answers = stage("tracker", lambda announce: factory.tracker.announce(announce[0], now), announces)
    refused = [answer for answer in answers if not isinstance(answer, AnnounceResponse)]
    if refused:
        sys.exit(f"the tracker refused {len(refused)} announces, the first with {refused[0]}")
    peers = [peer for swarm in factory.tracker.swarms for peer in swarm.peers]
    credit = Totals(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1_000_000, 1800, 1)
    journal = factory.tracker.journal
    stage("of it: the journal", lambda peer: journal.append(HASH, peer, credit, False), peers)
    bodies = stage("write the body", write_announce, answers)
    stage(
        "write the answer",
        lambda pair: write_answer(*pair),
        zip(bodies, (each[1] for each in announces), strict=True),
    )
    gc.enable()
    return times


def main() -> None:
    """Fill the swarms, then time laps of all announces; the quickest lap counts, as it was disturbed least."""
    workload = make_workload(USERS, TORRENTS, SWARM)
    clock = Clock()
    clock.advance(1_800_000_000)
    factory = make_factory(workload, clock)
    answer_all(factory, requests(workload, 0))
    whole, stages = [], []
    profiler = cProfile.Profile()
    for lap in range(1, ROUNDS * 2, 2):
        clock.advance(1800)
        announces = requests(workload, lap)
        before = time.process_time_ns()
        answer_all(factory, announces)
        whole.append((time.process_time_ns() - before) / len(announces) / 1000)
        stages.append(stage_times(factory, requests(workload, lap + 1), int(clock.seconds())))
    print(f"{'bytes to bytes':<22}{min(whole):>8.2f} us an announce")
    for name in stages[0]:
        print(f"  {name:<20}{min(times[name] for times in stages):>8.2f}")
    if "--profile" in sys.argv:
        profiler.runcall(answer_all, factory, requests(workload, ROUNDS * 2 + 1))
        pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
