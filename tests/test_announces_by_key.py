"""Announces and scrapes by keys a torrent, as clients see them."""

from __future__ import annotations

import pytest
from builders import INFO_HASH, OTHER_PASSKEY, PASSKEY, make_site, result

from mika.keys import void_key
from mika.model import Torrent
from mika.store.memory import MemoryStore

OTHER_HASH = b"o" * 20
V2 = b"2" * 32


def make_keyed_site(torrent_keys: str = "accepted", **facts):
    """Return a site with a hybrid torrent and another one."""
    torrents = [Torrent(INFO_HASH, V2, size=2**30), OTHER_HASH]
    return make_site(torrents=torrents, torrent_keys=torrent_keys, **facts)


def key_of(site, passkey: str = PASSKEY, info_hash: bytes = INFO_HASH) -> str:
    """Return the key of a user for a torrent."""
    return site.keys.make(site.user(passkey), info_hash)


def code(answer) -> str | None:
    """Return the code of a refusal."""
    found = answer.get("failure code")
    return None if found is None else found.decode()


def test_key_is_credited_to_its_user():
    """It announces as the passkey does, by either hash of a hybrid torrent, and both mean the same peer."""
    site = make_keyed_site()
    key = key_of(site)
    site.announce(key, uploaded=0)
    site.announce(key, uploaded=500, info_hash=V2[:20])
    site.announce(PASSKEY, uploaded=700)
    assert site.user().totals.uploaded == 700
    assert site.swarms.peer_count == 1
    assert site.announce(key, event="stopped", uploaded=900)["incomplete"] == 0
    assert site.user().totals.uploaded == 900


@pytest.mark.parametrize("event", [None, "started", "completed", "stopped"])
def test_key_of_another_torrent_is_refused(event):
    """Whatever it says, also a stop: who found a key must not touch the owner's other peers."""
    site = make_keyed_site()
    site.announce(PASSKEY, info_hash=OTHER_HASH, uploaded=0)
    answer = site.announce(key_of(site), info_hash=OTHER_HASH, uploaded=500, event=event)
    assert code(answer) == "key_of_another_torrent"
    assert site.user().totals.uploaded == 0
    assert site.swarms.peer_count == 1


def test_key_of_a_torrent_that_is_not_registered():
    """The key of one torrent says nothing of another that is not there, and its own may be gone."""
    site = make_keyed_site()
    assert code(site.announce(key_of(site), info_hash=b"x" * 20)) == "key_of_another_torrent"
    assert code(site.announce(key_of(site, info_hash=b"y" * 20), info_hash=b"y" * 20)) == "torrent_unregistered"
    key = key_of(site)
    result(site.directory.delete_torrent(INFO_HASH, "trumped"))
    assert site.announce(key)["failure reason"] == b"Unregistered torrent: trumped"


def test_voided_key_is_refused_and_others_go_on():
    """One torrent of one user alone."""
    site = make_keyed_site()
    old, others = key_of(site), [key_of(site, info_hash=OTHER_HASH), key_of(site, OTHER_PASSKEY)]
    result(void_key(site.directory, site.user().id, INFO_HASH))
    assert code(site.announce(old)) == "key_void"
    assert code(site.announce(old, event="stopped")) == "key_void"
    assert code(site.announce(key_of(site))) is None
    assert code(site.announce(others[0], info_hash=OTHER_HASH)) is None
    assert code(site.announce(others[1])) is None
    assert code(site.announce()) is None


def test_new_passkey_ends_all_keys():
    """Everything that a member was given before stops at once."""
    site = make_keyed_site()
    old = key_of(site)
    site.announce(old)
    result(site.directory.change_user(site.user().id, {"passkey": "a-new-passkey"}))
    assert code(site.announce(old)) == "key_void"
    assert code(site.announce(key_of(site, "a-new-passkey"))) is None


def test_what_becomes_of_the_user_counts_for_keys():
    """A disabled account is refused as such and may stop; a deleted one has no keys."""
    site = make_keyed_site()
    key = key_of(site)
    site.announce(key)
    result(site.directory.change_user(site.user().id, {"enabled": False}))
    assert code(site.announce(key)) == "user_disabled"
    assert code(site.announce(key, event="stopped")) is None
    result(site.directory.delete_user(site.user().id))
    assert code(site.announce(key)) == "passkey_invalid"


def test_off_is_off():
    """Where keys are off, one is nobody's passkey."""
    site = make_keyed_site("off")
    assert code(site.announce(key_of(site))) == "passkey_invalid"
    assert code(site.scrape(key_of(site))) == "passkey_invalid"


def test_required_refuses_passkeys_with_what_to_do():
    """But a stop, so that clients that run can leave; who may not announce at all is told that first."""
    site = make_keyed_site("required")
    answer = site.announce()
    assert code(answer) == "key_needed"
    assert b"download the torrent file" in answer["failure reason"]
    assert code(site.scrape()) == "key_needed"
    assert code(site.announce(event="stopped")) is None
    assert code(site.announce(key_of(site))) is None
    assert "files" in site.scrape(key_of(site))
    result(site.directory.change_user(site.user().id, {"enabled": False}))
    assert code(site.announce()) == "user_disabled"


def test_required_leaves_public_peers_alone():
    """Who has neither passkey nor key is served in public mode."""
    site = make_keyed_site("required", public=True)
    assert code(site.announce(None)) is None
    assert "files" in site.scrape(None)


def test_scrape_by_a_key_is_of_its_torrent():
    """By either hash; another torrent among them is refused."""
    site = make_keyed_site()
    site.announce()
    files = site.scrape(key_of(site), INFO_HASH, V2[:20])["files"]
    assert set(files) == {INFO_HASH, V2[:20]}
    assert code(site.scrape(key_of(site), INFO_HASH, OTHER_HASH)) == "key_of_another_torrent"
    assert code(site.scrape(key_of(site), b"x" * 20)) == "key_of_another_torrent"


@pytest.mark.parametrize("info_hash", [INFO_HASH, V2[:20]])
def test_first_announce_by_a_key_loads_what_it_names(info_hash):
    """User and torrent are read once, by either hash, and what is not there is remembered."""
    store = MemoryStore()
    site = make_keyed_site(store=store)
    (user,) = result(store.list_users(0, 1))
    key = site.keys.make(user, INFO_HASH)
    assert code(site.announce(key, info_hash=info_hash)) is None
    assert site.directory.lookups == {("users", True): 1, ("torrents", True): 1}
    assert code(site.announce(key, info_hash=info_hash)) is None
    assert sum(site.directory.lookups.values()) == 2


def test_keys_of_nobody_read_the_store_once():
    """One of a user who is gone costs one read; one that was made up is looked for as a passkey, once."""
    store = MemoryStore()
    site = make_keyed_site(store=store)
    key = site.keys.make(result(store.user_by_id(1)), INFO_HASH)
    result(store.delete_user(1))
    for _again in range(3):
        assert code(site.announce(key)) == "passkey_invalid"
        assert code(site.announce("a" * 64)) == "passkey_invalid"
    assert site.directory.lookups["users", False] == 2


def test_passkey_of_64_characters_is_a_passkey():
    """A site that brought such passkeys may turn keys on."""
    long = "0123456789abcdef" * 4
    site = make_site(users=[long], torrent_keys="accepted")
    assert code(site.announce(long)) is None
