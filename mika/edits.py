"""Users or torrents that are changed together: all of them or none, in the store first, and then in memory.

`directory.py` says how it is done with either kind, and calls it for a single one too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred

from mika.changes import Changes
from mika.errors import ConflictError, NotFoundError
from mika.model import Torrent, Totals, User
from mika.standing import Check, whatever
from mika.turns import AT_A_TIME, Rest, in_turns

Key = TypeVar("Key", int, bytes)
Account = TypeVar("Account", User, Torrent)


@dataclass(frozen=True, slots=True)
class Edit(Generic[Key, Account]):
    """What is to become of one: fields and totals to set, by name. `check` is shown it before."""

    key: Key
    fields: Mapping[str, Any]
    totals: Mapping[str, int] = field(default_factory=dict)
    check: Check[Account] = whatever


@dataclass(frozen=True, slots=True)
class Ways(Generic[Key, Account]):
    """How accounts of a kind are found and changed.

    `refuse` is given the index and the fields of each; `stamp` tells the time of the change; `take` lets fields count
    that the store has, and `tell` publishes totals that were set.
    """

    changes: Changes
    find: Callable[[Key], Awaitable[Account]]
    refuse: Callable[[int, Mapping[str, Any]], None]
    stamp: Callable[[Account], Mapping[str, int]]
    save: Callable[[Account, Totals | None], Deferred[None]]
    save_all: Callable[[list[tuple[Account, Totals | None]]], Deferred[None]]
    take: Callable[[Account, dict[str, Any]], None]
    tell: Callable[[Account, Sequence[str]], None]


async def change_all(ways: Ways[Key, Account], edits: Sequence[Edit[Key, Account]], rest: Rest) -> list[Account]:
    """Change all or none, and answer the live ones in the same order.

    What announces add to a total while it is being written is added to the new figure, not lost under it. Nobody else
    changes one of them meanwhile, nor is a batch written: what counts already, in the middle of it, is in the store.
    `ConflictError` and `NotFoundError` name the index.
    """
    async with ways.changes:
        found = await _find_all(ways, edits, rest)

        def plan(index: int, edit: Edit[Key, Account]) -> tuple[dict[str, Any], Account, Totals | None]:
            account = found[index]
            ways.refuse(index, edit.fields)
            fields = {**edit.fields, **ways.stamp(account)}
            growth = account.totals.changed(edit.totals).since(account.totals) if edit.totals else None
            return fields, replace(account, **fields), growth

        plans = await in_turns(edits, plan, rest)
        await _save_all(ways, [(changed, growth) for _, changed, growth in plans])
        ways.changes.made += 1

        def take(index: int, planned: tuple[dict[str, Any], Account, Totals | None]) -> None:
            fields, _, growth = planned
            account = found[index]
            ways.take(account, fields)
            if growth is not None:
                account.totals.add(growth)
                account.written.add(growth)
                ways.tell(account, sorted(edits[index].totals))

        await in_turns(plans, take, rest)
    return found


async def _find_all(ways: Ways[Key, Account], edits: Sequence[Edit[Key, Account]], rest: Rest) -> list[Account]:
    found: list[Account] = []
    places: dict[int, int] = {}
    for index, edit in enumerate(edits):
        if index and index % AT_A_TIME == 0:
            await rest()
        try:
            account = await ways.find(edit.key)
        except NotFoundError as problem:
            raise NotFoundError(str(problem), index) from None
        if places.setdefault(id(account), index) != index:  # a torrent may be named by either of its hashes
            raise ConflictError(f"This is the same as item {places[id(account)]}.", index)
        edit.check(account)
        found.append(account)
    return found


async def _save_all(ways: Ways[Key, Account], saves: list[tuple[Account, Totals | None]]) -> None:
    if len(saves) == 1:
        await ways.save(*saves[0])
    elif saves:
        await ways.save_all(saves)
