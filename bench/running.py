"""The servers of some scenarios, running, and the loads on them: `run.py` and `latency.py` enter it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.load import Load, Numbers
from bench.scenarios import CLOSED, FLOOR, IPV4, IPV6, OPENTRACKER, REFUSED, SCRAPE, SETTINGS, SWARMS, Scenario
from bench.servers import Server, floor, has_ipv6, mika, need, need_compiled, opentracker
from bench.workload import Workload, make_workload, merged

Loads = dict[Scenario, Load]


def able(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Return those that this machine can measure; say which it cannot. Raise `BenchError` when a program is missing."""
    need("cc", "wrk", *({OPENTRACKER} & {each.server for each in scenarios}))
    if any(SETTINGS[each.server]["MIKA_PURE"] == "0" for each in scenarios if each.server in SETTINGS):
        need_compiled()
    if has_ipv6():
        return list(scenarios)
    print("bench: this machine has no IPv6, so nothing is measured over it", file=sys.stderr)
    return [each for each in scenarios if each.over != IPV6]


@contextmanager
def running(folder: Path, scenarios: Sequence[Scenario]) -> Iterator[Loads]:
    """Start each server once, make its users and torrents, fill its swarms; yield the load of each scenario."""
    names = sorted({each.swarms for each in scenarios})
    workloads = {name: _workload(name, seed) for seed, name in enumerate(names, 1)}
    with ExitStack() as stack:
        servers: dict[tuple[str, ...], Server] = {}
        numbers: dict[tuple[str, ...], Numbers] = {}
        filled: set[tuple[tuple[str, ...], str, str]] = set()
        loads: Loads = {}
        for each in scenarios:
            process = each.process
            if process not in servers:
                on = merged(workloads[name] for name in names if _needs(scenarios, process, name))
                servers[process] = stack.enter_context(_start(folder / f"server-{len(servers)}", each, on))
                numbers[process] = Numbers()
            file = folder / f"{each.swarms} {each.asks}".replace(" ", "-")
            asked = _asked(workloads[each.swarms], each.asks)
            if not file.exists():
                asked.write(file)
            loads[each] = Load(servers[process], asked, file, numbers[process], each.asks)
            family = IPV6 if each.over == IPV6 else IPV4  # TLS is over IPv4
            if (process, each.swarms, family) not in filled:
                filled.add((process, each.swarms, family))
                Load(servers[process], workloads[each.swarms], file, numbers[process]).fill(family)
        yield loads


def _workload(name: str, seed: int) -> Workload:
    swarms = SWARMS[name]
    return make_workload(swarms.users, swarms.torrents, swarms.peers, seed)


def _needs(scenarios: Sequence[Scenario], process: tuple[str, ...], swarms: str) -> bool:
    return any(each.process == process and each.swarms == swarms for each in scenarios)


def _asked(workload: Workload, asks: int | str) -> Workload:
    if asks == SCRAPE:
        return workload.scrapes()
    if asks == REFUSED:
        return workload.with_unknown_passkeys()
    return workload.asking(int(asks))


@contextmanager
def _start(folder: Path, scenario: Scenario, workload: Workload) -> Iterator[Server]:
    folder.mkdir()
    print(f"starting {', '.join(scenario.process)} ...", file=sys.stderr)
    if scenario.server == FLOOR:
        server = floor(folder, closes=scenario.mode == CLOSED, ipv6=scenario.over == IPV6)
    elif scenario.server == OPENTRACKER:
        server = opentracker(folder, workload)
    else:
        server = mika(folder, workload, settings=SETTINGS[scenario.server])
    with server as running_one:
        yield running_one
