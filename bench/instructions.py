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
from bench.results import keep, others
from bench.scenarios import MIKA, PLAIN
from bench.servers import BenchError, end_cleanly, need, need_compiled
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


def started(laps: int, settings: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process that answers so many laps and counts its instructions."""
    command = [*VALGRIND, sys.executable, "-m", __spec__.name, str(laps)]
    environment = os.environ | {"PYTHONHASHSEED": "0"} | settings
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def counted(process: subprocess.Popen[str]) -> int:
    """Return its instructions when it has ended."""
    _, words = process.communicate()
    collected = words.partition("Collected : ")[2].split()
    if process.returncode or not collected:
        raise BenchError("\n".join(["valgrind failed:", *words.strip().splitlines()[-5:]]))
    return int(collected[0])


def main() -> None:
    """Count with few laps and with many, all at once, which changes no count; print the differences, and keep them."""
    load = others()
    end_cleanly()
    modes = {MIKA: {"MIKA_PURE": "0"}, PLAIN: {"MIKA_PURE": "1"}}
    running: list[subprocess.Popen[str]] = []
    try:
        need("valgrind")
        need_compiled()
        for settings in modes.values():
            running += [started(MANY, settings), started(FEW, settings)]
        counts = [counted(process) for process in running]
    except BenchError as error:
        sys.exit(f"bench: {error}")
    finally:
        for process in running:
            process.kill()
    announces = TORRENTS * SWARM * (MANY - FEW)
    pairs = zip(modes, counts[::2], counts[1::2], strict=True)
    figures = {name: (many - few) / announces for name, many, few in pairs}
    for name, each in figures.items():
        print(f"{each:,.0f} instructions an announce, {name}")
    print(f"kept in {keep('instructions', {}, figures, load)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(int(sys.argv[1]))
    else:
        main()
