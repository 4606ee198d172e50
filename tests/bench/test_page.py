"""The figures in docs/performance.md are what was kept, and say which goals are met."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import mika
from bench.page import BEGIN, END, between_markers, block, plot
from bench.scenarios import GOALS, MAIN

PAGE = Path(mika.__file__).parents[1] / "docs" / "performance.md"


def document(figures: Any, **options: Any) -> dict[str, Any]:
    """Return what `keep` would have kept."""
    return {
        "time": "2026-11-25T12:00:00+00:00",
        "mika": "0.1.0 abc",
        "machine": "a machine",
        "pinned": True,
        "load": 0.1,
        "options": {"rounds": 2, "seconds": 1, "long": 20} | options,
        "figures": figures,
    }


def announces(*microseconds: float, ratio: float = 0.5) -> dict[str, Any]:
    """Return a document in which every main scenario cost so much, a round each."""
    samples = [
        {"microseconds": each, "first_thread_ns": each * 500, "announces": 1, "answer_bytes": 440.4}
        for each in microseconds
    ]
    return document({"samples": {str(each): samples for each in MAIN}, "ratios": {str(GOALS[0]): [ratio]}})


def test_announces_are_shown_with_their_spread():
    """The median is of the rounds; the goal is beside its ratio."""
    text = block({"announces": announces(10, 30, 11)})
    assert "| mika, kept alive | 11.0 | 10.0 - 30.0 | 5.5 | 440 |" in text
    assert "2026-11-25, mika 0.1.0 abc; a machine; the load on a processor of its own; other programs kept 0.1" in text
    assert f"| {GOALS[0]} | 0.50 | 0.50 - 0.50 | 0.9 | met |" in text


def test_a_missed_goal_is_shown_as_missed():
    """Nobody has to compare two numbers."""
    assert "| 0.91 | 0.91 - 0.91 | 0.9 | **missed** |" in block({"announces": announces(1, ratio=0.91)})
    memory = document({"bytes_a_peer": 201.0, "expiry_ms": 4.999, "mode": "compiled"}, peers=1000, torrents=10)
    text = block({"memory": memory})
    assert "| bytes a peer | 201 | 200 | **missed** |" in text
    assert "| longest pass of expiry, ms | 5.00 | 5 | met |" in text


def test_other_parts_have_their_tables():
    """In the order in which they were found."""
    waits = {"rate": 10_000.4, "p50": 0.1, "p99": 1.0, "p99.9": 2.0, "longest": 3.0, "late": 0.01}
    text = block(
        {
            "latency": document({"mika": [waits, waits | {"p50": 0.3}]}),
            "instructions": document({"mika": 12_345.6}),
            "flatness": document(
                {
                    "process": {"10 peers": [10.0, 20.0], "100 peers": [11.0, 23.0]},
                    "laps": {"10 peers": [1.0, 2.0, 9.0], "100 peers": [2.0]},
                    "instructions": {"10 peers": 12_345.6},
                }
            ),
            "crowded": document({"alone": [1.0] * 98 + [99.0, 101.0], "and others": [1.0, 101.0]}),
        }
    )
    assert "| mika | 10,000 | 0.20 (0.10 - 0.30) | 1.00 (1.00 - 1.00) |" in text
    assert "| mika | 12,346 |" in text
    assert "| 10 peers | 15.0 | 10.0 - 20.0 | 1.00 | 1.1 | met |" in text
    assert "| 100 peers | 17.0 | 11.0 - 23.0 | 1.12 | 1.1 | **missed** |" in text
    assert "| 10 peers | 2.00 | 1.00 - 9.00 | 12,346 |" in text
    assert "| 100 peers | 2.00 | 2.00 - 2.00 |  |" in text
    assert "| alone | 1.00 | 99.00 | 101.00 | met |" in text
    assert "| and others | 1.00 | 101.00 | 101.00 | **missed** |" in text


def test_only_what_stands_between_the_markers_is_written_anew():
    """Twice is the same as once."""
    page = f"before\n{BEGIN}\nold\n{END}\nbehind\n"
    written = between_markers(page, "new")
    assert written == f"before\n{BEGIN}\n\nnew\n\n{END}\nbehind\n"
    assert between_markers(written, "new") == written


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{END}"])
def test_a_page_without_both_markers_is_not_written(page):
    """The words name what it must have."""
    with pytest.raises(SystemExit, match="must have one line"):
        between_markers(page, "new")


def test_the_page_in_the_docs_has_its_markers():
    """Else the command that writes it ends."""
    assert between_markers(PAGE.read_text(encoding="utf-8"), "new")


def test_plot_has_a_bar_for_each_main_scenario():
    """It is XML, and the longest bar fits."""
    drawn = ET.fromstring(plot(announces(10, 20)))
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("x")]
    assert len(bars) == len(MAIN)
    assert {each.get("width") for each in bars} == {"300.0"}
