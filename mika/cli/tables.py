"""What the API answers, on standard output: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mika.cli.command import visible

if TYPE_CHECKING:
    from rich.table import Table

BYTES = frozenset({"size", "uploaded", "downloaded", "uploaded_real", "downloaded_real"})
SECONDS = frozenset({"seed_seconds", "seed_seconds_owed", "uptime"})
WIDE = 10_000
"""Columns of every table: an info hash that was folded to fit could not be copied, so the terminal wraps instead."""


def as_json() -> bool:
    """Return whether `--json` was given, anywhere on the command line."""
    return bool(click.get_current_context().meta.get("mika.json"))


def show_answer(answer: Any, done: str = "") -> None:
    """Print one thing as it was asked for, or where nothing is answered, the words for what was `done`."""
    if as_json():
        _show_json(answer)
    elif isinstance(answer, Mapping):
        _show_record(answer)
    else:
        click.echo(visible(done))


def show_line(answer: Any) -> None:
    """Print one of many JSON documents, on a line of its own."""
    click.echo(json.dumps(answer))


def show_list(page: Any, columns: Sequence[str]) -> None:
    """Print a page of the API, or an array, in a line an item under the names of the fields."""
    if as_json():
        _show_json(page)
        return
    from rich import box  # noqa: PLC0415 - slow
    from rich.table import Table  # noqa: PLC0415 - slow
    from rich.text import Text  # noqa: PLC0415 - slow

    rows: Sequence[Mapping[str, Any]] = page["items"] if isinstance(page, Mapping) else page
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        number = any(type(row.get(column)) in (int, float) for row in rows)
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(cell(column, row.get(column))) for column in columns))
    _print(table)


def _show_record(record: Mapping[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 - slow
    from rich.text import Text  # noqa: PLC0415 - slow

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _flat(record):
        text = cell(name, value)
        if name in BYTES and isinstance(value, int) and abs(value) >= 1024:
            text += f" ({value})"
        table.add_row(Text(name), Text(text))
    _print(table)


def _show_json(answer: Any) -> None:
    if answer is not None:  # the API's empty answer stays empty
        click.echo(json.dumps(answer, indent=2))


def cell(name: str, value: Any) -> str:
    """Write one value for a person, by the name of its field."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in BYTES and isinstance(value, int):
        return size(value)
    if name in SECONDS and isinstance(value, (int, float)):
        return duration(int(value))
    if isinstance(value, Mapping):
        return " ".join(f"{key}={cell(key, item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(cell("", item) for item in value) or "-"
    return visible(str(value))


def size(count: int) -> str:
    """Write a number of bytes with one decimal: `1.5 GiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(round(value, 1)) < 1024:
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} EiB"


def duration(seconds: int) -> str:
    """Write a time by its two largest units: `3d 4h`."""
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count or (parts and len(parts) < 2) or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
        if len(parts) == 2:
            break
    return " ".join(parts)


def _flat(record: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _print(table: Table) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow

    console = Console(highlight=False, width=WIDE)
    with console.capture() as capture:  # rich would end the process itself at a broken pipe
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n"))
