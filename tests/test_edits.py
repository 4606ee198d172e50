"""Many users or torrents changed together: all or none, in the store first, and nothing that announces add is lost."""

from __future__ import annotations

import pytest
from builders import INFO_HASH, OTHER_PASSKEY, PASSKEY, result
from held_store import DOWN, OTHER_HASH, V2, DirectorySetting
from twisted.internet.defer import Deferred

from mika.edits import Edit
from mika.errors import ConflictError, NotFoundError, StoreError
from mika.interfaces import Mark, TorrentBatch, UserBatch
from mika.model import Torrent, Totals, User
from mika.turns import AT_A_TIME


def user_facts(setting):
    """Return what is known of both users, in memory and in the store."""
    users = [
        setting.directory.users_by_id[1],
        setting.directory.users_by_id[2],
        *result(setting.store.list_users(0, 9)),
    ]
    return [(user.name, user.passkey, user.role, user.updated_at, user.totals, user.written) for user in users]


@pytest.fixture
def setting():
    """Make a directory with two users and two torrents, all of them in memory."""
    setting = DirectorySetting()
    setting.live_user(PASSKEY)
    setting.live_user(OTHER_PASSKEY)
    setting.live_torrent()
    result(setting.directory.add_torrents([Torrent(OTHER_HASH, V2)]))
    setting.store.calls.clear()
    return setting


def test_all_are_changed_with_one_write_and_answered_in_order(setting):
    """Fields count from now on, and totals are set; a new passkey is served, and the old one is not."""
    edits = [Edit(2, {"passkey": "passkey-new"}, {"uploaded": 5}), Edit(1, {"enabled": False})]
    changed = result(setting.directory.change_users(edits))
    assert [user.id for user in changed] == [2, 1]
    assert changed[0] is setting.directory.users["passkey-new"]
    assert OTHER_PASSKEY not in setting.directory.users
    assert (changed[0].totals.uploaded, changed[1].enabled) == (5, False)
    assert setting.store.calls == ["save_users"]
    stored = result(setting.store.list_users(0, 9))
    assert [(user.passkey, user.enabled) for user in stored] == [(PASSKEY, False), ("passkey-new", True)]


@pytest.mark.parametrize(
    ("edits", "error"),
    [
        ([Edit(1, {"name": "x"}), Edit(7, {"name": "y"})], NotFoundError),
        ([Edit(1, {"name": "x"}), Edit(1, {"name": "y"})], ConflictError),
        ([Edit(1, {"name": "x"}), Edit(2, {"role": 99})], ConflictError),
        ([Edit(1, {"passkey": "passkey-new"}), Edit(2, {"passkey": "passkey-new"})], ConflictError),
        ([Edit(1, {"passkey": "passkey-new"}), Edit(2, {"passkey": PASSKEY})], ConflictError),
    ],
)
def test_one_that_cannot_be_is_named_by_its_index_and_none_is_changed(setting, edits, error):
    """One who is not there, is there twice, gets no role, or a passkey that is another's, also one being given up."""
    before = user_facts(setting)
    setting.clock.advance(60)
    with pytest.raises(error) as caught:
        result(setting.directory.change_users(edits))
    assert caught.value.index == 1
    assert user_facts(setting) == before
    result(setting.directory.change_users(edits[:1]))  # nobody is kept waiting by what failed


def test_store_that_fails_changes_nothing(setting):
    """Not even the first of them."""
    before = user_facts(setting)
    setting.store.problems = {"save_users": DOWN}
    with pytest.raises(StoreError, match="down"):
        result(setting.directory.change_users([Edit(1, {"name": "x"}, {"uploaded": 5}), Edit(2, {"passkey": "y" * 8})]))
    assert user_facts(setting) == before


def test_torrent_named_by_both_its_hashes_is_one(setting):
    """A hybrid torrent is found by either, and is changed once."""
    with pytest.raises(ConflictError, match="same as item 0") as caught:
        result(setting.directory.change_torrents([Edit(OTHER_HASH, {"name": "x"}), Edit(V2[:20], {"name": "y"})]))
    assert caught.value.index == 1
    assert setting.directory.torrents[OTHER_HASH].name == ""


def test_corrections_and_announces_during_them_all_count(setting):
    """What announces add while the new figures are written comes on top of them, in memory and in the store."""
    users = [setting.directory.users_by_id[1], setting.directory.users_by_id[2]]
    torrents = [setting.directory.torrents[INFO_HASH], setting.directory.torrents[OTHER_HASH]]
    for account in (*users, *torrents):
        account.totals.add(Totals(uploaded=70))
    setting.store.hold("save_users", "save_torrents")
    changing = setting.begin(setting.directory.change_users([Edit(1, {}, {"uploaded": 1000}), Edit(2, {"name": "x"})]))
    changing_torrents = setting.begin(
        setting.directory.change_torrents([Edit(INFO_HASH, {}, {"uploaded": 10}), Edit(OTHER_HASH, {"name": "x"})])
    )
    for account in (*users, *torrents):
        account.totals.add(Totals(uploaded=30))
    setting.store.let_go("save_users")
    setting.store.let_go("save_torrents")
    assert [user.totals.uploaded for user in result(changing)] == [1030, 100]
    assert [torrent.totals.uploaded for torrent in result(changing_torrents)] == [40, 100]
    growth = [(user.id, user.totals.since(user.written)) for user in users]
    result(setting.store.apply_users(UserBatch(Mark("mika", 0), growth)))
    of_torrents = sorted((torrent.info_hash, torrent.totals.since(torrent.written)) for torrent in torrents)
    result(setting.store.apply_torrents(TorrentBatch(Mark("mika", 0), of_torrents)))
    assert [user.totals.uploaded for user in result(setting.store.list_users(0, 9))] == [1030, 100]
    assert result(setting.store.torrent(INFO_HASH)).totals.uploaded == 40


def test_others_wait_until_the_last_is_changed(setting):
    """The reactor has its turns in the middle of a long list, and no other change is made in them."""
    ids = [
        user.id for user in result(setting.directory.add_users([User(0, "x", f"passkey-{at}") for at in range(300)]))
    ]
    setting.store.calls.clear()
    rests = []

    def rest():
        rests.append(Deferred())
        return rests[-1]

    many = setting.begin(setting.directory.change_users([Edit(each, {"name": "new"}) for each in ids], rest))
    other = setting.begin(setting.directory.change_user(ids[-1], {"name": "newest"}))
    seen = []
    while not many.called:
        seen.append((setting.store.calls.copy(), setting.directory.users_by_id[ids[-1]].name))
        rests[len(seen) - 1].callback(None)
    assert len(seen) == 3 * (len(ids) // AT_A_TIME - 1)  # found, planned and taken
    assert [name for calls, name in seen if "save_users" not in calls] == ["x"] * 4
    assert all(calls.count("save_user") == 0 for calls, _ in seen)
    assert result(other).name == "newest"
    assert result(setting.store.user_by_id(ids[-1])).name == "newest"
    assert {user.name for user in result(many)[:-1]} == {"new"}


def test_many_that_are_not_in_memory_are_read_with_few_questions():
    """Pages instead of one question for each; who is then still not there is asked for, and named."""
    setting = DirectorySetting()
    result(setting.store.add_users([User(0, "x", f"passkey-{at}") for at in range(1500)]))
    result(setting.store.add_torrents([Torrent(at.to_bytes(20, "big")) for at in range(1500)]))
    setting.store.calls.clear()
    users = result(setting.directory.change_users([Edit(each, {"name": "new"}) for each in range(1, 1500)]))
    hashes = [at.to_bytes(20, "big") for at in range(1500)]
    torrents = result(setting.directory.change_torrents([Edit(each, {"name": "new"}) for each in hashes]))
    assert setting.store.calls == ["list_users"] * 2 + ["save_users"] + ["list_torrents"] * 2 + ["save_torrents"]
    assert {account.name for account in (*users, *torrents)} == {"new"}
    with pytest.raises(NotFoundError) as caught:
        result(setting.directory.change_users([Edit(each, {"name": "newer"}) for each in range(1480, 1520)]))
    assert caught.value.index == 1503 - 1480


def test_nothing_to_change_is_fine(setting):
    """An empty list asks the store for nothing."""
    assert result(setting.directory.change_users([])) == []
    assert result(setting.directory.change_torrents([])) == []
    assert setting.store.calls == []
