"""`mika client user bonus`, `give` and `freeleech`: what members are given, and what they spend."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from mika.cli.api import Api
from mika.cli.command import Command, InfoHash, Section
from mika.cli.tables import show_answer, show_list

USER_ID = click.IntRange(min=1)
AMOUNT = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")
LENGTHS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Until(click.ParamType[str]):
    """A time, as RFC 3339 writes it or as a length from now: `2027-01-31T00:00:00Z`, `7d`."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as the API takes it."""
        length = re.fullmatch(r"([0-9]{1,5})([mhdw])", value)
        if length:
            until = datetime.now(UTC) + timedelta(**{LENGTHS[length[2]]: int(length[1])})
            return until.strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            given = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a length such as 7d nor a time such as 2027-01-31T00:00:00Z.", param, ctx)
        if given.tzinfo is None:
            self.fail(f"{value!r} does not say its time zone: end it in Z or +01:00.", param, ctx)
        return given.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Amount(click.ParamType[str]):
    """Points, exact to nine decimals, negative to take them."""

    name = "AMOUNT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what was typed."""
        if not AMOUNT.fullmatch(value):
            self.fail(f"{value!r} is no number of points, such as 10 or -2.5.", param, ctx)
        return value.removeprefix("+")


@click.command(cls=Command)
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
@click.pass_obj
def bonus(api: Api, user_id: int, limit: int | None) -> None:
    """Show what a user was given and has spent, the latest first. What seeding earns is no entry each."""
    show_list(api.pages(f"/v1/users/{user_id}/bonus", limit), ("created_at", "amount", "balance", "reason"))


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.argument("amount", type=Amount())
@click.argument("reason")
@click.option("--key", help="A name for it: given again under this name, it counts once.")
@click.pass_obj
def give(api: Api, user_id: int, amount: str, reason: str, key: str | None) -> None:
    """Give a user bonus points, or take them: 7 10 "a good upload", 7 -2.5 "an invite"."""
    body: dict[str, Any] = {"amount": amount, "reason": reason} | ({"key": key} if key else {})
    show_answer(api.call("POST", f"/v1/users/{user_id}/bonus", body))


@click.group(cls=Section)
def freeleech() -> None:
    """Give freeleech tokens: what the user downloads of a torrent is not charged until then."""


@freeleech.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.argument("until", type=Until())
@click.pass_obj
def add(api: Api, user_id: int, info_hash: str, until: str) -> None:
    """Give a token, or change one: 7 HASH 7d, 7 HASH 2027-01-31T00:00:00Z."""
    show_answer(api.call("PUT", f"/v1/users/{user_id}/freeleech/{info_hash}", {"until": until}))


@freeleech.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.pass_obj
def delete(api: Api, user_id: int, info_hash: str) -> None:
    """Take a token away; what was downloaded meanwhile stays free."""
    answer = api.call("DELETE", f"/v1/users/{user_id}/freeleech/{info_hash}")
    show_answer(answer, f"deleted the token of user {user_id} for {info_hash}")


@freeleech.command("list")
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, user_id: int, limit: int | None) -> None:
    """List the tokens of a user that are in force."""
    show_list(api.pages(f"/v1/users/{user_id}/freeleech", limit), ("info_hash", "until"))
