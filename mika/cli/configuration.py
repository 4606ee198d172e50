"""`mika client config`: the configuration of a running tracker, and what of it changes without a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from mika.cli.api import Api, ApiError
from mika.cli.command import Pair, Section, fields_of, visible
from mika.cli.tables import as_json, show_answer

CONFIG = "/v1/config"


class Key(Pair):
    """A key of the configuration and its value, as in the file: `tracker.announce_interval=45m`."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Split what was typed; a list or a table is written as in JSON."""
        key, typed = super().convert(value, param, ctx)
        section, dot, name = key.partition(".")
        if not (section and dot and name):
            self.fail(f"{key!r} is not written SECTION.KEY, such as tracker.announce_interval.", param, ctx)
        if isinstance(typed, str) and typed[:1] in ("[", "{", '"'):
            try:
                typed = json.loads(typed)
            except (ValueError, RecursionError):
                self.fail(f"the value of {key} begins as JSON does, and is none.", param, ctx)
        return key, typed


@click.group(cls=Section)
def config() -> None:
    """Show and change the configuration of a running tracker."""


@config.command()
@click.argument("key", default="")
@click.pass_obj
def get(api: Api, key: str) -> None:
    """Show the configuration in force: all of it, a section such as tracker, or one key such as tracker.listen.

    Passwords in the URLs of stores are stars.
    """
    found: Any = api.call("GET", CONFIG)
    for part in key.split(".") if key else ():
        if not isinstance(found, Mapping) or part not in found:
            raise ApiError(f"there is no key {key} in the configuration: `mika client config get` shows all")
        found = found[part]
    if as_json() or isinstance(found, Mapping):
        show_answer(found)
    elif isinstance(found, list):
        for each in found:
            click.echo(visible(each if isinstance(each, str) else json.dumps(each)))
    else:
        click.echo(visible(found if isinstance(found, str) else json.dumps(found)))


@config.command("set")
@click.argument("pairs", type=Key(), nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def set_(api: Api, pairs: tuple[tuple[str, Any], ...]) -> None:
    """Change keys at once, all of them or none: tracker.announce_interval=45m bonus.per_hour=2.

    It lasts until the file is read again, at a restart or SIGHUP: change the file, too. A key that needs a restart is
    refused.
    """
    fields = fields_of(pairs)
    changes = _nested(fields)
    answer = api.call("PATCH", CONFIG, changes)
    if as_json():
        show_answer(answer)
        return
    for key in fields:
        click.echo(visible(f"{key} = {json.dumps(_at(answer, key))}"))
    click.echo("mika: this lasts until the configuration is read again: change the file, too", err=True)


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Write keys with dots as the tables that they stand for."""
    changes: dict[str, Any] = {}
    for key in fields:
        for other in fields:
            if key.startswith(f"{other}."):
                raise click.UsageError(f"{key} lies in {other}, which is given a value.", click.get_current_context())
        *sections, name = key.split(".")
        place = changes
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = fields[key]
    return changes


def _at(answer: Any, key: str) -> Any:
    for part in key.split("."):
        answer = answer.get(part) if isinstance(answer, Mapping) else None
    return answer
