"""The options that say which tracker is asked, for every group of commands that asks one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from mika.cli.api import Api
from mika.cli.command import DIRECTORY, FILE
from mika.cli.place import Choice, find_place

STATE_DIR = click.option(
    "--state-dir", type=DIRECTORY, metavar="DIR", default="", help="The state directory of a tracker on this machine."
)
URL = click.option("--url", metavar="URL", default="", help="The URL of the API, instead of the one found.")
CA = click.option(
    "--ca",
    type=FILE,
    metavar="FILE",
    default="",
    help="Trust the certificates in this PEM file, instead of those found.",
)


def asks_a_tracker(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a group the options `state_dir`, `url` and `ca`. A token is no option: `ps` would show it."""
    return STATE_DIR(URL(CA(function)))


def remember_tracker(ctx: click.Context, state_dir: str, url: str, ca: str) -> None:
    """Have the commands of a group ask the tracker that is found so."""
    ctx.obj = Api(lambda: find_place(Choice(state_dir, url, ca), os.environ))
