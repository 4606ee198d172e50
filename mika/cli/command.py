"""What the commands under `mika client` share on the command line: `--json` anywhere, and how values are written."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from mika.errors import MikaError

TEXT_FIELDS = frozenset({"bonus", "info_hash", "info_hash_v2", "name", "passkey", "reason", "remote_id"})
"""Fields of the API that are strings, whatever their value looks like: `name=123` is a name."""

WORDS = {"true": True, "false": False, "null": None}
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
INFO_HASH = re.compile(r"[0-9a-fA-F]{40}")


class InputError(MikaError):
    """What was given (a file, a setting) cannot be used. Nothing was sent."""


class StoppedError(MikaError):
    """Ctrl-C in the middle of long work; the text says how far it came."""


class Command(click.Command):
    """A command that takes `--json`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(json_option())


class PrefixCommand(Command):
    """A command whose arguments may begin with a dash, as peer id prefixes do: only its own options are options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first and a `--` before the rest, which is how click takes what begins with a dash."""
        known = {name for param in self.get_params(ctx) for name in param.opts}
        cut = args.index("--") if "--" in args else len(args)
        options = [arg for arg in args[:cut] if arg in known]
        values = [arg for arg in args[:cut] if arg not in known] + args[cut + 1 :]
        return super().parse_args(ctx, [*options, "--", *values])


class Section(click.Group):
    """A group of commands on one kind of thing."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(json_option())


def json_option() -> click.Option:
    """Make the option `--json`, which says the same wherever it stands."""
    return click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        callback=_remember_json,
        help="Print what the API answers, as one JSON document.",
    )


def _remember_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["mika.json"] = True


class Completed(click.ParamType[str]):
    """A text that shells complete as a path. Nothing is checked: whoever opens it says more about what is wrong."""

    def __init__(self, kind: str) -> None:
        self.name = kind

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return what was typed."""
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Leave it to the shell."""
        return [CompletionItem(incomplete, type=self.name)]


FILE, DIRECTORY = Completed("file"), Completed("dir")


class InfoHash(click.ParamType[str]):
    """An info hash: 40 hex digits in, the same in lower case out."""

    name = "HASH"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what was typed."""
        if not INFO_HASH.fullmatch(value):
            self.fail(f"{value!r} is not an info hash, which is 40 hex digits.", param, ctx)
        return value.lower()


class Pair(click.ParamType[tuple[str, Any]]):
    """A field of the API and its value: `name=Ann`, `enabled=false`, `multiplier_up=1.5`."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Split what was typed, and give the value its type."""
        key, equals, text = value.partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not written KEY=VALUE.", param, ctx)
        return key, _typed(key, text)


def fields_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Gather pairs into a body; `passkey=-` is read from standard input, which other users' `ps` does not show."""
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise click.UsageError(f"{key} is given twice.", click.get_current_context())
        fields[key] = value
    if fields.get("passkey") == "-":
        fields["passkey"] = sys.stdin.readline().strip()
    return fields


def _typed(key: str, text: str) -> Any:
    if key in TEXT_FIELDS:
        return text
    if text in WORDS:
        return WORDS[text]
    if NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def visible(text: str) -> str:
    """Write what a terminal would obey or hide as escapes: names come from strangers."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
