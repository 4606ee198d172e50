"""The figures of `/v1/stats` as the lines that `mika client top` shows: pure, the most important first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mika.cli.command import visible
from mika.cli.tables import duration, size

Stats = Mapping[str, Any]
Row = Sequence[str]

NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}

WORST = 6
"""Refusals that are shown: the most frequent ones."""

LONGEST = 40
"""Characters of the name of a torrent that are shown: an info hash fits."""

SLOW_REACTOR = 0.1
"""Seconds of lag that are worth a warning."""


def head(stats: Stats, url: str, version: str) -> str:
    """Return the first line: which tracker, and since when."""
    return visible(f"mika {version} at {url}, up {duration(int(stats['uptime']))}")


def trouble(stats: Stats) -> list[str]:
    """Return what an operator should look at, a line each; none if all is well."""
    lines = [
        f"the {store['kind']} store does not take what is written: {store['waiting']:,} announces wait, "
        f"the oldest for {duration(int(store['oldest_waiting_seconds']))}"
        for store in stats["stores"]
        if not store["ok"]
    ]
    if not stats["journal"]["on_disk"]:
        lines.append("the journal cannot be written: what is credited now is lost if the machine dies")
    lag = stats.get("lag_p99")
    if lag is not None and lag > SLOW_REACTOR:
        lines.append(f"the tracker is behind by {lag * 1000:.0f} ms: it has more to do than this machine can")
    return [visible(line) for line in lines]


def tables(stats: Stats) -> Iterator[tuple[Row, list[Row]]]:
    """Yield tables as heads and rows, first the one that is missed most in a small terminal."""
    yield ("a second", "announces", "scrapes", "refused"), list(_rates(stats))
    yield ("peers", "seeders", "leechers"), list(_peers(stats))
    yield (
        ("store", "state", "waiting", "oldest", "rows written", "failures"),
        [_store(each) for each in stats["stores"]],
    )
    yield ("memory", ""), _memory(stats)
    refusals = sorted(stats["refusals"].items(), key=lambda each: -each[1])[:WORST]
    yield ("refused since the start", ""), [(visible(code), f"{count:,}") for code, count in refusals if count]
    yield (
        ("torrents with the most peers", "seeders", "leechers", "completed"),
        [_torrent(each) for each in stats["busiest"]],
    )


def _rates(stats: Stats) -> Iterator[Row]:
    yield ("all", *_flow(stats["total"]))
    for protocol, families in stats["protocols"].items():
        for family, flow in families.items():
            if flow["announces"] or flow["scrapes"] or flow["refused"]:
                yield (visible(f"{protocol} {NAMES.get(family, family)}"), *_flow(flow))


def _flow(flow: Mapping[str, Any]) -> Row:
    return tuple(f"{flow[f'{name}_per_second']:,.1f}" for name in ("announces", "scrapes", "refused"))


def _peers(stats: Stats) -> Iterator[Row]:
    swarms = stats["swarms"]
    yield (f"{swarms['peers']:,} in {swarms['swarms']:,} swarms", f"{swarms['seeders']:,}", f"{swarms['leechers']:,}")
    for family, sides in swarms["families"].items():
        yield (visible(NAMES.get(family, family)), f"{sides['seeders']:,}", f"{sides['leechers']:,}")


def _store(store: Mapping[str, Any]) -> Row:
    oldest = duration(int(store["oldest_waiting_seconds"])) if store["waiting"] else "-"
    numbers = (f"{store[name]:,}" for name in ("rows", "failures"))
    return (visible(store["kind"]), "ok" if store["ok"] else "DOWN", f"{store['waiting']:,}", oldest, *numbers)


def _torrent(torrent: Mapping[str, Any]) -> Row:
    name = visible(torrent["name"]) or torrent["info_hash"]
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return (shown, *(f"{torrent[side]:,}" for side in ("seeders", "leechers", "completed")))


def _memory(stats: Stats) -> list[Row]:
    memory, journal, moved = stats["memory"], stats["journal"], stats["transferred"]
    return [
        ("users, info hashes", f"{memory['users']:,}, {memory['info_hashes']:,}"),
        ("connections", f"{stats['connections']['open']:,}"),
        ("journal", size(journal["bytes"])),
        ("credited up, down", f"{size(moved['uploaded'])}, {size(moved['downloaded'])}"),
    ]
