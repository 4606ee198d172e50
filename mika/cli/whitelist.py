"""`mika client whitelist`: which clients are served, by the beginning of their peer id."""

from __future__ import annotations

import click

from mika.cli.api import Api, segment
from mika.cli.command import PrefixCommand, Section
from mika.cli.tables import show_answer, show_list


@click.group(cls=Section)
def whitelist() -> None:
    """Allow clients by the beginning of their peer id, such as -TR40."""


@whitelist.command(cls=PrefixCommand)
@click.argument("prefix")
@click.argument("name")
@click.pass_obj
def add(api: Api, prefix: str, name: str) -> None:
    """Allow, or rename, the clients whose peer id begins with PREFIX: -TR40 Transmission."""
    answer = api.call("PUT", f"/v1/whitelist/{segment(prefix)}", {"name": name})
    show_answer(answer, f"whitelisted {prefix}")


@whitelist.command(cls=PrefixCommand)
@click.argument("prefix")
@click.pass_obj
def delete(api: Api, prefix: str) -> None:
    """Take PREFIX off the list."""
    show_answer(api.call("DELETE", f"/v1/whitelist/{segment(prefix)}"), f"deleted {prefix}")


@whitelist.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, limit: int | None) -> None:
    """List the prefixes."""
    show_list(api.pages("/v1/whitelist", limit), ("prefix", "name"))
