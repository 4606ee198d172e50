"""Numbers as people read them."""

from __future__ import annotations

import pytest

from mika.cli.tables import cell, duration, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (1610612736, "1.5 GiB"),
        (-2048, "-2.0 KiB"),
        (2**63 - 1, "8.0 EiB"),
    ],
)
def test_sizes(count, text) -> None:
    """One decimal, and never 1024 of a unit."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m 0s"), (3600, "1h 0m"), (86399, "23h 59m"), (8 * 86400 + 3601, "8d 1h")],
)
def test_durations(seconds, text) -> None:
    """The two largest units."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("reason", None, "-"),
        ("enabled", True, "yes"),
        ("size", 2048, "2.0 KiB"),
        ("uptime", 61, "1m 1s"),
        ("name", "a\nb\x1b[2J", "a\\nb\\x1b[2J"),
        (
            "stores",
            [{"kind": "users", "ok": False}, {"kind": "peers", "ok": True}],
            "kind=users ok=no, kind=peers ok=yes",
        ),
        ("stores", [], "-"),
    ],
)
def test_cells(name, value, text) -> None:
    """A value is written by what it is and by the name of its field."""
    assert cell(name, value) == text
