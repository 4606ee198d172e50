"""Files on this machine into what is sent of each torrent: one file, or every .torrent file below a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from mika.cli.command import INFO_HASH, InputError, visible

Body = dict[str, Any]


@dataclass(slots=True)
class Gathered:
    """What was read: bodies and the files that they are from by info hash, and what is the matter with the others."""

    bodies: dict[str, Body] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    bad: list[tuple[str, str]] = field(default_factory=list)
    twice: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, target: str) -> None:
        """Read one file, or take one hash; whatever is wrong with it is noted."""
        try:
            body, warnings = read_target(target)
        except InputError as error:
            self.bad.append((target, str(error).removeprefix(f"{target}: ")))
            return
        for warning in warnings:
            self.warnings[warning] += 1
            self.first.setdefault(warning, target)
        info_hash = body["info_hash"]
        if info_hash in self.bodies:
            self.twice += 1
            return
        self.bodies[info_hash] = body
        self.files[info_hash] = target


def read_target(target: str) -> tuple[Body, tuple[str, ...]]:
    """Read a .torrent file, or take a hash as it is; return what to send, and what to warn of."""
    if INFO_HASH.fullmatch(target):
        return {"info_hash": target.lower()}, ()
    from mika.wire.metainfo import BadTorrentError, read_metainfo  # noqa: PLC0415 - only here

    try:
        metainfo = read_metainfo(_content(target))
    except BadTorrentError as error:
        raise InputError(f"{target}: {error}") from None
    body = {"info_hash": metainfo.info_hash.hex(), "name": metainfo.name, "size": metainfo.size}
    if metainfo.info_hash_v2 is not None:
        body["info_hash_v2"] = metainfo.info_hash_v2.hex()
    return body, metainfo.warnings


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


def is_folder(target: str) -> bool:
    """Say whether it is a folder, and not a file or a hash."""
    return not INFO_HASH.fullmatch(target) and "\0" not in target and Path(target).is_dir()


def find_files(targets: tuple[str, ...]) -> list[str]:
    """Return the .torrent files below each folder, and what is no folder as it is; `InputError` if one has none."""
    found: list[str] = []
    for target in targets:
        files = list(_below(target)) if is_folder(target) else [target]
        if not files:
            raise InputError(f"{target}: there is no .torrent file in it, or below it")
        found += files
    return found


def _below(folder: str) -> Iterator[str]:
    """Yield in order; links to folders are not followed, as they may lead in a circle."""

    def unreadable(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}")

    for directory, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        yield from (str(Path(directory, name)) for name in sorted(names) if name.lower().endswith(".torrent"))


def gather(files: list[str], done: Callable[[int], None]) -> Gathered:
    """Read every file; `done` is told of each."""
    gathered = Gathered()
    for file in files:
        gathered.add(file)
        done(1)
    return gathered


def warn(gathered: Gathered) -> None:
    """Say on standard error what is odd about files that are taken, once a kind."""
    for warning, count in gathered.warnings.items():
        which = visible(gathered.first[warning]) + (f" and {count - 1} more" if count > 1 else "")
        click.echo(f"mika: {which}: warning: {warning}", err=True)
