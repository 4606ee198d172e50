"""`mika client events`: what happens in a running tracker, a line each, as it happens."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from mika.cli.api import Api
from mika.cli.command import Command, visible
from mika.cli.tables import as_json, cell, show_line
from mika.events import TYPES

PATH = "/v1/events"


@click.command(cls=Command)
@click.option(
    "--type", "types", type=click.Choice(TYPES), multiple=True, help="Only events of this type; may be repeated."
)
@click.option(
    "--sample", type=click.FloatRange(0, 1), help="The share of announces and refusals: 0.01 is each hundredth."
)
@click.option("--rate", type=click.IntRange(min=1), metavar="N", help="At most N announces, and N refusals, a second.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N events.")
@click.pass_obj
def events(api: Api, types: tuple[str, ...], sample: float | None, rate: int | None, count: int | None) -> None:
    """Show what happens, a line each, until Ctrl-C: announces, refusals, changes, batches, stores in trouble.

    With --json each line is a JSON document. Lines have no passkeys in them.
    """
    chosen = {"types": ",".join(dict.fromkeys(types)) or None, "sample": sample, "rate": rate}
    query = urlencode({name: value for name, value in chosen.items() if value is not None})
    seen = 0

    def receive(kind: str, fields: dict[str, Any]) -> bool:
        nonlocal seen
        seen += 1
        _show(kind, fields)
        return seen != count

    try:
        api.follow(PATH + (f"?{query}" if query else ""), receive)
    except KeyboardInterrupt:
        if count is not None:
            raise  # else that is how it ends


def _show(kind: str, fields: dict[str, Any]) -> None:
    if as_json():
        show_line({"event": kind, **fields})
    else:
        words = [f"{name}={cell('', value)}" for name, value in fields.items() if name != "at"]
        click.echo(" ".join([visible(str(fields.get("at", "-"))), visible(kind), *words]))
