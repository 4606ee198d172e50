"""`mika client user`: the accounts, and the announce URL that each member gives to a client."""

from __future__ import annotations

import sys
from typing import Any

import click

from mika.cli.api import Api
from mika.cli.command import InfoHash, Pair, Section, fields_of
from mika.cli.histories import user_torrents
from mika.cli.peers import user_peers
from mika.cli.rewards import bonus, freeleech, give
from mika.cli.tables import as_json, show_answer, show_list

COLUMNS = ("id", "name", "role", "enabled", "uploaded", "downloaded", "bonus", "announces")
USER_ID = click.IntRange(min=1)


@click.group(cls=Section)
def user() -> None:
    """Add, show, change and remove users."""


@user.command()
@click.argument("name")
@click.argument("pairs", type=Pair(), nargs=-1, metavar="[KEY=VALUE]...")
@click.pass_obj
def add(api: Api, name: str, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Add a user, and print the announce URL.

    KEY=VALUE sets other fields at once: role=2, remote_id=4711.
    """
    _show_with_announce_url(api, api.call("POST", "/v1/users", {"name": name} | fields_of(pairs)))


@user.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.pass_obj
def get(api: Api, user_id: int) -> None:
    """Show a user."""
    _show_with_announce_url(api, api.call("GET", f"/v1/users/{user_id}"))


@user.command("set")
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.argument("pairs", type=Pair(), nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def set_(api: Api, user_id: int, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Change fields of a user: enabled=false, multiplier_up=1.5, name=Ann.

    passkey=- reads the passkey from standard input, where `ps` does not show it.
    """
    show_answer(api.call("PATCH", f"/v1/users/{user_id}", fields_of(pairs)))


@user.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.pass_obj
def delete(api: Api, user_id: int) -> None:
    """Delete a user, with the account's totals."""
    show_answer(api.call("DELETE", f"/v1/users/{user_id}"), f"deleted user {user_id}")


@user.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.pass_obj
def passkey(api: Api, user_id: int) -> None:
    """Give a user a new passkey, and print the new announce URL. The old one stops at once."""
    _show_with_announce_url(api, api.call("POST", f"/v1/users/{user_id}/passkey"))


@user.command()
@click.argument("user_id", metavar="ID", type=USER_ID)
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.option("--new", is_flag=True, help="Replace it: the old one stops at once, the user's other torrents go on.")
@click.pass_obj
def key(api: Api, user_id: int, info_hash: str, new: bool) -> None:
    """Show the key that is good for one torrent of a user, and the announce URL with it.

    The tracker takes such keys with [tracker] torrent_keys = "accepted" or "required".
    """
    method = "POST" if new else "GET"
    _show_with_announce_url(api, api.call(method, f"/v1/users/{user_id}/torrents/{info_hash}/key"))


@user.command("by-key")
@click.argument("key")
@click.pass_obj
def by_key(api: Api, key: str) -> None:
    """Say whose key of a torrent this is, as it stands in an announce URL that leaked.

    KEY is - to read it from standard input, where `ps` does not show it.
    """
    given = sys.stdin.readline().strip() if key == "-" else key
    show_answer(api.call("POST", "/v1/keys", {"key": given}))


@user.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, limit: int | None) -> None:
    """List users in the order of their ids."""
    show_list(api.pages("/v1/users", limit), COLUMNS)


def _show_with_announce_url(api: Api, answer: dict[str, Any]) -> None:
    show_answer(answer)
    if as_json():
        return
    path = f"/{answer.get('passkey') or answer['key']}/announce"
    click.echo(f"\nannounce URL: {api.place.announce_url or 'the address of your tracker, then '}{path}")


for part in (user_torrents, user_peers, bonus, give, freeleech):
    user.add_command(part)
