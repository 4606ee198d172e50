"""`mika db`: looks at the stores of a configuration, or upgrades them, without a tracker; upkeep.py does the work."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mika.cli.command import FILE, InputError, Section, visible
from mika.cli.reactor import run_in_reactor
from mika.cli.tables import as_json, show_answer
from mika.errors import ConfigError

if TYPE_CHECKING:
    from mika.config import Config
    from mika.upkeep import Finding

Work = Callable[["Config", Any], Awaitable["list[Finding]"]]

_config_option = click.option(
    "--config", "-c", type=FILE, metavar="PATH", default="", help="The configuration, as twistd mika takes it."
)


@click.group(cls=Section)
def db() -> None:
    """Look after the stores: on the machine, and with the configuration and environment, of the tracker.

    Exit status: 0 all stores are fine; 1 one is not; 2 the configuration is wrong.
    """


@db.command()
@_config_option
def check(config: str) -> int:
    """Say of each store whether it can be reached, and whether its schema fits. Changes nothing."""
    from mika.upkeep import check_stores  # noqa: PLC0415 - slow

    return _report(config, check_stores)


@db.command()
@_config_option
def upgrade(config: str) -> int:
    """Bring the schema of each store up to date, as the next start would. Make a backup first."""
    from mika.upkeep import upgrade_stores  # noqa: PLC0415 - slow

    return _report(config, upgrade_stores)


def _report(path: str, work: Work) -> int:
    """Do the work on the stores of a configuration, print a line for each, and return the exit status."""
    from mika.config import load_config  # noqa: PLC0415 - slow

    try:
        configuration = load_config(Path(path) if path else None, os.environ)
        findings = run_in_reactor(lambda reactor: work(configuration, reactor))
    except ConfigError as error:
        raise InputError(str(error)) from None
    if as_json():
        show_answer([{"stores": list(each.kinds), "fine": each.fine, "words": each.words} for each in findings])
    else:
        for finding in findings:
            click.echo(visible(f"{', '.join(finding.kinds)}: {finding.words}"))
    return 0 if all(finding.fine for finding in findings) else 1
