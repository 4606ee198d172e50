"""What is in memory of users and torrents: loaded once, and never older than a change."""

from __future__ import annotations

import pytest
from builders import INFO_HASH, NOW, PASSKEY, result
from held_store import DOWN, OTHER_HASH, V2, DirectorySetting

from mika import absent as absent_module
from mika.absent import Absent
from mika.errors import NotFoundError, StoreError
from mika.model import Torrent, User

# ---- what is loaded


def test_many_loads_of_one_key_share_one_read():
    """A hundred announces of a user and a torrent that nobody knows yet: one read each, and all are answered."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey", "torrent")
    loads = [setting.load(PASSKEY, INFO_HASH) for _ in range(100)]
    assert sorted(setting.store.calls) == ["torrent", "user_by_passkey"]
    setting.store.let_go("user_by_passkey")
    assert not any(load.called for load in loads)
    setting.store.let_go("torrent")
    for load in loads:
        result(load)
    assert setting.live_user() is setting.directory.users_by_id[1]
    result(setting.load(PASSKEY, INFO_HASH))
    assert len(setting.store.calls) == 2


def test_hybrid_torrent_is_loaded_under_both_hashes():
    """Asked for by either, it is one torrent in memory."""
    setting = DirectorySetting()
    result(setting.store.add_torrents([Torrent(OTHER_HASH, V2)]))
    torrent = setting.live_torrent(V2[:20])
    assert setting.directory.torrents[OTHER_HASH] is torrent
    result(setting.load(None, OTHER_HASH))
    assert setting.store.calls.count("torrent") == 1


def test_both_hashes_of_a_hybrid_asked_for_at_once_are_one_torrent():
    """Two reads, two objects from the store, one in memory."""
    setting = DirectorySetting()
    result(setting.store.add_torrents([Torrent(OTHER_HASH, V2)]))
    setting.store.hold("torrent")
    load = setting.load(None, OTHER_HASH, V2[:20])
    setting.store.let_go("torrent")
    result(load)
    assert setting.directory.torrents[OTHER_HASH] is setting.directory.torrents[V2[:20]]


def test_failed_read_fails_all_who_wait_and_is_tried_again():
    """Each of them hears of it, nothing is remembered, and the next load asks the store anew."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey")
    loads = [setting.load(PASSKEY, INFO_HASH) for _ in range(3)]
    setting.store.let_go("user_by_passkey", DOWN)
    for load in loads:
        with pytest.raises(StoreError, match="down"):
            result(load)
    assert not setting.is_absent(PASSKEY)
    assert INFO_HASH in setting.directory.torrents
    assert setting.live_user().name == "anna"


def test_load_asked_for_by_who_has_just_been_answered():
    """Who waits may ask again from within the answer: that is a new read, and both end."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey")
    first = setting.load("nobody-1")
    second = first.addCallback(lambda _: setting.load("nobody-2"))
    setting.store.let_go("user_by_passkey")
    result(second)
    assert setting.store.calls == ["user_by_passkey"] * 2


# ---- what is not there


def test_absent_key_is_not_looked_for_again_until_its_time_is_over():
    """One read for each key and `negative_ttl`, however many announces."""
    setting = DirectorySetting(negative_ttl=60)
    for _ in range(10):
        result(setting.load("nobody-knows-it", OTHER_HASH))
        assert setting.is_absent("nobody-knows-it")
        assert setting.is_absent(OTHER_HASH)
    assert len(setting.store.calls) == 2
    setting.clock.advance(60)
    result(setting.load("nobody-knows-it"))
    assert len(setting.store.calls) == 2
    setting.clock.advance(1)
    assert not setting.is_absent("nobody-knows-it")
    result(setting.load("nobody-knows-it"))
    assert len(setting.store.calls) == 3


def test_flood_of_invented_keys_keeps_the_latest(monkeypatch):
    """No more are remembered than there is room for; the oldest give way, one asked for again is new."""
    monkeypatch.setattr(absent_module, "MAX_ABSENT", 100)
    absent = Absent(60)
    for number in range(1000):
        absent.add(number, NOW)
        absent.add(900, NOW)
        assert len(absent._until) <= 100
    assert [number for number in range(1000) if absent.has(number, NOW)] == sorted({900, *range(901, 1000)})


def test_absent_with_no_time_at_all():
    """`negative_ttl` = 0: the announce that asked is answered by it, the next second asks again."""
    absent = Absent(0)
    absent.add("key", NOW)
    assert absent.has("key", NOW)
    assert not absent.has("key", NOW + 1)


@pytest.mark.parametrize("loaded", [False, True], ids=["never asked for", "known to be absent"])
def test_what_is_added_is_known_at_once(loaded):
    """Nobody waits for `negative_ttl` after staff added a user, a torrent, or the second hash of one."""
    setting = DirectorySetting()
    directory = setting.directory
    if loaded:
        result(setting.load("passkey-of-carl", OTHER_HASH, V2[:20]))
    result(directory.add_users([User(0, "carl", "passkey-of-carl")]))
    result(directory.add_torrents([Torrent(OTHER_HASH, V2)]))
    assert directory.users["passkey-of-carl"].id == 3
    assert directory.torrents[OTHER_HASH] is directory.torrents[V2[:20]]
    assert not setting.is_absent("passkey-of-carl")
    assert not setting.is_absent(OTHER_HASH)
    assert not setting.is_absent(V2[:20])


def test_new_passkey_that_was_asked_for_before_is_known_at_once():
    """A user's client may be set before the site is."""
    setting = DirectorySetting()
    result(setting.load("a-new-passkey"))
    result(setting.directory.change_user(1, {"passkey": "a-new-passkey"}))
    assert not setting.is_absent("a-new-passkey")
    assert setting.directory.users["a-new-passkey"].id == 1


# ---- changes while something is read


def test_change_of_a_passkey_while_it_is_read_wins():
    """The old passkey was on its way from the store: it names nobody when it arrives."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey")
    load = setting.load(PASSKEY)
    result(setting.directory.change_user(1, {"passkey": "a-new-passkey"}))
    setting.store.let_go("user_by_passkey")
    result(load)
    assert PASSKEY not in setting.directory.users
    assert setting.is_absent(PASSKEY)
    assert setting.directory.users["a-new-passkey"] is setting.directory.users_by_id[1]


def test_user_deleted_while_read_is_gone():
    """By passkey, and by id."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey", "user_by_id")
    load, shown = setting.load(PASSKEY), setting.begin(setting.directory.user(1))
    result(setting.directory.delete_user(1))
    setting.store.let_go("user_by_passkey")
    setting.store.let_go("user_by_id")
    result(load)
    with pytest.raises(NotFoundError):
        result(shown)
    assert setting.directory.users == {}
    assert setting.directory.users_by_id == {}


def test_user_added_while_looked_for_is_there():
    """The read that found nobody is older than the addition."""
    setting = DirectorySetting()
    setting.store.hold("user_by_passkey")
    load = setting.load("passkey-of-carl")
    result(setting.directory.add_users([User(0, "carl", "passkey-of-carl")]))
    setting.store.let_go("user_by_passkey")
    result(load)
    assert setting.directory.users["passkey-of-carl"].name == "carl"
    assert not setting.is_absent("passkey-of-carl")


def test_torrent_added_deleted_or_changed_while_read():
    """What was on its way is older than the change, and is not kept."""
    setting = DirectorySetting()
    directory = setting.directory
    setting.store.hold("torrent")
    load = setting.load(None, OTHER_HASH)
    result(directory.add_torrents([Torrent(OTHER_HASH, name="new")]))
    setting.store.let_go("torrent")
    result(load)
    assert directory.torrents[OTHER_HASH].name == "new"
    assert not setting.is_absent(OTHER_HASH)

    setting = DirectorySetting()
    directory = setting.directory
    result(setting.store.add_torrents([Torrent(OTHER_HASH, V2)]))
    setting.store.hold("torrent")
    load = setting.load(None, V2[:20])
    deleted = setting.begin(directory.delete_torrent(OTHER_HASH, "a bad rip"))
    setting.store.let_go("torrent")
    result(load)
    result(deleted)
    assert directory.torrents[V2[:20]] is directory.torrents[OTHER_HASH]
    assert directory.torrents[V2[:20]].deleted


@pytest.mark.parametrize("kind", ["user", "torrent"])
def test_load_ends_although_changes_go_on(kind):
    """A site that imports without a pause does not keep the announces of others waiting: a second read is the last."""
    setting = DirectorySetting()
    directory, store = setting.directory, setting.store
    method = "user_by_passkey" if kind == "user" else "torrent"
    store.hold(method)
    load = setting.load(PASSKEY) if kind == "user" else setting.load(None, INFO_HASH)
    for number in range(5):
        users = directory.add_users([User(0, "new", f"passkey-{number}")])
        torrents = directory.add_torrents([Torrent(bytes([number]) * 20)])
        changes = [setting.begin(users), setting.begin(torrents)]
        if not load.called:
            store.let_go(method, again=True)
        assert number == 0 or load.called
    result(load)
    for change in changes:
        result(change)
    assert setting.store.calls.count(method) <= 2


def test_change_that_is_asked_for_during_an_addition_comes_after_it():
    """Deleted as soon as it is added: nothing of the user stays in memory."""
    setting = DirectorySetting()
    setting.store.hold("add_users")
    added = setting.begin(setting.directory.add_users([User(0, "carl", "passkey-of-carl")]))
    deleted = setting.begin(setting.directory.delete_user(3))
    setting.store.let_go("add_users")
    result(added)
    result(deleted)
    assert "passkey-of-carl" not in setting.directory.users
    assert 3 not in setting.directory.users_by_id
    assert result(setting.store.user_by_id(3)) is None


def test_changes_of_one_user_are_made_one_after_another():
    """The second builds on the first, in memory as in the store."""
    setting = DirectorySetting()
    setting.store.hold("save_user")
    first = setting.begin(setting.directory.change_user(1, {"name": "first", "passkey": "passkey-first"}))
    second = setting.begin(setting.directory.change_user(1, {"passkey": "passkey-second"}))
    assert setting.store.calls.count("save_user") == 1
    setting.store.let_go("save_user")
    user = result(first)
    assert result(second) is user
    assert set(setting.directory.users) == {"passkey-second"}
    stored = result(setting.store.user_by_id(1))
    assert (stored.name, stored.passkey) == (user.name, user.passkey) == ("first", "passkey-second")
