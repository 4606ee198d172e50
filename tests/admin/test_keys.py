"""Keys a torrent by REST: the same each time, replaced one at a time, and gone with the passkey."""

from __future__ import annotations

import pytest
from builders import Unchanging, result
from zope.interface import implementer

from mika.config import Config
from mika.interfaces import ITorrentStore, IUserStore
from mika.model import PASSKEY
from mika.store.memory import MemoryStore

HASH, HASH_V2, OTHER = "ab" * 20, "cd" * 32, "ef" * 20


def at(user_id: int = 1, info_hash: str = HASH) -> str:
    """Return the path of a key."""
    return f"/v1/users/{user_id}/torrents/{info_hash}/key"


@pytest.fixture
def make_site(make_admin):
    """Return what makes a tracker with users 1 and 2, a hybrid torrent and another one."""

    def make(torrent_keys="accepted", store=None):
        admin = make_admin(store, configuration=Unchanging(Config(tracker={"torrent_keys": torrent_keys})))
        admin.send("POST", "/v1/users", [{"name": "anna"}, {"name": "ben"}])
        admin.send("POST", "/v1/torrents", [{"info_hash": HASH, "info_hash_v2": HASH_V2}, {"info_hash": OTHER}])
        return admin

    return make


def test_key_is_shown(make_site):
    """It is the same each time and by either hash, another for each user and torrent, and fits where a passkey does."""
    site = make_site()
    shown = site.send("GET", at(), token="reader")
    assert shown.status == 200
    assert PASSKEY.fullmatch(shown.json["key"])
    assert shown.json == {"user_id": 1, "info_hash": HASH, "key": shown.json["key"], "replaced": 0}
    assert site.send("GET", at(1, HASH_V2[:40].upper())).json == shown.json
    others = [site.send("GET", at(*each)).json["key"] for each in ((2, HASH), (1, OTHER))]
    assert len({shown.json["key"], *others}) == 3


def test_key_is_replaced_alone(make_site):
    """By either hash; the other torrents and users keep theirs, and it is in the store before the answer."""
    site = make_site()
    before = [site.send("GET", at(*each)).json["key"] for each in ((1, HASH), (2, HASH), (1, OTHER))]
    replaced = site.send("POST", at(1, HASH_V2[:40]), b"")
    assert (replaced.status, replaced.json["replaced"], replaced.json["info_hash"]) == (200, 1, HASH)
    after = [site.send("GET", at(*each)).json["key"] for each in ((1, HASH), (2, HASH), (1, OTHER))]
    assert after == [replaced.json["key"], *before[1:]]
    assert after[0] != before[0]
    assert dict(result(site.store.user_by_id(1)).void_keys) == {bytes.fromhex(HASH): 1}
    assert site.send("POST", at()).json["replaced"] == 2


def test_new_passkey_makes_new_keys(make_site):
    """All of them."""
    site = make_site()
    before = [site.send("GET", at(1, each)).json["key"] for each in (HASH, OTHER)]
    site.send("POST", "/v1/users/1/passkey")
    after = [site.send("GET", at(1, each)).json["key"] for each in (HASH, OTHER)]
    assert set(before).isdisjoint(after)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (at(9), 404, "no user with the id 9"),
        (at(1, "0" * 40), 404, "no torrent with the info hash 0000"),
        (at(1, "77"), 400, "40 hex digits"),
        ("/v1/users/x/torrents/" + HASH + "/key", 400, "whole number"),
    ],
)
def test_key_that_there_is_none_of(make_site, method, path, status, words):
    """In words."""
    answer = make_site().send(method, path)
    assert answer.status == status
    assert words in answer.json["detail"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_keys_that_are_off(make_site, method):
    """No site hands out what the tracker would refuse; and nothing is voided."""
    site = make_site("off")
    answer = site.send(method, at())
    assert (answer.status, "torrent_keys" in answer.json["detail"]) == (409, True)
    assert dict(result(site.store.user_by_id(1)).void_keys) == {}


def test_replacing_needs_the_scope_write(make_site):
    """A reader may look."""
    assert make_site().send("POST", at(), token="reader").status == 403


def test_owner_of_a_key_is_found(make_site):
    """Also of one that is void, or while keys are off: who gave a file away is to be known."""
    site = make_site()
    key = site.send("GET", at(2)).json["key"]
    found = site.send("POST", "/v1/keys", {"key": key})
    expected = {"user_id": 2, "info_hash": HASH, "key": key, "replaced": 0, "good": True}
    assert (found.status, found.json) == (200, expected)
    site.send("POST", at(2))
    assert site.send("POST", "/v1/keys", {"key": key}).json == expected | {"replaced": 1, "good": False}
    site.send("DELETE", "/v1/users/2")
    assert "no user with the id 2" in site.send("POST", "/v1/keys", {"key": key}).json["detail"]


@pytest.mark.parametrize(("key", "status"), [("a" * 64, 404), ("a" * 32, 404), ("a" * 65, 422), ("", 422), (7, 422)])
def test_what_is_nobody_s_key(make_site, key, status):
    """And is not repeated."""
    answer = make_site().send("POST", "/v1/keys", {"key": key})
    assert answer.status == status
    assert "aaaaaaaa" not in str(answer.json)


@implementer(IUserStore, ITorrentStore)
class SmallStore:
    """Another's adapter, which offers nothing beside."""

    def __init__(self):
        self._store = MemoryStore()

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_store_that_keeps_no_void_keys(make_site):
    """It shows keys, and none can be replaced: 501 in words."""
    site = make_site(store=SmallStore())
    before = site.send("GET", at()).json
    answer = site.send("POST", at())
    assert (answer.status, "void" in answer.json["detail"]) == (501, True)
    assert site.send("GET", at()).json == before
