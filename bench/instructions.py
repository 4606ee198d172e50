"""Instructions an announce from bytes to bytes, by callgrind: the figure that no other program on the machine moves.

`python -m bench.instructions`. Two runs of `announce_path.py`'s announces differ only in how many there are; the
difference of their counts, divided by the announces that one has more, is printed. valgrind must be installed.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys

from twisted.internet.task import Clock

from bench.announce_path import answer_all, make_factory, requests
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


def count(laps: int) -> int:
    """Return the instructions of a process that answers so many laps."""
    ended = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            sys.executable,
            "-m",
            __spec__.name,
            str(laps),
        ],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ended.stderr.partition("Collected : ")[2].split()[0])


def main() -> None:
    """Count both and print the difference."""
    announces = TORRENTS * SWARM * (MANY - FEW)
    print(f"{(count(MANY) - count(FEW)) / announces:,.0f} instructions an announce")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(int(sys.argv[1]))
    else:
        main()
