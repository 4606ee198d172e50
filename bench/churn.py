"""Whether memory grows while clients come and go: `python -m bench.churn`, on a clock of its own.

Sessions of some 20 minutes, each with a peer id of its own; one in ten ends without a word. Their counters are kept for
half an hour here, and not for three weeks, so that after three hours as many are forgotten as come. From then on memory
is read every ten minutes of an hour: that of the process's own, without the journal's mapped files.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from twisted.internet.task import Clock

from bench.announce_path import ADDRESS, make_factory
from bench.results import keep, others
from bench.workload import CLIENT, Workload
from mika.compiled import described
from mika.jobs import PORTION
from mika.server.http import AnnounceFactory

USERS, TORRENTS = 5_000, 1_000
SESSION, INTERVAL, COUNTERS_TTL = 1200, 600, 1800
SILENT = 0.1
WARM, HOUR, EVERY = 3 * 3600, 3600, 600


class Session:
    """A client in a swarm, from its first announce to its last."""

    def __init__(self, workload: Workload, source: random.Random) -> None:
        self.passkey = source.choice(workload.passkeys)
        info_hash = "".join(f"%{byte:02x}" for byte in source.choice(workload.info_hashes))
        peer_id = CLIENT + f"{source.getrandbits(48):012x}"
        self.query = f"info_hash={info_hash}&peer_id={peer_id}&port={source.randrange(1024, 65536)}"
        self.left = source.choice((0, 1 << 30))
        self.uploaded = 0
        self.ends = source.expovariate(1 / SESSION)
        self.is_silent = source.random() < SILENT

    def request(self, event: str = "") -> bytes:
        """Return its announce, with its counter grown."""
        self.uploaded += 1 << 20
        counters = f"&uploaded={self.uploaded}&downloaded=0&left={self.left}&key=1A2B3C4D{event}&numwant=50"
        return f"GET /{self.passkey}/announce?{self.query}{counters} HTTP/1.1\r\nHost: tracker\r\n\r\n".encode()


def private() -> int:
    """Return the memory of this process that is no file's, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def live(factory: AnnounceFactory, clock: Clock, workload: Workload, peers: int) -> dict[int, tuple[int, int]]:
    """Let four hours pass; return peers and memory by the minute of the last."""
    source = random.Random(1)
    due: list[list[Session]] = [[] for _ in range(WARM + HOUR + 1)]
    swarms = factory.tracker.swarms
    found = {}
    for second in range(WARM + HOUR + 1):
        coming = [Session(workload, source) for _ in range(source.randrange(2 * peers // SESSION + 1))]
        for session in coming:
            session.ends += second
        for session in coming + due[second]:
            ending = second >= session.ends
            if not (ending and session.is_silent):
                factory.answer_ordinary(session.request("&event=stopped" if ending else ""), 0, ADDRESS)
            following = min(second + INTERVAL, max(second + 1, int(session.ends) + 1))
            if not ending and following < len(due):
                due[following].append(session)
        due[second] = []
        while swarms.has_due(int(clock.seconds())):
            swarms.expire(int(clock.seconds()), PORTION)
        clock.advance(1)
        if second >= WARM and second % EVERY == 0:
            found[(second - WARM) // 60] = swarms.peer_count, private()
    return found


def main() -> None:
    """Print what was read, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m bench.churn", description=__doc__.partition("\n")[0])
    parser.add_argument("--peers", type=int, default=20_000, help="peers at a time, about (20000)")
    options = parser.parse_args()
    load = others()
    source = random.Random(7)
    workload = Workload(
        [source.randbytes(16).hex() for _ in range(USERS)], [source.randbytes(20) for _ in range(TORRENTS)], []
    )
    clock = Clock()
    clock.advance(1_800_000_000)
    factory = make_factory(workload, clock)
    factory.tracker.swarms.counters_ttl = COUNTERS_TTL
    found = live(factory, clock, workload, options.peers)
    for minute, (peers, memory) in found.items():
        print(f"minute {minute:>2}: {peers:,} peers, {memory / 2**20:.1f} MiB ({described()})")
    figures = {
        "mode": described(),
        "announces": sum(user.totals.announces for user in factory.directory.users.values()),
        "minutes": {str(minute): {"peers": peers, "bytes": memory} for minute, (peers, memory) in found.items()},
    }
    print(f"kept in {keep('churn', vars(options), figures, load)}")


if __name__ == "__main__":
    main()
