"""URLs and the stores they name; and what is no store, in one line that keeps secrets."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType

import pytest
from twisted.internet import reactor

from mika.errors import ConfigError
from mika.store import registry
from mika.store.memory import MemoryStore
from mika.store.registry import check_url, make_stores

STATE = Path("/srv/state")

PATHS = {
    "sqlite:": "/srv/state/mika.sqlite",
    "sqlite:peers.sqlite": "/srv/state/peers.sqlite",
    "sqlite:some/path": "/srv/state/some/path",
    "sqlite:../other.sqlite": "/srv/other.sqlite",
    "sqlite:/abs/a b.sqlite": "/abs/a b.sqlite",
}

NO_STORE = {
    "": "no installed package has a store ''",
    "sqlite": "no installed package has a store 'sqlite'",
    "acme": "no installed package has a store 'acme'",
    "memory:x": "'memory' is no kind of store",
    "sqlite:///mika.sqlite": "a database is named sqlite:PATH, without //",
    "sqlite:a\0b": "NUL",
    "redis:secret@db": "redis: is followed by //",
    "rediss://:secret@": "rediss: names no host",
    "https://mika:secret@site.example/api": "a site takes a token and no user",
    "https://:secret@site.example/api?token_file=/secret": "a site takes one token",
    "https://site.example/api": "a site takes one token",
    "https://:sec%20ret@site.example": "what is in the token in the URL is not a token",
    "https://:secret@site.example/?secret=1": "the options token_file and ca, and no others",
    "https://:secret@site.example/?secret": "a site is named https://HOST/PATH",
    "https://:secret@site.example/#secret": "a site is named https://HOST/PATH",
    "https://:secret@site.example:0/": "a site is named https://HOST/PATH",
    "https://:secret@site.example:x/": "a site is named https://HOST/PATH",
    "https://:secret@": "a site is named https://HOST/PATH",
    "https:": "a site is named https://HOST/PATH",
    "http://:secret@site.example/api": "http: is for a site on this machine",
    "http://:secret@127.0.0.1.example/api": "http: is for a site on this machine",
    "mysql://mika:secret@db": "the URL names no database",
    "mysql://mika:secret@db/": "the URL names no database",
    "mysql://db/mika": "the URL names no user",
    "mysql:mika:secret": "the URL cannot be read",
    "mysql://mika:secret@db:x/mika": "the URL cannot be read",
    "mysql://mika:secret@db/mika?autocommit=secret": "the URL has an unknown option autocommit",
    "mysql+mysqldb://mika:secret@db/mika": "mysql+mysqldb: mika talks to this database by pymysql alone",
    "postgresql+asyncpg://mika:secret@db/mika": "postgresql+asyncpg: is not a driver that mika has",
    "postgresql://mika:secret@db": "names no database",
    "mongodb://mika:secret@db": "'mongodb' is no kind of store",
    "//mika:secret@db": "'//mika' is no kind of store",
    "no.such.module:Store": "cannot import no.such.module: No module named 'no'",
    "mika.store.memory:NoStore": "the module mika.store.memory has no class NoStore",
    "mika.model:DEFAULT_ROLE": "the module mika.model has no class DEFAULT_ROLE",
    "broken_adapter:Store": "cannot import broken_adapter: first line",
}


class Adapter(MemoryStore):
    """A store of one's own."""

    def __init__(self, reactor, state_dir):
        super().__init__()
        self.made_with = (reactor, state_dir)


class Failing:
    """A store that cannot be made."""

    def __init__(self, reactor, state_dir):
        raise ValueError("first line\nsecond line")


class Nothing:
    """A class that is no store."""

    def __init__(self, reactor, state_dir):
        pass


@pytest.fixture(autouse=True)
def _broken_adapter(tmp_path, monkeypatch):
    (tmp_path / "broken_adapter.py").write_text("raise RuntimeError('first line\\nsecond line')")
    monkeypatch.syspath_prepend(tmp_path)
    module = ModuleType("my_adapters")
    module.Adapter, module.Failing, module.Nothing = Adapter, Failing, Nothing
    monkeypatch.setitem(sys.modules, "my_adapters", module)


def make(users="memory:", torrents="memory:", peers="memory:"):
    """Return the stores of these URLs."""
    return make_stores({"users": users, "torrents": torrents, "peers": peers}, STATE, reactor)


@pytest.mark.parametrize(("url", "path"), PATHS.items())
def test_sqlite_url_names_a_file(url, path):
    """A relative path is one in the state directory, from wherever twistd was started."""
    check_url(url)
    assert make(users=url).users._dialect.place == f"The database {path}"


@pytest.mark.parametrize(
    ("url", "place"),
    {
        "mysql://mika:secret@db/mika": "mika at db:3306",
        "mariadb://mika:secret@db:3307/mika": "mika at db:3307",
        "mysql+pymysql://mika:secret@[::1]/mika": "mika at [::1]:3306",
        "mysql://mika@/mika?unix_socket=/run/mysqld/mysqld.sock": "mika at /run/mysqld/mysqld.sock",
    }.items(),
)
def test_mysql_url_names_a_database(url, place):
    """By either name; what it is called has no password in it."""
    check_url(url)
    assert make(users=url).users._dialect.place == f"The database {place}"


def test_postgresql_url_names_a_database():
    """Both of its schemes do, and the driver may be named; the same URL is one store."""
    for url in ("postgresql://mika:secret@db/mika", "postgres://db/mika", "postgresql+psycopg2://db/mika"):
        check_url(url)
        stores = make(users=url, torrents=url)
        assert stores.users is stores.torrents
        assert stores.users._dialect.place == "The database db/mika"


def test_same_url_is_one_store():
    """The same place is opened once, however it is written; others are stores of their own."""
    stores = make("sqlite:", "sqlite:mika.sqlite", "sqlite:peers.sqlite")
    assert stores.users is stores.torrents
    assert stores.unique == [stores.users, stores.peers]
    assert len(make().unique) == 1
    assert len(make("mysql://a:b@db/mika", "mariadb://a:b@db:3306/mika", "mysql+pymysql://a:b@db/mika").unique) == 1
    assert len(make("mysql://a:b@db/mika", "mysql://a:b@db/mika2", "mysql://a:b@db2/mika").unique) == 3
    assert make("memory:", "sqlite:", "memory:").unique[1]._dialect.place.endswith("mika.sqlite")


@pytest.mark.parametrize(("url", "words"), NO_STORE.items())
def test_what_names_no_store_is_refused_in_one_line(url, words):
    """The line says what is wrong and with which key; never a password."""
    with pytest.raises(ConfigError) as early:
        check_url(url)
    with pytest.raises(ConfigError) as late:
        make(peers=url)
    assert words in str(early.value)
    assert str(late.value) == f"stores.peers: {early.value}"
    assert "\n" not in str(early.value)
    assert "secret" not in str(early.value)


@pytest.mark.parametrize(
    "host", ["https://site.example", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"]
)
def test_site_is_a_store(host):
    """Over TLS anywhere, without it on this machine; the same site with the same token is one store."""
    url = host.replace("://", "://:secret-token@") + "/tracker"
    check_url(url)
    stores = make(url, f"{url}/")
    assert len(stores.unique) == 2
    assert stores.users is stores.torrents
    assert stores.users.place == f"The site {host}/tracker"


def test_class_is_made_with_reactor_and_state_directory():
    """An adapter is named as package.module:Class."""
    check_url("my_adapters:Adapter")
    stores = make("my_adapters:Adapter", "my_adapters:Adapter")
    assert stores.users is stores.torrents
    assert stores.users.made_with == (reactor, STATE)


def test_installed_adapter_is_found_by_its_name(monkeypatch):
    """An entry point of the group `mika.stores` is one too."""
    found = EntryPoints([EntryPoint("acme", "my_adapters:Adapter", "mika.stores")])
    monkeypatch.setattr(registry, "entry_points", found.select)
    assert isinstance(make(users="acme").users, Adapter)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("my_adapters:Failing", "stores.torrents: cannot be made: first line"),
        ("my_adapters:Nothing", "stores.torrents: my_adapters:Nothing does not provide mika.interfaces.ITorrentStore"),
    ],
)
def test_class_that_makes_no_store(url, words):
    """It is refused with the key, before anything is opened."""
    with pytest.raises(ConfigError) as caught:
        make(torrents=url)
    assert str(caught.value) == words
