"""Bytes a peer of resident memory: a million peers over 50,000 torrents, of 100,000 users, over IPv4.

`python -m bench.memory`; `MIKA_PURE=1` measures the sources. A peer has its identity, counters, times, key and
endpoint; what its swarm, its user's index and the look at its silence take is counted with it; the users and torrents
themselves are there before. The portions of `expire` are timed after that: the longest is for how long the reactor does
nothing else.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import time
from pathlib import Path

from bench.results import keep, others
from mika._arenas_cy import use_huge_pages
from mika.compiled import described
from mika.jobs import PORTION
from mika.loading import loading
from mika.model import Peer
from mika.swarm.swarms import Swarms
from mika.wire.request import AnnounceRequest

NOW = 1_800_000_000
TTL = 2700
COUNTERS_TTL = 21 * 86400


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fill(swarms: Swarms, peers: int, hashes: list[bytes], ids: list[int]) -> None:
    """Let peers join as they do when they announce, half of them seeders."""
    source = random.Random(2)
    for number in range(peers):
        info_hash = hashes[number % len(hashes)]
        user_id = ids[source.randrange(len(ids))]
        peer_id = b"-qB4650-" + source.randbytes(12)
        endpoint = source.randbytes(6)
        now = NOW + number * TTL // peers
        request = AnnounceRequest(None, info_hash, peer_id, endpoint, 1 << 33, 1 << 34, source.randrange(2) << 30)
        request.key = b"%08X" % source.getrandbits(32)
        swarm, peer = swarms.join(info_hash, user_id, peer_id, now)
        swarms.refresh(swarm, peer, request, now)


def main() -> None:
    """Fill, measure, and let everybody fall silent."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", type=int, default=1_000_000)
    parser.add_argument("--torrents", type=int, default=50_000)
    parser.add_argument("--users", type=int, default=100_000)
    options = parser.parse_args()
    load = others()
    use_huge_pages()

    def changed(_info_hash: bytes, _peer: Peer, _gone: bool) -> None:
        pass

    swarms = Swarms(TTL, COUNTERS_TTL, lambda _endpoint: True, changed)
    hashes = [random.Random(number).randbytes(20) for number in range(options.torrents)]
    ids = list(range(1, options.users + 1))
    before = resident()
    with loading():
        fill(swarms, options.peers, hashes, ids)
    taken = resident() - before
    each = taken / options.peers
    print(f"{each:.0f} bytes a peer of {options.peers:,} in {options.torrents:,} swarms ({described()})")
    passes = []
    for second in range(NOW + TTL, NOW + 2 * TTL + 2):
        due = True
        while due:
            started = time.thread_time_ns()
            swarms.expire(second, PORTION)
            passes.append(time.thread_time_ns() - started)
            due = swarms.has_due(second)
    started = time.thread_time_ns()
    gc.collect()
    collected = time.thread_time_ns() - started
    print(f"expiry: {max(passes) / 1e6:.2f} ms at most a pass, {swarms.peer_count:,} peers left")
    print(f"a whole look for cyclic garbage: {collected / 1e6:.2f} ms")
    figures = {"bytes_a_peer": each, "expiry_ms": max(passes) / 1e6, "mode": described()}
    print(f"kept in {keep('memory', vars(options), figures, load)}")


if __name__ == "__main__":
    main()
