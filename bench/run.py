"""CPU time of the server process an announce: the floor, Debian's opentracker, and mika, in turn in one run.

`make bench` calls it; `make bench ARGS="--rounds 3 --only mika"` passes options on. In each round every server is
loaded once in each mode with the same announces, so that a noisy machine spoils a round for all of them; ratios are
taken within a round.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench import profiling
from bench.load import CLOSED, KEPT, Load, Sample
from bench.servers import HERE, BenchError, floor, mika, opentracker, processors
from bench.workload import Workload, make_workload

NAMES = ("floor", "opentracker", "mika")
COMPARED = (
    (("mika", CLOSED), ("opentracker", CLOSED)),
    (("mika", KEPT), ("opentracker", CLOSED)),
    (("mika", CLOSED), ("floor", CLOSED)),
    (("mika", KEPT), ("floor", KEPT)),
)

Round = dict[tuple[str, str], Sample]
"""One turn of each server in each mode."""


def main() -> None:
    """Measure, print, and keep the figures."""
    options = _options()
    workload = make_workload(options.users, options.torrents, options.swarm)
    if (load := os.getloadavg()[0]) > 0.5:
        print(f"bench: other programs are running (load {load:.1f}); the figures will be too high", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server is left behind
    folder = Path(tempfile.mkdtemp(prefix="mika-bench-"))
    try:
        if options.profile:
            profiling.profile(folder, workload, options.seconds)
        else:
            rounds = _measure(folder, workload, options)
            print(_report(rounds))
            print(f"\nkept in {_keep(rounds, options)}")
    except BenchError as error:
        sys.exit(f"bench: {error}\nbench: what the servers wrote is in {folder}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    shutil.rmtree(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, in each of which every server has its turn (5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load a server and mode in a round (3)")
    parser.add_argument("--users", type=int, default=1000, help="users (1000)")
    parser.add_argument("--torrents", type=int, default=100, help="torrents (100)")
    parser.add_argument("--swarm", type=int, default=300, help="peers in each torrent, half of them seeders (300)")
    parser.add_argument("--only", default=",".join(NAMES), help=f"some of {','.join(NAMES)}")
    parser.add_argument("--profile", action="store_true", help="show where mika's time goes; measure nothing")
    options = parser.parse_args()
    options.only = [name for name in NAMES if name in options.only.split(",")]
    if not options.only or options.rounds < 1 or options.seconds < 1:
        parser.error("there is nothing to measure")
    wanted = ["wrk", "cc", "opentracker"] if "opentracker" in options.only else ["wrk", "cc"]
    if missing := [command for command in wanted if not shutil.which(command)]:
        parser.error(f"not installed: {', '.join(missing)}; `make bench` installs what it needs on Debian")
    return options


def _measure(folder: Path, workload: Workload, options: argparse.Namespace) -> list[Round]:
    """Start the servers, fill their swarms, and load each in turn, round after round."""
    announces = folder / "announces"
    workload.write(announces)
    with ExitStack() as running:
        turns: list[tuple[Load, str]] = []
        if "floor" in options.only:
            for mode in (CLOSED, KEPT):
                server = running.enter_context(floor(folder, closes=mode == CLOSED))
                turns.append((Load(server, workload, announces), mode))
        if "opentracker" in options.only:
            turns.append((Load(running.enter_context(opentracker(folder, workload)), workload, announces), CLOSED))
        if "mika" in options.only:
            load = Load(running.enter_context(mika(folder, workload)), workload, announces)
            turns += [(load, CLOSED), (load, KEPT)]
        for load in {id(load): load for load, _ in turns}.values():
            load.fill()
        rounds = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr)
            rounds.append({(load.server.name, mode): load.measure(mode, options.seconds) for load, mode in turns})
    return rounds


def _report(rounds: list[Round]) -> str:
    """Return the tables: CPU time an announce, the ratios that are goals, and every error that was met."""
    lines = [
        "",
        f"{'microseconds of CPU an announce':<40}{'median':>8}{'min - max':>18}{'first thread':>14}{'announces/s':>13}",
    ]
    for server, mode in rounds[0]:
        samples = [round_[server, mode] for round_ in rounds]
        first = statistics.median(sample.first_thread_ns / sample.announces / 1000 for sample in samples)
        rate = statistics.median(sample.announces / sample.seconds for sample in samples)
        figures = _spread([sample.microseconds for sample in samples], 1)
        lines.append(f"{f'{server}, {mode}':<40}{figures}{first:>14.1f}{rate:>13,.0f}")
    lines += ["", f"{'ratio, within a round':<60}{'median':>8}{'min - max':>18}"]
    for one, other in COMPARED:
        if one in rounds[0] and other in rounds[0]:
            ratios = [round_[one].microseconds / round_[other].microseconds for round_ in rounds]
            pair = f"{', '.join(one)} / {', '.join(other)}"
            lines.append(f"{pair:<60}{_spread(ratios, 2)}")
    lines += ["", *_errors(rounds)]
    return "\n".join(lines)


def _spread(figures: list[float], decimals: int) -> str:
    spread = f"{min(figures):.{decimals}f} - {max(figures):.{decimals}f}"
    return f"{statistics.median(figures):>8.{decimals}f}{spread:>18}"


def _errors(rounds: list[Round]) -> list[str]:
    lines = []
    for server, mode in rounds[0]:
        samples = [round_[server, mode] for round_ in rounds]
        totals = {kind: sum(sample.errors[kind] for sample in samples) for kind in samples[0].errors}
        if server == "opentracker" and totals["read"] <= sum(sample.announces for sample in samples):
            totals["read"] = 0
            lines.append("opentracker closes after an answer without saying so; wrk calls each of these a read error")
        if any(totals.values()):
            lines.append(f"ERRORS {server}, {mode}: {', '.join(f'{kind} {n}' for kind, n in totals.items() if n)}")
    return lines


def _keep(rounds: list[Round], options: argparse.Namespace) -> Path:
    now = dt.datetime.now(dt.UTC)
    path = HERE / "results" / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.parent.mkdir(exist_ok=True)
    document = {
        "time": now.isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "pinned": bool(processors()[0]),
        "options": vars(options),
        "rounds": [[asdict(sample) for sample in round_.values()] for round_ in rounds],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    main()
