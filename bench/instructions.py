"""Instructions an announce from bytes to bytes, by callgrind: the figure that no other program on the machine moves.

`python -m bench.instructions`. Two runs of `announce_path.py`'s announces differ only in how many there are; the
difference of their counts, divided by the announces that one has more, is printed. valgrind must be installed.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys

from twisted.internet.task import Clock

from bench.announce_path import answer_all, make_factory, requests
from bench.results import keep
from bench.scenarios import MIKA, PLAIN
from bench.servers import end_cleanly
from bench.workload import make_workload

USERS, TORRENTS, SWARM = 200, 20, 50
FEW, MANY = 2, 4
VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def work(laps: int) -> None:
    """Answer every announce once a lap."""
    workload = make_workload(USERS, TORRENTS, SWARM)
    clock = Clock()
    clock.advance(1_800_000_000)
    factory = make_factory(workload, clock)
    gc.disable()  # as in a tracker, where next to nothing of an announce is looked at
    for data in [requests(workload, lap) for lap in range(MANY)][:laps]:
        clock.advance(1800)
        answer_all(factory, data)


def count(laps: int, *, pure: bool) -> int:
    """Return the instructions of a process that answers so many laps."""
    command = [*VALGRIND, sys.executable, "-m", __spec__.name, str(laps)]
    environment = os.environ | {"PYTHONHASHSEED": "0", "MIKA_PURE": "1" if pure else "0"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    collected = ended.stderr.partition("Collected : ")[2].split()
    if ended.returncode or not collected:
        last = ended.stderr.strip().splitlines()[-5:]
        sys.exit("\n".join(["bench: valgrind failed:", *last]))
    return int(collected[0])


def main() -> None:
    """Count both, print the difference, and keep it."""
    if not shutil.which("valgrind"):
        sys.exit("bench: not installed: valgrind; `make bench` installs what it needs on Debian")
    load = os.getloadavg()[0]
    end_cleanly()
    announces = TORRENTS * SWARM * (MANY - FEW)
    figures = {}
    for name, pure in ((MIKA, False), (PLAIN, True)):
        figures[name] = (count(MANY, pure=pure) - count(FEW, pure=pure)) / announces
        print(f"{figures[name]:,.0f} instructions an announce, {name}", flush=True)
    print(f"kept in {keep('instructions', {}, figures, load)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(int(sys.argv[1]))
    else:
        main()
