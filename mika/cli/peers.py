"""`mika client torrent peers` and `mika client user peers`: who is in a swarm, and where a user is."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import click

from mika.cli.api import Api
from mika.cli.command import Command, InfoHash
from mika.cli.tables import show_answer, show_list

IN_SWARM = ("user_id", "client", "ipv4", "ipv6", "port", "seeder", "left", "country", "last_seen")
OF_USER = ("info_hash", "client", "ipv4", "ipv6", "port", "seeder", "uploaded", "downloaded", "last_seen")
HALF_ROUND = 20_040
"""Kilometres half way round the globe."""


class Place(click.ParamType[str]):
    """A place by its latitude and longitude in degrees: `52.5,13.4`."""

    name = "LAT,LON"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what was typed."""
        number = r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,9})?"
        parts = re.fullmatch(rf"({number}),({number})", value)
        if not parts or abs(float(parts[1])) > 90 or abs(float(parts[2])) > 180:
            self.fail(f"{value!r} is not written LAT,LON in degrees, such as 52.5,13.4.", param, ctx)
        return value


class Length(click.ParamType[str]):
    """A length of time, as the configuration writes it: `90s`, `30m`, `1h`, `7d`."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what was typed."""
        if not re.fullmatch(r"[0-9]{1,9}[smhd]", value):
            self.fail(f"{value!r} is no length of time, such as 30m or 1h.", param, ctx)
        return value


@click.command("peers", cls=Command)
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.option("--near", type=Place(), help="Only those near a place, the nearest first.")
@click.option("--within", type=click.FloatRange(0, HALF_ROUND, min_open=True), metavar="KM", help="How near that is.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def torrent_peers(api: Api, info_hash: str, near: str | None, within: float | None, limit: int | None) -> None:
    """List who is in the swarm of a torrent: HASH --near 52.5,13.4 --within 100."""
    if (near is None) != (within is None):
        raise click.UsageError("--near and --within are given together.", click.get_current_context())
    circle = {} if near is None or within is None else {"near": near, "within": f"{within:g}"}
    show_list(api.pages(f"/v1/torrents/{info_hash}/peers", limit, circle), IN_SWARM)


@click.command("peers", cls=Command)
@click.argument("user_id", metavar="ID", type=click.IntRange(min=1))
@click.option("--idle", type=Length(), help="Only those that are silent for so long: 1h.")
@click.option("--flush", is_flag=True, help="Take them out of their swarms; what they transferred stays counted.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def user_peers(api: Api, user_id: int, idle: str | None, limit: int | None, *, flush: bool) -> None:
    """List a user's clients in all swarms, or flush those that died without saying so: 7 --flush --idle 1h."""
    path, query = f"/v1/users/{user_id}/peers", {"idle": idle} if idle else {}
    if not flush:
        show_list(api.pages(path, limit, query), OF_USER)
        return
    if limit is not None:
        raise click.UsageError("--limit and --flush do not go together.", click.get_current_context())
    which = f"the peers of user {user_id}" + (f" that were silent for {idle}" if idle else "")
    show_answer(api.call("DELETE", path + (f"?{urlencode(query)}" if query else "")), f"flushed {which}")
