"""The newest figures of the bench as a part of docs/performance.md, and its plot: `python -m bench.page`.

What stands between the two markers is written anew, from `bench/results/` alone; without `--write` it is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from bench.results import newest, percentile, spread
from bench.scenarios import FLOOR, GOALS, MAIN, MIKA, MOST_PEERS, OPENTRACKER, OTHER, PLAIN
from bench.servers import HERE

DOCS = HERE.parent / "docs"
BEGIN = "<!-- written by `python -m bench.page --write` from here -->"
END = "<!-- to here -->"
COLOURS = {FLOOR: "#999999", OPENTRACKER: "#5b8db8", MIKA: "#2e8b57", PLAIN: "#9acd9a"}
FONT = 'font-family="sans-serif" font-size="13"'
Document = Mapping[str, Any]


def main() -> None:
    """Print the block, or put it into the page and draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and its plot")
    options = parser.parse_args()
    found = {kind: document for kind in PARTS if (document := newest(kind))}
    if not found:
        sys.exit("bench: nothing was measured yet; `make bench` does that")
    text = block(found)
    if not options.write:
        print(text)
        return
    page = DOCS / "performance.md"
    page.write_text(between_markers(page.read_text(), text))
    if "announces" in found:
        (DOCS / "performance.svg").write_text(plot(found["announces"]))
    print(f"written: {page}")


def between_markers(page: str, text: str) -> str:
    """Return the page with `text` in the place of what stood between the markers."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        sys.exit(f"bench: the page must have one line {BEGIN!r} and behind it one line {END!r}")
    return f"{page.partition(BEGIN)[0]}{BEGIN}\n\n{text}\n\n{END}{page.partition(END)[2]}"


def block(found: Mapping[str, Document]) -> str:
    """Return everything that was measured, each part with its machine and its time."""
    return "\n\n".join(PARTS[kind](document) for kind, document in found.items())


def _announces(document: Document) -> str:
    figures, options = document["figures"], document["options"]
    rows = [
        f"| {name} | {_with_range([each['microseconds'] for each in samples], 1)} "
        f"| {spread([each['first_thread_ns'] / each['announces'] / 1000 for each in samples]).median:.1f} "
        f"| {spread([each['answer_bytes'] for each in samples]).median:,.0f} |"
        for name, samples in figures["samples"].items()
    ]
    most = {str(goal): goal.most for goal in GOALS}
    ratios = [
        f"| {name} | {_with_range(values, 2)} | {most[name]:.1f} | {_verdict(spread(values).median, most[name])} |"
        for name, values in figures["ratios"].items()
    ]
    taken = f"{options['rounds']} rounds of {options['seconds']} s each, {options['long']} s of what goals are about."
    parts = ["### CPU time", f"{_measured_on(document)} {taken}", "![CPU time an announce](performance.svg)"]
    if ratios:
        parts.append(
            "\n".join(["| ratio, within a round | median | min - max | goal | |", "|---|---|---|---|---|", *ratios])
        )
    head = "| microseconds an announce | median | min - max | of it, first thread | bytes of an answer |"
    parts.append("\n".join([head, "|---|---|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _latency(document: Document) -> str:
    names = ("p50", "p99", "p99.9", "longest", "late")
    head = f"| milliseconds | announces a second | {' | '.join(names)} |"
    rows = []
    for scenario, rounds in document["figures"].items():
        cells = [spread([each[name] for each in rounds]) for name in names]
        text = " | ".join(f"{cell.median:.2f} ({cell.least:.2f} - {cell.most:.2f})" for cell in cells)
        rows.append(f"| {scenario} | {rounds[0]['rate']:,.0f} | {text} |")
    words = (
        "Announces come at the rate that keeps the server busy half of its time, or that the load can keep up, each at "
        "a moment of its own, and wait from then on. Medians of the rounds (min - max); late is by how much the load "
        "itself was behind for one in a hundred, which is in the other figures too."
    )
    table = "\n".join([head, "|---" * (len(names) + 2) + "|", *rows])
    return "\n\n".join(["### Latency at half load", f"{_measured_on(document)} {words}", table])


def _instructions(document: Document) -> str:
    rows = [f"| {name} | {count:,.0f} |" for name, count in document["figures"].items()]
    table = "\n".join(["| from bytes to bytes | instructions an announce |", "|---|---|", *rows])
    return "\n\n".join(["### Instructions", _measured_on(document), table])


def _memory(document: Document) -> str:
    figures, options = document["figures"], document["options"]
    return "\n\n".join(
        (
            "### Memory and expiry",
            _measured_on(document),
            f"| {options['peers']:,} peers in {options['torrents']:,} swarms, {figures['mode']} | | goal | |\n"
            "|---|---|---|---|\n"
            + _goal_row("bytes a peer", figures["bytes_a_peer"], 200, 0)
            + "\n"
            + _goal_row("longest pass of expiry, ms", figures["expiry_ms"], 5, 2),
        )
    )


def _flatness(document: Document) -> str:
    """Show the process, which the goal is about, and what of it is ours, in time and in instructions."""
    figures = document["figures"]
    process: dict[str, list[float]] = figures["process"]
    fewest = next(iter(process.values()))
    rows = []
    for name, rounds in process.items():
        times = spread([one / first for one, first in zip(rounds, fewest, strict=True)]).median
        rows.append(
            f"| {name} | {_with_range(rounds, 1)} | {times:.2f} | {MOST_PEERS} | {_verdict(times, MOST_PEERS)} |"
        )
    head = (
        "| the process, a connection each, microseconds an announce | median | min - max | times the first | goal | |"
    )
    laps = [
        f"| {name} | {_with_range(each, 2)} | {_count(figures['instructions'].get(name))} |"
        for name, each in figures["laps"].items()
    ]
    ours = "| from bytes to bytes, microseconds an announce | median | min - max | instructions |"
    return "\n\n".join(
        (
            "### Peers in memory, and in one swarm",
            _measured_on(document),
            "\n".join([head, "|---" * 6 + "|", *rows]),
            "\n".join([ours, "|---" * 4 + "|", *laps]),
        )
    )


def _count(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"


def _churn(document: Document) -> str:
    minutes = document["figures"]["minutes"]
    rows = [f"| {minute} | {each['peers']:,} | {each['bytes'] / 2**20:.1f} |" for minute, each in minutes.items()]
    table = "\n".join(["| minute | peers | MiB, the process's own |", "|---|---|---|", *rows])
    words = (
        f"Clients come and go, {document['figures']['announces']:,} announces in all, {document['figures']['mode']}."
    )
    return "\n\n".join(["### An hour of churn", f"{_measured_on(document)} {words}", table])


def _crowded(document: Document) -> str:
    rows = []
    for situation, latencies in document["figures"].items():
        p50, p99, most = (percentile(latencies, share) for share in (50, 99, 100))
        rows.append(f"| {situation} | {p50:.2f} | {p99:.2f} | {most:.2f} | {_verdict(p99, 100)} |")
    head = "| milliseconds that a good client waits | p50 | p99 | longest | p99 at most 100 |"
    return "\n\n".join(["### Beside others", _measured_on(document), "\n".join([head, "|---|---|---|---|---|", *rows])])


PARTS: dict[str, Callable[[Document], str]] = {
    "announces": _announces,
    "latency": _latency,
    "instructions": _instructions,
    "memory": _memory,
    "flatness": _flatness,
    "churn": _churn,
    "crowded": _crowded,
}
"""How each kind of figures is shown, in the order of the page."""


def _measured_on(document: Document) -> str:
    """Say when, what and on what; and how busy the machine was with other things, which is what spoils figures."""
    pinned = "the load on a processor of its own" if document["pinned"] else "server and load on one processor"
    return (
        f"{document['time'][:10]}, mika {document['mika']}; {document['machine']}; {pinned}; "
        f"other programs kept {document['load']:.1f} processors busy."
    )


def _with_range(values: list[float], decimals: int) -> str:
    median, least, most = spread(values)
    return f"{median:.{decimals}f} | {least:.{decimals}f} - {most:.{decimals}f}"


def _goal_row(name: str, value: float, most: float, decimals: int) -> str:
    return f"| {name} | {value:.{decimals}f} | {most} | {_verdict(value, most)} |"


def _verdict(value: float, most: float) -> str:
    return "met" if value <= most else "**missed**"


def plot(document: Document) -> str:
    """Draw the main scenarios as bars, with a line from the least to the most."""
    samples = document["figures"]["samples"]
    bars = [
        (each, spread([one["microseconds"] for one in samples[str(each)]]))
        for each in (*MAIN, *OTHER)
        if str(each) in samples and (each in MAIN or not any(str(one) in samples for one in MAIN))
    ]
    scale = 400 / max(bar.most for _, bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{50 + 28 * len(bars)}" {FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="280" y="24" font-weight="bold">microseconds of CPU an announce; less is better</text>',
    ]
    for row, (scenario, bar) in enumerate(bars):
        top = 40 + 28 * row
        colour = COLOURS.get(scenario.server, COLOURS[MIKA])
        lines += [
            f'<text x="270" y="{top + 15}" text-anchor="end">{escape(str(scenario))}</text>',
            f'<rect x="280" y="{top}" width="{bar.median * scale:.1f}" height="20" fill="{colour}"/>',
            f'<path d="M{280 + bar.least * scale:.1f} {top + 10}H{280 + bar.most * scale:.1f}" stroke="black"/>',
            f'<text x="{288 + bar.most * scale:.1f}" y="{top + 15}">{bar.median:.1f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
