"""What the parts of the bench found, kept as JSON in `bench/results/`, and the statistics that all of them use.

A file is named by its kind and its time; `page.py` reads the newest of each kind.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.servers import HERE, processors
from mika import __version__

FOLDER = HERE / "results"
LOOK = 1.0
"""Seconds."""


class Spread(NamedTuple):
    """The median of some figures, and the smallest and the largest of them."""

    median: float
    least: float
    most: float


def spread(figures: Sequence[float]) -> Spread:
    """Return the spread of at least one figure."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the least figure that at least `share` percent of the ordered figures do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def others() -> float:
    """Return how many processors other programs keep busy: what spoils figures. To be asked before a measurement.

    The load average of the system would remember the part of the bench that ran before.
    """
    counted = [_processor_ticks()]
    time.sleep(LOOK)
    counted.append(_processor_ticks())
    return (counted[1] - counted[0]) / os.sysconf("SC_CLK_TCK") / LOOK


def _processor_ticks() -> int:
    """Return the time that all processors were busy so far, whatever with: user, nice, system, irq, softirq, steal."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return sum(int(fields[place]) for place in (1, 2, 3, 6, 7, 8))


def keep(kind: str, options: dict[str, Any], figures: Any, load: float, folder: Path = FOLDER) -> Path:
    """Write figures with what they were measured on; `load` is what `others` said before."""
    now = dt.datetime.now(dt.UTC)
    path = folder / f"{kind}-{now:%Y-%m-%dT%H%M%S.%fZ}.json"
    path.parent.mkdir(exist_ok=True)
    document = {
        "kind": kind,
        "time": now.isoformat(timespec="seconds"),
        "mika": f"{__version__} {_commit()}".strip(),
        "machine": f"{_processor()}, {os.cpu_count()} processors, {platform.platform()}, "
        f"Python {platform.python_version()}",
        "pinned": bool(processors()[0]),
        "load": round(load, 1),
        "options": options,
        "figures": figures,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def newest(kind: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Return what was kept last of a kind; None when nothing was."""
    paths = sorted(folder.glob(f"{kind}-????-??-??T*.json"))
    if not paths:
        return None
    document: dict[str, Any] = json.loads(paths[-1].read_text())
    return document


def _commit() -> str:
    """Name the commit that was measured, with a + when files were changed since."""
    git = ["git", "-C", str(HERE), "describe", "--always", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
