"""CPU time of the server process an announce: the floor, Debian's opentracker, and mika, in turn in one run.

`python -m bench.run`; `--only "mika, kept alive"` picks lines of `scenarios.py` by what is in their names. In each
round every scenario has its turn, so that a noisy machine spoils a round for all; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import profiling
from bench.load import Sample
from bench.results import keep, others, spread
from bench.running import able, running
from bench.scenarios import GOALS, JUDGED, MAIN, OPENTRACKER, OTHER, SWARMS, Scenario
from bench.servers import end_cleanly, scratch
from bench.workload import make_workload

Round = dict[Scenario, Sample]
"""One turn of each scenario."""


def main() -> None:
    """Measure, print, and keep the figures."""
    options = _options()
    load = others()
    if load > 0.2:
        words = f"other programs keep {load:.1f} processors busy; the figures will be too high"
        print(f"bench: {words}", file=sys.stderr)
    end_cleanly()
    with scratch() as folder:
        if options.profile:
            profiling.profile(folder, make_workload(*asdict(SWARMS["middle"]).values()), options.seconds)
        else:
            rounds = _measure(folder, options)
            print(report(rounds))
            print(f"\nkept in {keep('announces', vars(options), as_figures(rounds), load)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, in each of which all have their turn (5)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of load a scenario in a round (2)")
    parser.add_argument("--long", type=int, default=20, help="seconds of load for those that goals are about (20)")
    parser.add_argument("--main", action="store_true", help="only what the goals are about")
    parser.add_argument("--only", default="", metavar="WORDS", help="only scenarios with these words in their names")
    parser.add_argument("--list", action="store_true", help="name the scenarios; measure nothing")
    parser.add_argument("--profile", action="store_true", help="show where mika's time goes; measure nothing")
    options = parser.parse_args()
    options.scenarios = [each for each in (MAIN if options.main else MAIN + OTHER) if options.only in str(each)]
    if options.list:
        print("\n".join(map(str, options.scenarios)))
        sys.exit()
    if not options.scenarios or min(options.rounds, options.seconds, options.long) < 1:
        parser.error("there is nothing to measure")
    return options


def _measure(folder: Path, options: argparse.Namespace) -> list[Round]:
    """Start the servers, fill their swarms, and load each in turn, round after round."""
    scenarios = able(options.scenarios)
    options.scenarios = [str(each) for each in scenarios]
    with running(folder, scenarios) as loads:
        rounds = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr)
            seconds = {each: options.long if each in JUDGED else options.seconds for each in scenarios}
            rounds.append({each: loads[each].measure(each.mode, seconds[each], each.over) for each in scenarios})
    return rounds


def as_figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """Return the samples by the names of their scenarios, and the ratios that are goals, one of each a round."""
    ratios = {
        str(goal): [round_[goal.one].microseconds / round_[goal.other].microseconds for round_ in rounds]
        for goal in GOALS
        if goal.one in rounds[0] and goal.other in rounds[0]
    }
    samples = {
        str(each): [asdict(round_[each]) | {"microseconds": round_[each].microseconds} for round_ in rounds]
        for each in rounds[0]
    }
    return {"samples": samples, "ratios": ratios}


def report(rounds: Sequence[Round]) -> str:
    """Return the tables: CPU time an announce, the ratios that are goals, and every error that was met."""
    lines = [
        "",
        f"{'microseconds of CPU an announce':<52}{'median':>8}{'min - max':>18}{'first thread':>14}{'a second':>11}",
    ]
    for each in rounds[0]:
        samples = [round_[each] for round_ in rounds]
        first = spread([sample.first_thread_ns / sample.announces / 1000 for sample in samples]).median
        rate = spread([sample.announces / sample.seconds for sample in samples]).median
        figures = _cells([sample.microseconds for sample in samples], 1)
        lines.append(f"{each!s:<52}{figures}{first:>14.1f}{rate:>11,.0f}")
    lines += ["", f"{'ratio, within a round':<70}{'median':>8}{'min - max':>18}{'goal':>8}"]
    most = {str(goal): goal.most for goal in GOALS}
    for name, ratios in as_figures(rounds)["ratios"].items():
        lines.append(f"{name:<70}{_cells(ratios, 2)}{most[name]:>8.1f}")
    return "\n".join([*lines, "", *_errors(rounds)])


def _cells(figures: Sequence[float], decimals: int) -> str:
    median, least, most = spread(figures)
    return f"{median:>8.{decimals}f}{f'{least:.{decimals}f} - {most:.{decimals}f}':>18}"


def _errors(rounds: Sequence[Round]) -> list[str]:
    lines = []
    for each in rounds[0]:
        samples = [round_[each] for round_ in rounds]
        totals = {kind: sum(sample.errors[kind] for sample in samples) for kind in samples[0].errors}
        if each.server == OPENTRACKER and totals["read"] <= sum(sample.announces for sample in samples):
            totals["read"] = 0  # it closes after an answer without saying so; wrk calls each of these a read error
        if any(totals.values()):
            lines.append(f"ERRORS {each}: {', '.join(f'{kind} {n}' for kind, n in totals.items() if n)}")
    return lines


if __name__ == "__main__":
    main()
