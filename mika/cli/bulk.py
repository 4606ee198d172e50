"""Folders of .torrent files to the tracker: all are read before the first is sent; what is there already is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from mika.cli.api import Api, ApiError, Ask
from mika.cli.command import InputError, StoppedError, visible
from mika.cli.metainfo_files import Body, Gathered, find_files, gather, warn
from mika.cli.progress import progress
from mika.cli.tables import as_json, show_answer

CHUNK = 500
"""Torrents of one request, which is added whole or not at all: a moment's work for the tracker."""

TORRENTS = "/v1/torrents"


@dataclass(slots=True)
class Sent:
    """How far it came: what was added, what was there, and how many are on their way."""

    added: list[Any] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    under_way: int = 0

    def words(self, total: int) -> str:
        """Say it in a sentence without an end."""
        words = f"{len(self.added)} of {total} torrents were added"
        return words + (f", {len(self.there)} were there already" if self.there else "")


def add_folders(api: Api, targets: tuple[str, ...], *, skip_bad: bool) -> int:
    """Add what is in folders, and print what became of it; return the exit status."""
    files = find_files(targets)
    with progress("reading", len(files)) as done:
        gathered = gather(files, done)
    warn(gathered)
    for file, problem in gathered.bad:
        click.echo(f"mika: {visible(file)}: {visible(problem)}", err=True)
    if gathered.bad and not skip_bad:
        raise InputError(
            f"{len(gathered.bad)} of {len(files)} files cannot be added, so nothing was sent: "
            "take them away, or leave them out by --skip-bad"
        )
    sent = Sent()
    total = len(gathered.bodies)
    try:
        with progress("sending", total) as done:
            api.converse(lambda ask: _send(ask, gathered, sent, done))
    except KeyboardInterrupt:
        unsure = f"; whether the next {sent.under_way} were is not known" if sent.under_way else ""
        raise StoppedError(f"interrupted: {sent.words(total)}{unsure}; the same command goes on from here") from None
    except ApiError as error:
        raise ApiError(f"{error}; {sent.words(total)} before; the same command goes on from here") from None
    _show(gathered, sent)
    return 1 if gathered.bad else 0


def _show(gathered: Gathered, sent: Sent) -> None:
    if as_json():
        bad = [{"file": file, "problem": problem} for file, problem in gathered.bad]
        show_answer({"added": sent.added, "already_there": sent.there, "bad": bad})
        return
    twice = f", {gathered.twice} files were copies of others" if gathered.twice else ""
    bad_files = f", {len(gathered.bad)} files were left out" if gathered.bad else ""
    click.echo(f"{sent.words(len(gathered.bodies))}{twice}{bad_files}")


async def _send(ask: Ask, gathered: Gathered, sent: Sent, done: Callable[[int], None]) -> None:
    bodies = list(gathered.bodies.values())
    for begin in range(0, len(bodies), CHUNK):
        chunk = bodies[begin : begin + CHUNK]
        await _send_chunk(ask, chunk, sent, gathered)
        done(len(chunk))


async def _send_chunk(ask: Ask, chunk: list[Body], sent: Sent, gathered: Gathered) -> None:
    """Add what is not there; the tracker names the first that is, and the ones behind it are asked for one by one."""
    looked = False
    while chunk:
        sent.under_way = len(chunk)
        try:
            added = await ask("POST", TORRENTS, chunk)
        except ApiError as error:
            if error.status is not None:
                sent.under_way = 0  # it said no, so it added none
            if error.index is None or not 0 <= error.index < len(chunk):
                raise
            if error.status != 409:
                file = gathered.files[chunk[error.index]["info_hash"]]
                words = str(error).removeprefix(f"item {error.index}: ").removesuffix(".")
                raise ApiError(f"{file}: {words}") from None
            index = error.index
        else:
            sent.added += added
            sent.under_way = 0
            return
        present = [chunk[index]]
        if not looked:
            present += [body for body in chunk[index + 1 :] if await _is_there(ask, body)]
            looked = True
        sent.there += [body["info_hash"] for body in present]
        chunk = [body for body in chunk if body not in present]


async def _is_there(ask: Ask, body: Body) -> bool:
    try:
        await ask("GET", f"{TORRENTS}/{body['info_hash']}", None)
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True
