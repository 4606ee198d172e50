"""What requests to the admin API cost those who announce: latencies of announces alone and beside the API, in turn.

`python -m bench.api_load`; `make bench` runs it. In each round announces come at a steady rate three times: alone,
beside the API on kept connections, and beside the API on a new TLS connection for each request, as a site in PHP does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.results import keep, others
from bench.servers import BenchError, Server, end_cleanly, mika, processors, scratch
from bench.workload import BYTES_PER_ANNOUNCE, Workload, make_workload

ALONE, KEPT, NEW = "alone", "API, kept connections", "API, a connection each"
MODES = (ALONE, KEPT, NEW)
GOAL = 10.0
"""Milliseconds by which the 99th percentile of announces may be longer beside the API."""

Figures = dict[str, float]
Round = dict[str, dict[str, Figures]]
"""By mode: figures of "announces" and, beside the API, of "requests"; and the share of a processor that mika took."""


def main() -> None:
    """Measure, print, and keep the figures."""
    options = _options()
    load = others()
    end_cleanly()
    workload = make_workload(options.users, options.torrents, 300)
    with scratch() as folder, mika(folder, workload) as server:
        rounds = []
        counter = 1
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr)
            measured: Round = {}
            for mode in MODES:
                counter += 1
                measured[mode] = _measure(folder, server, workload, options, mode, counter)
            rounds.append(measured)
    print(_report(rounds))
    print(f"\nkept in {keep('api-load', vars(options), rounds, load)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.api_load", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each of which has every mode once (3)")
    parser.add_argument("--seconds", type=int, default=20, help="seconds of load a mode in a round (20)")
    parser.add_argument("--announces", type=int, default=1000, help="announces a second (1000)")
    parser.add_argument("--requests", type=int, default=200, help="requests to the API a second (200)")
    parser.add_argument("--users", type=int, default=1000, help="users (1000)")
    parser.add_argument("--torrents", type=int, default=100, help="torrents (100)")
    return parser.parse_args()


def _measure(
    folder: Path, server: Server, workload: Workload, options: argparse.Namespace, mode: str, lap: int
) -> dict[str, Figures]:
    """Load the server in one mode."""
    common = {"seconds": options.seconds, "processors": _load_processors()}
    counter = lap * BYTES_PER_ANNOUNCE * len(workload.announces)
    announces = [each.request(server.path, counter, keep_alive=False).decode() for each in workload.announces]
    cpu_ns = server.cpu_ns()
    running = {"announces": _start(common | {"port": server.port, "rate": options.announces, "announces": announces})}
    if mode != ALONE:
        state = folder / "mika-state"
        plan = {
            "port": urlsplit((state / "api-url").read_text().strip()).port,
            "token": (state / "api-token").read_text().strip(),
            "certificate": str(state / "api-certificate.pem"),
            "kept": mode == KEPT,
            "rate": options.requests,
            "requests": list(api_requests(workload, options.requests * options.seconds, lap)),
        }
        running["requests"] = _start(common | plan)
    figures = {name: _figures(json.loads(_end(name, process))) for name, process in running.items()}
    return figures | {"mika": {"processor": (server.cpu_ns() - cpu_ns) / 1e9 / options.seconds}}


def api_requests(workload: Workload, count: int, lap: int) -> Iterator[tuple[str, str, Any]]:
    """Yield what a site asks: mostly one user or torrent, pages of a list, counts for a page, changes, and metrics."""
    hashes = [info_hash.hex() for info_hash in workload.info_hashes]
    users = len(workload.passkeys)
    for number in range(count):
        kind = number % 20
        one, torrent = number * 7 % users + 1, hashes[number * 7 % len(hashes)]
        if kind < 6:
            yield "GET", f"/v1/users/{one}", None
        elif kind < 10:
            yield "GET", f"/v1/torrents/{torrent}", None
        elif kind < 12:
            yield "GET", f"/v1/stats?torrents={','.join(hashes[:50])}", None
        elif kind < 14:
            yield "PATCH", f"/v1/users/{one}", {"name": f"user {lap} {number}"}
        elif kind < 16:
            yield "POST", "/v1/torrents", {"info_hash": f"{lap:08x}{number:032x}", "name": "new", "size": 1}
        else:
            yield "GET", ("/v1/users?limit=100", "/v1/torrents?limit=100", "/v1/status", "/metrics")[kind - 16], None


def _load_processors() -> list[int]:
    """Return the processors of the load: all but the server's, if it has one of its own."""
    pinned = processors()[1]
    return [int(pinned[-1])] if pinned else sorted(os.sched_getaffinity(0))


def _start(plan: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.steady"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(plan).encode())
    process.stdin.close()
    process.stdin = None
    return process


def _end(name: str, process: subprocess.Popen[bytes]) -> bytes:
    output, errors = process.communicate()
    if process.returncode:
        raise BenchError(f"the load of {name} failed: {errors.decode(errors='replace').strip().splitlines()[-1]}")
    return output


def _figures(latencies: list[float]) -> Figures:
    ordered = sorted(latencies)
    return {
        "count": len(ordered),
        **{f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 90, 99)},
        "max": ordered[-1],
    }


def _report(rounds: list[Round]) -> str:
    lines = ["", f"{'milliseconds, median of the rounds (largest)':<46}{'p50':>16}{'p99':>18}{'max':>18}"]
    for mode in MODES:
        for name in ("announces", "requests") if mode != ALONE else ("announces",):
            figures = [round_[mode][name] for round_ in rounds]
            cells = [_cell([each[key] for each in figures]) for key in ("p50", "p99", "max")]
            lines.append(f"{f'{name}, {mode}':<46}{cells[0]:>16}{cells[1]:>18}{cells[2]:>18}")
    for mode in MODES:
        shares = [round_[mode]["mika"]["processor"] for round_ in rounds]
        lines.append(f"{f'mika, {mode}':<46}{statistics.median(shares):>16.1%} of a processor")
    for mode in (KEPT, NEW):
        more = [round_[mode]["announces"]["p99"] - round_[ALONE]["announces"]["p99"] for round_ in rounds]
        verdict = "within the goal" if statistics.median(more) < GOAL else "MISSES THE GOAL"
        lines.append(f"p99 of announces beside {mode}: {statistics.median(more):+.2f} ms, {verdict} of {GOAL:.0f} ms")
    return "\n".join(lines)


def _cell(figures: list[float]) -> str:
    return f"{statistics.median(figures):.2f} ({max(figures):.2f})"


if __name__ == "__main__":
    main()
