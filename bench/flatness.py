"""Whether an announce costs the same however many peers there are: `python -m bench.flatness`.

First what the goal is about: the CPU time of a server's process, kernel and all, with a connection each, among more and
more peers in swarms of 20. Servers of all sizes take turns, and ratios are taken within a round. Then the same from
bytes to bytes, in time and in instructions, and with as many peers in fewer and larger swarms. Stores are left out:
what they take has to do with how many announce, and not with how many are there.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from twisted.internet.task import Clock

from bench.announce_path import answer_all
from bench.instructions import VALGRIND, counted
from bench.load import CLOSED, Load, Numbers
from bench.populated import INTERVAL, PATH, START, fill, parts
from bench.results import keep, others, spread
from bench.servers import end_cleanly, need, populated, scratch
from bench.workload import BYTES_PER_ANNOUNCE, Announce, Workload

SIZES = (10_000, 100_000, 1_000_000)
SWARM = 20
SWARMS = (2, 100, 1_000, 10_000)
LARGEST = 10_000

SAMPLE = 5_000
LAPS = 9
COUNTED = 5_000
"""Announces whose instructions are counted."""


def main() -> None:
    """Measure each in turn, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.flatness", description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=SIZES[-1], help="peers in memory at most (1000000)")
    parser.add_argument(
        "--rounds", type=int, default=15, help="rounds, in each of which all sizes have their turn (15)"
    )
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load a size in a round (1)")
    options = parser.parse_args()
    load = others()
    end_cleanly()
    sizes = [size for size in SIZES if size <= options.most]
    with scratch() as folder:
        need("cc", "wrk", "taskset", "valgrind", "callgrind_control")
        process = processes(folder, sizes, options.rounds, options.seconds)
        instructions = {_name(size): instructions_of(size) for size in (sizes[0], sizes[-1])}
    laps = {_name(size): laps_of(size, SWARM) for size in sizes}
    laps |= {_name(LARGEST, swarm): laps_of(LARGEST, swarm) for swarm in SWARMS}
    figures = {"process": process, "instructions": instructions, "laps": laps}
    print("CPU of the process, a connection each, us an announce")
    for name, rounds in process.items():
        times = [one / first for one, first in zip(rounds, process[_name(sizes[0])], strict=True)]
        print(f"  {name:<38}{_cells(rounds)}   times the first: {_cells(times)}")
    print("from bytes to bytes, us an announce")
    for name, each in laps.items():
        print(f"  {name:<38}{_cells(each)}")
    print("from bytes to bytes, instructions an announce")
    for name, number in instructions.items():
        print(f"  {name:<38}{number:>8,.0f}")
    print(f"kept in {keep('flatness', vars(options), figures, load)}")


def _name(peers: int, swarm: int = SWARM) -> str:
    return f"{peers:,} peers in swarms of {swarm:,}"


def _cells(figures: list[float]) -> str:
    median, least, most = spread(figures)
    return f"{median:>8.2f} ({least:.2f} - {most:.2f})"


def processes(folder: Path, sizes: list[int], rounds: int, seconds: int) -> dict[str, list[float]]:
    """Load a server of each size in turn, round after round; return microseconds of its process an announce."""
    figures: dict[str, list[float]] = {_name(size): [] for size in sizes}
    with ExitStack() as stack:
        loads = []
        for size in sizes:
            print(f"filling a server with {size:,} peers ...", file=sys.stderr)
            server, file = stack.enter_context(populated(folder, size, SWARM))
            announces = [Announce(*line.split()) for line in file.read_text().splitlines()]
            loads.append(Load(server, Workload([], [], announces), file, Numbers()))
        for number in range(rounds + 1):  # the first is not counted: it brings the peers to their first growth
            for size, load in zip(sizes, loads, strict=True):
                cost = load.measure(CLOSED, seconds).microseconds
                if number:
                    figures[_name(size)].append(cost)
    return figures


def laps_of(peers: int, swarm: int) -> list[float]:
    """Time announces from bytes to bytes, in microseconds an announce and lap: in each lap those of other peers."""
    clock = Clock()
    clock.advance(START)
    factory, sample = fill(clock, parts(peers, swarm), SAMPLE * LAPS)
    laps = []
    for number in range(LAPS):
        clock.advance(INTERVAL)
        some = [sample[place % len(sample)] for place in range(number * SAMPLE, (number + 1) * SAMPLE)]
        counter = (number + 2) * BYTES_PER_ANNOUNCE
        lap = [each.request(PATH, counter, keep_alive=False) for each in some]
        gc.disable()  # as in a tracker, where next to nothing of an announce is looked at
        began = time.process_time_ns()
        answer_all(factory, lap)
        laps.append((time.process_time_ns() - began) / len(lap) / 1000)
        gc.enable()
    return laps


def instructions_of(peers: int) -> float:
    """Count the instructions of announces from bytes to bytes among so many peers."""
    print(f"counting instructions among {peers:,} peers ...", file=sys.stderr)
    child = [sys.executable, "-m", "bench.populated", f"--peers={peers}", f"--swarm={SWARM}", f"--sample={COUNTED}"]
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    command = [*VALGRIND, "--instr-atstart=no", *child]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as one:
        return counted(one) / COUNTED


if __name__ == "__main__":
    main()
