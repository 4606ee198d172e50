"""An answer that is a long array, written some items at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from mika.turns import Rest, in_turns

Noun = TypeVar("Noun")


async def shown_in_turns(items: Iterable[Noun], show: Callable[[Noun], BaseModel], rest: Rest) -> bytes:
    """Return what is shown of each item as a JSON array."""
    return json_array(await in_turns(items, lambda _, item: to_json(show(item)), rest))


def json_array(items: Iterable[bytes]) -> bytes:
    """Return items that are JSON as an array."""
    return b"[" + b",".join(items) + b"]"
