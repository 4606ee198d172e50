"""`mika client role`: the classes of users."""

from __future__ import annotations

from typing import Any

import click

from mika.cli.api import Api
from mika.cli.command import Pair, Section, fields_of
from mika.cli.tables import show_answer, show_list

COLUMNS = ("id", "name", "priority", "multiplier_up", "multiplier_down", "download_enabled", "upload_enabled")
ROLE_ID = click.IntRange(min=1)


@click.group(cls=Section)
def role() -> None:
    """Add, show, change and remove roles."""


@role.command()
@click.argument("name")
@click.argument("pairs", type=Pair(), nargs=-1, metavar="[KEY=VALUE]...")
@click.pass_obj
def add(api: Api, name: str, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Add a role: vip multiplier_up=2 multiplier_down=0.5."""
    show_answer(api.call("POST", "/v1/roles", {"name": name} | fields_of(pairs)))


@role.command()
@click.argument("role_id", metavar="ID", type=ROLE_ID)
@click.pass_obj
def get(api: Api, role_id: int) -> None:
    """Show a role."""
    show_answer(api.call("GET", f"/v1/roles/{role_id}"))


@role.command("set")
@click.argument("role_id", metavar="ID", type=ROLE_ID)
@click.argument("pairs", type=Pair(), nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def set_(api: Api, role_id: int, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Change fields of a role: multiplier_down=0, download_slots=null."""
    show_answer(api.call("PATCH", f"/v1/roles/{role_id}", fields_of(pairs)))


@role.command()
@click.argument("role_id", metavar="ID", type=ROLE_ID)
@click.pass_obj
def delete(api: Api, role_id: int) -> None:
    """Delete a role; its users then count as having the default one."""
    show_answer(api.call("DELETE", f"/v1/roles/{role_id}"), f"deleted role {role_id}")


@role.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, limit: int | None) -> None:
    """List roles."""
    show_list(api.pages("/v1/roles", limit), COLUMNS)
