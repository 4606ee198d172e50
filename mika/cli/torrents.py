"""`mika client torrent`: what is tracked; `add` reads .torrent files."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from mika.cli.api import Api, ApiError
from mika.cli.bulk import add_folders
from mika.cli.command import FILE, INFO_HASH, InfoHash, InputError, Pair, Section, fields_of, visible
from mika.cli.metainfo_files import Body, is_folder, read_target
from mika.cli.peers import torrent_peers
from mika.cli.tables import show_answer, show_list

COLUMNS = ("info_hash", "size", "seeders", "leechers", "completed", "enabled", "name")


@click.group(cls=Section)
def torrent() -> None:
    """Add, show, change and remove torrents."""


@torrent.command()
@click.argument("targets", metavar="FILE|HASH|FOLDER...", nargs=-1, required=True, type=FILE)
@click.option("--name", help="The name of a torrent given by its hash.")
@click.option("--size", type=click.IntRange(min=0), help="Its size in bytes.")
@click.option("--skip-bad", is_flag=True, help="Leave out the files of a FOLDER that are bad, and add the rest.")
@click.pass_obj
def add(api: Api, targets: tuple[str, ...], name: str | None, size: int | None, *, skip_bad: bool) -> int:
    """Add torrents by their .torrent files, or by 40-digit info hashes: all of them, or none.

    A file whose name is 40 hex digits is given as ./NAME.

    Of a FOLDER, every .torrent file in it and below it is added. All are read first, and if one is bad, nothing is
    sent. They are sent in parts, each added whole or not at all; what is there already is left as it is, so that the
    same command, given again, goes on where one ended that was interrupted.
    """
    if any(is_folder(target) for target in targets):
        if name is not None or size is not None:
            raise click.UsageError("--name and --size belong to one HASH.", click.get_current_context())
        return add_folders(api, targets, skip_bad=skip_bad)
    if skip_bad:
        raise click.UsageError("--skip-bad belongs to a FOLDER.", click.get_current_context())
    bodies = []
    for target in targets:
        body, warnings = read_target(target)
        bodies.append(body)
        for warning in warnings:
            click.echo(f"mika: {visible(target)}: warning: {warning}", err=True)
    _add(api, targets, bodies, {key: value for key, value in (("name", name), ("size", size)) if value is not None})
    return 0


def _add(api: Api, targets: tuple[str, ...], bodies: list[Body], extra: dict[str, Any]) -> None:
    if extra and (len(targets) > 1 or not INFO_HASH.fullmatch(targets[0])):
        raise click.UsageError("--name and --size belong to one HASH.", click.get_current_context())
    _check_different(targets, bodies)
    try:
        if len(bodies) == 1:
            show_answer(api.call("POST", "/v1/torrents", bodies[0] | extra))
            return
        added = api.call("POST", "/v1/torrents", bodies)
    except ApiError as error:
        if error.index is None or not 0 <= error.index < len(targets):
            raise
        words = str(error).removeprefix(f"item {error.index}: ").removesuffix(".")
        raise ApiError(f"{targets[error.index]}: {words}; none of the {len(targets)} was added") from None
    show_list(added, COLUMNS)


@torrent.command()
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.pass_obj
def get(api: Api, info_hash: str) -> None:
    """Show a torrent."""
    show_answer(api.call("GET", f"/v1/torrents/{info_hash}"))


@torrent.command("set")
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.argument("pairs", type=Pair(), nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def set_(api: Api, info_hash: str, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Change fields of a torrent: multiplier_down=0, enabled=false, reason="being repaired"."""
    show_answer(api.call("PATCH", f"/v1/torrents/{info_hash}", fields_of(pairs)))


@torrent.command()
@click.argument("info_hash", metavar="HASH", type=InfoHash())
@click.option("--reason", help="What members who still have it are told.")
@click.pass_obj
def delete(api: Api, info_hash: str, reason: str | None) -> None:
    """Delete a torrent."""
    query = "?" + urlencode({"reason": reason}) if reason else ""
    show_answer(api.call("DELETE", f"/v1/torrents/{info_hash}{query}"), f"deleted torrent {info_hash}")


@torrent.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.pass_obj
def list_(api: Api, limit: int | None) -> None:
    """List torrents in the order of their info hashes."""
    show_list(api.pages("/v1/torrents", limit), COLUMNS)


torrent.add_command(torrent_peers)


def _check_different(targets: tuple[str, ...], bodies: list[dict[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for target, body in zip(targets, bodies, strict=True):
        before = seen.get(body["info_hash"])
        if before is not None:
            raise InputError(f"{before} and {target} are the same torrent")
        seen[body["info_hash"]] = target
