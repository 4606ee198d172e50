"""`mika client top`: the figures of a running tracker, again and again, on a terminal's whole screen or as text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mika.cli import screen
from mika.cli.api import Api, ApiError, Ask
from mika.cli.command import Command
from mika.cli.tables import as_json, show_line

if TYPE_CHECKING:
    from rich.console import RenderableType

STATS = "/v1/stats"


@click.command(cls=Command)
@click.option(
    "--interval", type=click.IntRange(1, 3600), default=2, help="Seconds between two looks.", show_default=True
)
@click.option("--once", is_flag=True, help="Show the figures of this moment, and end.")
@click.pass_obj
def top(api: Api, interval: int, *, once: bool) -> None:
    """Show what the tracker does now: rates, swarms, stores, refusals. q or Ctrl-C ends it.

    On a terminal it fills the screen; elsewhere, and where TERM is dumb, each look is a block of text, or with --json
    a line.
    """
    able = sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    live = able and not once and not as_json()
    try:
        if live:
            with _screen() as show, _keys() as keys:
                api.converse(lambda ask: _watch(ask, api.place.url, show, _Looks(interval, keys)))
        else:
            api.converse(lambda ask: _watch(ask, api.place.url, _print, _Looks(0 if once else interval, None)))
    except KeyboardInterrupt:
        if once:
            raise  # else that is how it ends


class _Looks:
    """When to look: every `interval` seconds, or once if that is 0; `keys` is a terminal whose `q` ends it."""

    def __init__(self, interval: int, keys: int | None) -> None:
        self.interval = interval
        self._keys = keys

    async def next(self) -> bool:
        """Wait for the next look; return whether there is to be one."""
        if not self.interval:
            return False
        from twisted.internet import reactor  # noqa: PLC0415 - slow
        from twisted.internet.defer import Deferred  # noqa: PLC0415 - slow

        from mika.cli.keyboard import Keyboard  # noqa: PLC0415 - slow

        over: Deferred[bool] = Deferred()
        call = reactor.callLater(self.interval, over.callback, True)
        reader = None if self._keys is None else Keyboard(self._keys, over)
        if reader is not None:
            reactor.addReader(reader)
        try:
            return await over
        finally:
            if call.active():
                call.cancel()
            if reader is not None:
                reactor.removeReader(reader)


async def _watch(ask: Ask, url: str, show: Any, looks: _Looks) -> None:
    """Look and show until it is over; a tracker that does not answer for a while is waited for."""
    status = await ask("GET", "/v1/status", None)
    stats: Any = await ask("GET", STATS, None)
    while True:
        show(stats, url, str(status.get("version")), "")
        while True:
            if not await looks.next():
                return
            try:
                stats = await ask("GET", STATS, None)
            except ApiError as error:
                if error.status is not None and error.status < 500:
                    raise
                show(stats, url, str(status.get("version")), str(error))
                continue
            break


def _print(stats: Any, url: str, version: str, problem: str) -> None:
    if as_json():
        if not problem:
            show_line(stats)
        return
    from rich.console import Console  # noqa: PLC0415 - slow

    if problem:
        click.echo(f"mika: {problem}", err=True)
        return
    console = Console(highlight=False, width=100, color_system=None)
    with console.capture() as capture:
        console.print(_picture(stats, url, version, ""))
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")


def _picture(stats: Any, url: str, version: str, problem: str) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415 - slow
    from rich.table import Table  # noqa: PLC0415 - slow
    from rich.text import Text  # noqa: PLC0415 - slow

    parts: list[RenderableType] = [Text(screen.head(stats, url, version), style="bold", no_wrap=True)]
    parts += [Text(line, style="bold red") for line in ([problem] if problem else []) + screen.trouble(stats)]
    for head, rows in screen.tables(stats):
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
        for number, name in enumerate(head):
            table.add_column(name, justify="right" if number else "left", no_wrap=True, min_width=0 if number else 24)
        for row in rows:
            table.add_row(*(Text(cell, style="bold red" if cell == "DOWN" else "") for cell in row))
        parts += [Text(), table]
    return Group(*parts)


@contextmanager
def _screen() -> Iterator[Any]:
    """Take the terminal's whole screen, and give it back as it was."""
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.live import Live  # noqa: PLC0415 - slow

    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda *shown: live.update(_picture(*shown), refresh=True)


@contextmanager
def _keys() -> Iterator[int | None]:
    """Have each key reach us at once and unseen, until the end; `None` where the input is no terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    import termios  # noqa: PLC0415 - where there are terminals
    import tty  # noqa: PLC0415 - with it

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
