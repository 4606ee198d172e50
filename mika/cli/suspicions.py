"""`mika client suspicion`: what looks like cheating, and what staff make of it."""

from __future__ import annotations

import click

from mika.cli.api import Api
from mika.cli.command import Command, Section
from mika.cli.tables import show_answer, show_list

COLUMNS = ("id", "kind", "user_id", "score", "state", "count", "last_seen", "evidence")
STATES = click.Choice(("open", "dismissed", "confirmed"))
SUSPICION_ID = click.IntRange(min=1)


@click.group(cls=Section)
def suspicion() -> None:
    """Show what looks like cheating, and say what it is. Nothing follows from it by itself."""


@suspicion.command("list", cls=Command)
@click.option("--state", type=STATES, help="Only those of this state.")
@click.option("--user", type=click.IntRange(min=1), metavar="ID", help="Only those of this user.")
@click.option("--kind", help="Only those of this kind.")
@click.option("--score", type=click.IntRange(0, 100), help="From this score on, and not from the threshold on.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
@click.pass_obj
def list_(
    api: Api, state: str | None, user: int | None, kind: str | None, score: int | None, limit: int | None
) -> None:
    """List suspicions, the latest first."""
    named = {"state": state, "user": user, "kind": kind, "score": score}
    which = {name: str(value) for name, value in named.items() if value is not None}
    show_list(api.pages("/v1/suspicions", limit, which), COLUMNS)


@suspicion.command(cls=Command)
@click.argument("suspicion_id", metavar="ID", type=SUSPICION_ID)
@click.pass_obj
def get(api: Api, suspicion_id: int) -> None:
    """Show a suspicion with its evidence."""
    show_answer(api.call("GET", f"/v1/suspicions/{suspicion_id}"))


@suspicion.command("set", cls=Command)
@click.argument("suspicion_id", metavar="ID", type=SUSPICION_ID)
@click.argument("state", metavar="STATE", type=STATES)
@click.pass_obj
def set_(api: Api, suspicion_id: int, state: str) -> None:
    """Say what a suspicion is: open, dismissed or confirmed."""
    show_answer(api.call("PATCH", f"/v1/suspicions/{suspicion_id}", {"state": state}))
