"""`mika token`: who may use the API, besides whoever reads the tracker's own token in its state directory."""

from __future__ import annotations

import click

from mika.cli.api import Api, segment
from mika.cli.asking import asks_a_tracker, remember_tracker
from mika.cli.command import Section
from mika.cli.tables import as_json, show_answer, show_list

SCOPES = ("read", "write", "admin")


@click.group(cls=Section)
@asks_a_tracker
@click.pass_context
def token(ctx: click.Context, state_dir: str, url: str, ca: str) -> None:
    """Make, list and revoke tokens of the API; the tracker is found as by `mika client`."""
    remember_tracker(ctx, state_dir, url, ca)


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What it allows; write includes read, and admin both.",
)
@click.pass_obj
def add(api: Api, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token, and print it: this once, and nothing else, so that it can be sent to a file.

    mika token add site --scope write > site-token
    """
    made = api.call("POST", "/v1/tokens", {"name": name, "scopes": list(dict.fromkeys(scopes))})
    if as_json():
        show_answer(made)
        return
    click.echo(made["token"])
    click.echo("mika: keep it now: it is not shown again", err=True)


@token.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, limit: int | None) -> None:
    """List tokens by name, without the tokens themselves, which nobody knows any more."""
    show_list(api.pages("/v1/tokens", limit), ("name", "scopes", "created_at"))


@token.command()
@click.argument("name")
@click.pass_obj
def revoke(api: Api, name: str) -> None:
    """Revoke a token: it stops at once."""
    show_answer(api.call("DELETE", f"/v1/tokens/{segment(name)}"), f"revoked {name}")
