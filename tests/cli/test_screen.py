"""What `mika client top` makes of the figures: what is wrong goes first; nothing reaches the terminal as it came."""

from __future__ import annotations

import pytest

from mika.cli import screen

FLOW = {
    "announces": 5,
    "scrapes": 0,
    "refused": 1,
    "announces_per_second": 1234.5,
    "scrapes_per_second": 0.0,
    "refused_per_second": 0.1,
}
FURTHER = ("refused since the start", "torrents with the most peers")
IDLE = dict.fromkeys(FLOW, 0)


def stats(**changes):
    """Return figures of a tracker that is well."""
    store = {
        "kind": "users",
        "ok": True,
        "waiting": 0,
        "oldest_waiting_seconds": 0.0,
        "batches": 1,
        "rows": 2,
        "failures": 0,
    }
    return {
        "uptime": 93_784,
        "total": FLOW,
        "protocols": {"http": {"ipv4": FLOW, "ipv6": IDLE}},
        "refusals": {"passkey_invalid": 1, "scrape_all": 0},
        "swarms": {
            "swarms": 2,
            "peers": 3000,
            "seeders": 1000,
            "leechers": 2000,
            "families": {"ipv4": {"seeders": 1000, "leechers": 2000}},
        },
        "transferred": {"uploaded": 1 << 30, "downloaded": 0},
        "connections": {"open": 7},
        "memory": {"users": 1, "info_hashes": 2},
        "journal": {"bytes": 1 << 20, "on_disk": True},
        "stores": [store | changes.pop("store", {})],
        "lag_p99": 0.001,
        "busiest": [],
    } | changes


def test_head() -> None:
    """Which tracker, and since when; whatever it says of itself."""
    assert screen.head(stats(), "https://t.example", "1.0\x1b[31m") == (
        "mika 1.0\\x1b[31m at https://t.example, up 1d 2h"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"store": {"ok": False, "waiting": 12345, "oldest_waiting_seconds": 75.2}},
            "12,345 announces wait, the oldest for 1m 15s",
        ),
        ({"journal": {"bytes": 0, "on_disk": False}}, "the journal cannot be written"),
        ({"lag_p99": 0.5}, "behind by 500 ms"),
    ],
)
def test_trouble(changes, words) -> None:
    """Each is a line of its own; a tracker that is well has none."""
    [line] = screen.trouble(stats(**changes))
    assert words in line
    assert screen.trouble(stats()) == []
    assert screen.trouble(stats(lag_p99=None)) == []


def test_tables() -> None:
    """Rates are first; families without traffic and refusals that did not happen are left out."""
    tables = [(head[0], rows) for head, rows in screen.tables(stats())]
    names = [name for name, _rows in tables]
    assert names == ["a second", "peers", "store", "memory", *FURTHER]
    rows = dict(tables)
    assert rows["a second"] == [("all", "1,234.5", "0.0", "0.1"), ("http IPv4", "1,234.5", "0.0", "0.1")]
    assert rows["peers"][0] == ("3,000 in 2 swarms", "1,000", "2,000")
    assert rows["refused since the start"] == [("passkey_invalid", "1")]


def test_store_that_is_down() -> None:
    """It is said in the table, too."""
    [_rates, _peers, (_head, rows), *_rest] = screen.tables(stats(store={"ok": False, "waiting": 5}))
    assert rows == [("users", "DOWN", "5", "0s", "2", "0")]


def test_torrents_with_the_most_peers() -> None:
    """By name, which comes from strangers and may be long; by info hash where there is none."""
    torrents = [
        {"info_hash": "ab" * 20, "name": name, "seeders": 1200, "leechers": 30, "completed": 4000}
        for name in ("", "a\x1b[31m", "b" * 99)
    ]
    tables = {head[0]: rows for head, rows in screen.tables(stats(busiest=torrents))}
    rows = tables["torrents with the most peers"]
    assert rows[0] == ("ab" * 20, "1,200", "30", "4,000")
    assert [row[0] for row in rows[1:]] == ["a\\x1b[31m", "b" * 39 + "…"]
