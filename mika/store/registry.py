"""Finds the store that a URL of the `[stores]` section names. `config.py` checks the URLs, `tap.py` makes the stores.

An adapter of one's own is a class that provides the interfaces; it is made as `Adapter(reactor, state_dir)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from os.path import normpath
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorThreads
from zope.interface.interface import InterfaceClass

from mika.errors import ConfigError
from mika.interfaces import IPeerStore, IStore, ITorrentStore, IUserStore
from mika.store.memory import MemoryStore
from mika.store.redis_url import RedisPlace, parse_redis_url

ENTRY_POINTS = "mika.stores"
"""The group in which a package names its adapters."""

DEFAULT_FILE = "mika.sqlite"
"""The database of `sqlite:`, in the state directory."""

KINDS: Mapping[str, InterfaceClass] = {"users": IUserStore, "torrents": ITorrentStore, "peers": IPeerStore}

_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_KNOWN = (
    "memory:, sqlite:, sqlite:PATH, postgresql://..., mysql://..., redis://..., rediss://..., https://..., "
    "package.module:Class, or the name of an installed adapter"
)

Adapter = Callable[[IReactorThreads, Path], Any]


@dataclass(frozen=True, slots=True)
class Stores:
    """The store of each kind; one object may be several of them."""

    users: IUserStore
    torrents: ITorrentStore
    peers: IPeerStore

    @property
    def unique(self) -> list[IStore]:
        """Each store once, to be opened and closed."""
        return list({id(store): store for store in (self.users, self.torrents, self.peers)}.values())


def make_stores(urls: Mapping[str, Any], state_dir: Path, reactor: IReactorThreads) -> Stores:
    """Make the stores that `urls` names for "users", "torrents" and "peers"; the same URL gives the same object.

    With a "poll_interval", seconds between two looks of a store that has to ask what others changed.
    None is opened yet. A relative path is one in `state_dir`. `ConfigError` says which key is wrong.
    """
    made: dict[Hashable, Any] = {}
    chosen: dict[str, Any] = {}
    for kind, interface in KINDS.items():
        try:
            place, adapter = _find(urls[kind], state_dir.absolute(), urls.get("poll_interval", 2))
            if place not in made:
                made[place] = _make(adapter, reactor, state_dir.absolute())
        except ConfigError as error:
            raise ConfigError(f"stores.{kind}: {error}") from None
        chosen[kind] = made[place]
        if not interface.providedBy(chosen[kind]):
            raise ConfigError(f"stores.{kind}: {urls[kind]} does not provide mika.interfaces.{interface.__name__}")
    return Stores(**chosen)


def check_url(url: str) -> None:
    """Raise `ConfigError` if `url` names no store; its text never has a password in it."""
    _find(url, Path("/"))


def _find(url: str, state_dir: Path, poll_interval: float = 2) -> tuple[Hashable, Adapter]:
    """Return what tells this store from others, and what makes it."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        return url, _installed(url)
    if scheme == "memory" and not rest:
        return scheme, lambda _reactor, _state_dir: MemoryStore()
    if scheme == "sqlite":
        path = _sqlite_path(rest, state_dir)
        return path, lambda reactor, _state_dir: _sqlite(path, reactor, poll_interval)
    if scheme in ("redis", "rediss"):
        redis = parse_redis_url(url, state_dir)
        return redis, lambda reactor, _state_dir: _redis(redis, reactor)
    if scheme in ("http", "https"):
        return _site(url, state_dir, poll_interval)
    if scheme.partition("+")[0] in ("mysql", "mariadb"):
        return _mysql(url, poll_interval)
    if scheme.partition("+")[0] in {"postgresql", "postgres"}:
        return url, _postgresql(url)
    if scheme != "memory" and _CLASS.fullmatch(url):
        return url, _imported(scheme, rest)
    raise ConfigError(f"{scheme!r} is no kind of store; there are {_KNOWN}")


def _sqlite_path(text: str, state_dir: Path) -> Path:
    if text.startswith("//"):  # three slashes are a relative path to some and an absolute one to others
        raise ConfigError("a database is named sqlite:PATH, without //: sqlite:accounts.sqlite or sqlite:/srv/a.sqlite")
    if "\0" in text:
        raise ConfigError("the path of the database has a NUL character in it")
    return Path(normpath(state_dir / (text or DEFAULT_FILE)))


def _sqlite(path: Path, reactor: IReactorThreads, poll_interval: float) -> Any:
    from mika.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy and Alembic take longest to load of all
    from mika.store.sqlite import Sqlite  # noqa: PLC0415 - as above

    return SqlStore(Sqlite(path, poll_interval=poll_interval), reactor)


def _mysql(url: str, poll_interval: float) -> tuple[Hashable, Adapter]:
    from mika.store.mysql import Mysql, read_url  # noqa: PLC0415 - SQLAlchemy and Alembic take longest to load of all
    from mika.store.sql import SqlStore  # noqa: PLC0415 - as above

    read = read_url(url)
    return read, lambda reactor, _state_dir: SqlStore(Mysql(url, poll_interval=poll_interval), reactor)


def _redis(place: RedisPlace, reactor: IReactorThreads) -> Any:
    from mika.store.redis import RedisStore  # noqa: PLC0415 - txredisapi would install a reactor while it is imported

    return RedisStore(place, reactor)


def _site(url: str, state_dir: Path, poll_interval: float) -> tuple[Hashable, Adapter]:
    from mika.store.remote import RemoteStore  # noqa: PLC0415 - as above: treq
    from mika.store.remote_site import read_address  # noqa: PLC0415 - as above

    address = read_address(url, state_dir)
    return address, lambda reactor, _state_dir: RemoteStore(address, reactor, poll_interval)


def _postgresql(url: str) -> Adapter:
    from mika.store.postgresql import Postgresql  # noqa: PLC0415 - as above

    dialect = Postgresql(url)

    def adapter(reactor: IReactorThreads, _state_dir: Path) -> Any:
        from mika.store.sql import SqlStore  # noqa: PLC0415 - as above

        return SqlStore(dialect, reactor)

    return adapter


def _installed(name: str) -> Adapter:
    for entry_point in entry_points(group=ENTRY_POINTS, name=name):
        return _imported(entry_point.module, entry_point.attr)
    raise ConfigError(f"no installed package has a store {name!r}; there are {_KNOWN}")


def _imported(module: str, name: str) -> Adapter:
    try:
        adapter = getattr(import_module(module), name, None)
    except Exception as error:  # noqa: BLE001 - whatever a module raises while it is imported
        raise ConfigError(f"cannot import {module}: {_first_line(error)}") from None
    if not callable(adapter):
        raise ConfigError(f"the module {module} has no class {name}")
    return adapter  # type: ignore[no-any-return]  # what it makes is checked


def _make(adapter: Adapter, reactor: IReactorThreads, state_dir: Path) -> Any:
    try:
        return adapter(reactor, state_dir)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever another's class raises
        raise ConfigError(f"cannot be made: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
