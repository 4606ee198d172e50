"""Where mika's time goes under the benchmark's load: its functions by cProfile, then everything by perf if present.

`python -m bench.run --profile` calls it. cProfile makes every call dearer, so its shares lead and its times do not
count.
"""

from __future__ import annotations

import pstats
import shutil
import subprocess
from pathlib import Path

from bench.load import CLOSED, KEPT, Load, Numbers
from bench.servers import mika
from bench.workload import Workload

TOP = 30


def profile(folder: Path, workload: Workload, seconds: int) -> None:
    """Print the top functions of mika under load, for each mode."""
    announces = folder / "announces"
    workload.write(announces)
    for mode in (CLOSED, KEPT):
        run = folder / mode.replace(" ", "-")
        run.mkdir()
        stats = run / "cprofile"
        with mika(run, workload, ("--profiler=cprofile", f"--profile={stats}", "--savestats")) as server:
            load = Load(server, workload, announces, Numbers())
            load.fill()
            load.measure(mode, seconds)
        print(f"\n=== cProfile, {mode} (includes the start and the filling of the swarms)")
        pstats.Stats(str(stats)).strip_dirs().sort_stats("tottime").print_stats(TOP)
    if shutil.which("perf"):
        _perf(folder, workload, announces, seconds)


def _perf(folder: Path, workload: Workload, announces: Path, seconds: int) -> None:
    run = folder / "perf"
    run.mkdir()
    with mika(run, workload) as server:
        load = Load(server, workload, announces, Numbers())
        load.fill()
        for mode in (CLOSED, KEPT):
            data = run / mode.replace(" ", "-")
            with subprocess.Popen(
                ["perf", "record", "-q", "-F", "999", "-p", str(server.pid), "-o", data, "sleep", str(seconds)]
            ):
                load.measure(mode, seconds)
            print(f"\n=== perf, {mode}: by shared object, then by symbol", flush=True)
            report = ["perf", "report", "-q", "--stdio", "--no-children", "-i", str(data)]
            for keys in ("dso", "dso,symbol"):
                result = subprocess.run([*report, "--sort", keys], capture_output=True, text=True, check=False)
                print("\n".join([line for line in result.stdout.splitlines() if line.strip()][:TOP]))
