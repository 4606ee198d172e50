"""Looks after the stores of a configuration without a tracker: what `mika db check` and `mika db upgrade` do.

It stands between the command, which knows no stores, and the stores, which know no configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorThreads

from mika.config import Config
from mika.errors import StoreError
from mika.interfaces import IStore
from mika.store.registry import KINDS, make_stores
from mika.store.sql import SqlStore
from mika.store.upgrade import newer


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to say of one store: the kinds that it keeps, a sentence that names its place, whether all is well."""

    kinds: tuple[str, ...]
    words: str
    fine: bool


@dataclass(frozen=True, slots=True)
class _Named:
    store: Any
    place: str
    kinds: tuple[str, ...]


async def check_stores(config: Config, reactor: IReactorThreads) -> list[Finding]:
    """Say of each store whether it answers and its schema fits, changing nothing; `ConfigError` if one is none."""
    return [await _finding(named, _check) for named in _named_stores(config, reactor)]


async def upgrade_stores(config: Config, reactor: IReactorThreads) -> list[Finding]:
    """Bring the schema of each store up to date, as a start would, and say what was done."""
    named_stores = _named_stores(config, reactor)
    _make_directory(Path(config.general.state_dir))
    return [await _finding(named, _upgrade) for named in named_stores]


def _make_directory(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{state_dir}: {error.strerror}") from None


def _named_stores(config: Config, reactor: IReactorThreads) -> list[_Named]:
    urls: Mapping[str, str] = config.stores.model_dump(include=set(KINDS))
    stores = make_stores(urls, Path(config.general.state_dir), reactor)
    found = []
    for store in stores.unique:
        kinds = tuple(kind for kind in KINDS if getattr(stores, kind) is store)
        found.append(_Named(store, getattr(store, "place", "") or _without_secrets(urls[kinds[0]]), kinds))
    return found


def _without_secrets(url: str) -> str:
    """Name a store that does not say its place: by the scheme alone where there could be a password."""
    return url if not {"/", "@"} & set(url) else "".join(url.partition(":")[:2])


async def _finding(named: _Named, work: Callable[[_Named], Awaitable[tuple[bool, str]]]) -> Finding:
    try:
        fine, words = await work(named)
    except StoreError as error:
        return Finding(named.kinds, str(error), fine=False)
    except Exception as error:  # noqa: BLE001 - whatever the class of another raises
        return Finding(named.kinds, f"{named.place} failed with {type(error).__name__}.", fine=False)
    return Finding(named.kinds, f"{named.place} {words}.", fine)


async def _check(named: _Named) -> tuple[bool, str]:
    store = named.store
    if not isinstance(store, SqlStore):
        return await _opens(store)
    schema = await store.schema()
    if not schema.known:
        return False, newer(schema)
    if not schema.present:
        return False, "has no tables yet: a start makes them, and so does `mika db upgrade`"
    if schema.present != schema.wanted:
        return (
            False,
            f"has schema {schema.present}, older than {schema.wanted}: a start, or `mika db upgrade`, mends it",
        )
    return True, f"is up to date (schema {schema.present})"


async def _upgrade(named: _Named) -> tuple[bool, str]:
    store = named.store
    if not isinstance(store, SqlStore):
        return await _opens(store)
    before = await store.schema()
    await _opens(store)
    now = (await store.schema()).present
    if before.present == now:
        return True, f"was up to date (schema {now})"
    return True, f"was brought from schema {before.present} to {now}" if before.present else f"has now schema {now}"


async def _opens(store: IStore) -> tuple[bool, str]:
    try:
        await store.open()
    finally:
        await store.close()
    return True, "opens and closes, and has no schema of its own"
