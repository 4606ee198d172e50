"""URLs of Redis: what they name, and what is wrong with them, without the password."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet import reactor

from mika.errors import ConfigError
from mika.store.redis_url import RedisPlace, parse_redis_url
from mika.store.registry import make_stores

STATE = Path("/srv/state")

PLACES = {
    "redis://db": RedisPlace("db"),
    "redis://db/": RedisPlace("db"),
    "redis://db:7000/3": RedisPlace("db", 7000, 3),
    "redis://:secret@db": RedisPlace("db", password="secret"),
    "redis://mika:s%2Fe%40c%23ret@db": RedisPlace("db", user="mika", password="s/e@c#ret"),
    "redis://mika@db": RedisPlace("db", user="mika"),
    "redis://[::1]:7000?prefix=site%3A": RedisPlace("::1", 7000, prefix="site:"),
    "redis://db?prefix=": RedisPlace("db", prefix=""),
    "rediss://db": RedisPlace("db", tls=True),
    "rediss://db?ca=ca.pem": RedisPlace("db", tls=True, ca=Path("/srv/state/ca.pem")),
    "rediss://db/1?ca=/etc/ca.pem&prefix=a": RedisPlace("db", db=1, prefix="a", tls=True, ca=Path("/etc/ca.pem")),
}

WRONG = {
    "redis:": "is followed by //",
    "redis:db": "is followed by //",
    "redis://": "names no host",
    "redis://mika:secret@": "names no host",
    "redis://mika:secret@db:port": "has no host and port",
    "redis://mika:secret@db:70000": "has no host and port",
    "redis://mika:se/cret@db": "has no host and port",
    "redis://mika:sec#ret@db": "in a password # is written %23",
    "redis://mika:secret@[::1": "has no host and port",
    "redis://mika:secret@db/mika": "is a number",
    "redis://mika:secret@db/-1": "is a number",
    "redis://mika:secret@db?databse=1": "has no option 'databse'",
    "redis://mika:secret@db?ca=ca.pem": "the scheme with TLS is rediss",
}


@pytest.mark.parametrize(("url", "place"), PLACES.items())
def test_url_names_a_place(url, place):
    """User and password are percent-encoded, a relative CA is in the state directory."""
    assert parse_redis_url(url, STATE) == place


@pytest.mark.parametrize(("url", "words"), WRONG.items())
def test_wrong_url_is_said_without_its_password(url, words):
    """One line, with the form that it should have."""
    with pytest.raises(ConfigError) as caught:
        parse_redis_url(url, STATE)
    assert words in str(caught.value)
    assert "cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_password_is_in_no_text_of_a_place():
    """Neither in the words for operators nor in those for programmers."""
    place = parse_redis_url("redis://mika:secret@[::1]/2", STATE)
    assert str(place) == "Redis at [::1]:6379/2"
    assert "secret" not in repr(place)


def test_same_place_is_one_store():
    """However it is written; another prefix is another store."""
    stores = make_stores(
        {"users": "redis://db", "torrents": "redis://db:6379/0", "peers": "redis://db?prefix=peers:"}, STATE, reactor
    )
    assert stores.users is stores.torrents
    assert stores.unique == [stores.users, stores.peers]
