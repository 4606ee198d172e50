"""The command line into an exit status: the entry point `mika`, and what every error looks like.

0: done. 1: the tracker said no, or could not be reached, or a store is not fine. 2: what was typed, a file or a setting
is wrong, and nothing was sent. 130: interrupted. An expected error is one line on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mika import __version__
from mika.cli.check import check
from mika.cli.client import client
from mika.cli.command import InputError, StoppedError, visible
from mika.cli.completion import PROGRAM, completion
from mika.cli.db import db
from mika.cli.geo import geo
from mika.cli.tokens import token
from mika.compiled import described
from mika.errors import MikaError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(f"{__version__} ({described()})", prog_name=PROGRAM)
def mika() -> None:
    """Look after a mika tracker. The tracker itself is started by `twistd mika`."""


for part in (client, check, token, db, geo, completion):
    mika.add_command(part)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, by default the process's own; return the exit status."""
    if sys.stdout is None:  # `mika … >&-`
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        status = mika.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        see = f" See `{error.ctx.command_path} -h`." if error.ctx is not None else ""
        return _fail(error.format_message() + see, 2)
    except StoppedError as error:
        return _fail(str(error), 130)
    except InputError as error:
        return _fail(str(error), 2)
    except MikaError as error:
        return _fail(str(error), 1)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python, at its end, tries once more
        if isinstance(error, BrokenPipeError):
            return 0  # `mika … | head`: the reader has what it wanted
        return _fail(f"cannot write the output: {error}", 1)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int) -> int:
    click.echo(f"mika: {visible(' '.join(message.split()))}", err=True)
    return status
