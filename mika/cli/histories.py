"""`mika client user torrents` and `mika client debt list`: what users did with torrents, and what they owe."""

from __future__ import annotations

import click

from mika.cli.api import Api
from mika.cli.command import Command, InfoHash, Section
from mika.cli.tables import show_list

DONE = ("info_hash", "uploaded", "downloaded", "seed_seconds", "left", "seeding", "state", "last_seen")
OWED = ("user_id", "info_hash", "state", "seed_seconds", "seed_seconds_owed", "deadline", "last_seen")
STATES = ("downloading", "satisfied", "seeding", "owing", "hit_and_run")
USER_ID = click.IntRange(min=1)


@click.command("torrents", cls=Command)
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.option("--state", type=click.Choice(STATES), help="Only those that stand so.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def user_torrents(api: Api, user_id: int, state: str | None, limit: int | None) -> None:
    """List what a user did with each torrent, and how it stands with what is owed."""
    show_list(api.pages(f"/v1/users/{user_id}/torrents", limit, {"state": state} if state else {}), DONE)


@click.group(cls=Section)
def debt() -> None:
    """Show who owes what to torrents that they completed (hit and run)."""


@debt.command("list")
@click.option("--state", type=click.Choice(STATES[2:]), help="Only those that stand so.")
@click.option("--user", type=USER_ID, metavar="ID", help="Only those of this user.")
@click.option("--torrent", type=InfoHash(), help="Only those of this torrent.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, state: str | None, user: int | None, torrent: str | None, limit: int | None) -> None:
    """List what is owed, in the order of user ids: --state hit_and_run for those who are late."""
    named = {"state": state, "user": user, "torrent": torrent}
    show_list(api.pages("/v1/debts", limit, {name: str(value) for name, value in named.items() if value}), OWED)
