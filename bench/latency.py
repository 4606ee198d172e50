"""How long an announce waits for its answer while a server is half busy: p50, p99 and p99.9, by `paced.c`.

`python -m bench.latency`. Half load is the rate at which a server is busy half of its time, by what an announce
costs it, which is measured first; or four fifths of what the load can send at all, if that is less. Each announce is
due at a time of its own and waits from then on, sent or not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.load import CONNECTIONS, KEPT, Load
from bench.results import keep, others, percentile, spread
from bench.running import able, running
from bench.scenarios import WAITS, Scenario
from bench.servers import BenchError, compiled, end_cleanly, processors, scratch

SHARES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "longest": 100.0}
SENT = 0.8
"""Part of the announces that one processor can send as fast as it can: with more, it is the load that is late."""

PATIENCE = 60
"""Seconds in which all of it must be over, after the last announce was due."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What became of announces at a rate: nanoseconds until each was sent, and until it was answered, sorted."""

    rate: float
    sent: list[int]
    answered: list[int]

    def figures(self) -> dict[str, float]:
        """Return milliseconds; `late` is how late the load itself was for one of a hundred."""
        waits = {name: percentile(self.answered, share) / 1e6 for name, share in SHARES.items()}
        return {"rate": self.rate, **waits, "late": percentile(self.sent, 99) / 1e6}


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds, in each of which all have their turn (3)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds of load a scenario in a round (5)")
    options = parser.parse_args()
    load = others()
    end_cleanly()
    with scratch() as folder:
        figures = _measure(folder, options)
    print(report(figures))
    print(f"\nkept in {keep('latency', vars(options), figures, load)}")


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    scenarios = able(WAITS)
    figures: dict[str, list[dict[str, float]]] = {str(each): [] for each in scenarios}
    with running(folder, scenarios) as loads:
        samples = {each: loads[each].measure(each.mode, 2) for each in scenarios}
        rates = {
            each: min(0.5e6 / sample.microseconds, SENT * sample.announces / sample.seconds)
            for each, sample in samples.items()
        }
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr)
            for each in scenarios:
                waits = announce_steadily(loads[each], each, rates[each], options.seconds)
                figures[str(each)].append(waits.figures())
                loads[each].clocks_at_rest()
    return figures


def announce_steadily(load: Load, scenario: Scenario, rate: float, seconds: float) -> Waits:
    """Announce `rate` times a second; raise `BenchError` when one is not answered with a success."""
    kept = scenario.mode == KEPT
    requests = b"".join(load.requests(max(1, int(rate * seconds)), keep_alive=kept))
    host, port = load.server.at(scenario.over)
    command = [
        *processors()[1],
        str(compiled("paced")),
        host,
        str(port),
        f"{rate:.3f}",
        str(CONNECTIONS if kept else 0),
    ]
    try:
        ended = subprocess.run(command, input=requests, capture_output=True, timeout=seconds + PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{scenario}: the load at {rate:,.0f} announces a second did not end") from None
    if ended.returncode:
        raise BenchError(f"{scenario}: {ended.stderr.decode(errors='replace').strip()}")
    both = array("Q", ended.stdout)
    return Waits(rate, sorted(both[::2]), sorted(both[1::2]))


def report(figures: dict[str, list[dict[str, Any]]]) -> str:
    """Return the table: the median of the rounds, and the largest."""
    names = [*SHARES, "late"]
    lines = [
        "",
        f"{'ms at half load, median (largest)':<40}{'a second':>10}" + "".join(f"{each:>17}" for each in names),
    ]
    for scenario, rounds in figures.items():
        cells = [spread([each[name] for each in rounds]) for name in names]
        text = "".join(f"{f'{cell.median:.2f} ({cell.most:.2f})':>17}" for cell in cells)
        lines.append(f"{scenario:<40}{rounds[0]['rate']:>10,.0f}{text}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
