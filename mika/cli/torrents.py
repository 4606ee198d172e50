"""`mika client torrent`: what is tracked; `add` reads .torrent files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from mika.cli.api import Api, ApiError
from mika.cli.command import INFO_HASH, InfoHash, InputError, Pair, Section, fields_of, visible
from mika.cli.tables import show_answer, show_list

COLUMNS = ("info_hash", "size", "seeders", "leechers", "completed", "enabled", "name")


@click.group(cls=Section)
def torrent() -> None:
    """Add, show, change and remove torrents."""


@torrent.command()
@click.argument("targets", metavar="FILE|HASH...", nargs=-1, required=True)
@click.option("--name", help="The name of a torrent given by its hash.")
@click.option("--size", type=click.IntRange(min=0), help="Its size in bytes.")
@click.pass_obj
def add(api: Api, targets: tuple[str, ...], name: str | None, size: int | None) -> None:
    """Add torrents by their .torrent files, or by 40-digit info hashes: all of them, or none.

    A file whose name is 40 hex digits is given as ./NAME.
    """
    bodies = [_body(target) for target in targets]
    extra = {key: value for key, value in (("name", name), ("size", size)) if value is not None}
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


def _body(target: str) -> dict[str, Any]:
    if INFO_HASH.fullmatch(target):
        return {"info_hash": target.lower()}
    from mika.wire.metainfo import BadTorrentError, read_metainfo  # noqa: PLC0415 - only here

    try:
        metainfo = read_metainfo(_content(target))
    except BadTorrentError as error:
        raise InputError(f"{target}: {error}") from None
    for warning in metainfo.warnings:
        click.echo(f"mika: {visible(target)}: warning: {warning}", err=True)
    body = {"info_hash": metainfo.info_hash.hex(), "name": metainfo.name, "size": metainfo.size}
    if metainfo.info_hash_v2 is not None:
        body["info_hash_v2"] = metainfo.info_hash_v2.hex()
    return body


def _content(target: str) -> bytes:
    from mika.wire.metainfo import MAX_BYTES  # noqa: PLC0415 - only here

    path = Path(target)
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{target}: there is no such file, and an info hash is 40 hex digits") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{target}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check_different(targets: tuple[str, ...], bodies: list[dict[str, Any]]) -> None:
    seen: dict[str, str] = {}
    for target, body in zip(targets, bodies, strict=True):
        before = seen.get(body["info_hash"])
        if before is not None:
            raise InputError(f"{before} and {target} are the same torrent")
        seen[body["info_hash"]] = target
