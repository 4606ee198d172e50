"""What changes of users and torrents: in the store first, then in memory, and never by half."""

from __future__ import annotations

from collections import defaultdict

import pytest
from builders import INFO_HASH, NOW, OTHER_PASSKEY, PASSKEY, result
from held_store import DOWN, OTHER_HASH, V2, DirectorySetting

from mika.errors import ConflictError, NotFoundError, StoreError
from mika.interfaces import Mark, TorrentBatch, UserBatch
from mika.model import DEFAULT_ROLE, Role, Torrent, Totals, User, hashes_of

# ---- a store that fails changes nothing


def user_facts(user):
    """Return what is known of a user, as it is now."""
    return {name: getattr(user, name) for name in ("name", "passkey", "enabled", "role", "updated_at", "totals")}


FAILING = {
    "add user": ("add_users", lambda d: d.add_users([User(0, "carl", "passkey-of-carl")])),
    "change user": ("save_user", lambda d: d.change_user(1, {"passkey": "a-new-passkey", "enabled": False})),
    "read user to change": ("user_by_id", lambda d: d.change_user(2, {"name": "x"})),
    "delete user": ("delete_user", lambda d: d.delete_user(1)),
    "add role": ("save_role", lambda d: d.add_role(Role(0, "vip"))),
    "change role": ("save_role", lambda d: d.change_role(DEFAULT_ROLE, {"multiplier_up": 9000})),
    "delete role": ("delete_role", lambda d: d.delete_role(5)),
    "add torrent": ("add_torrents", lambda d: d.add_torrents([Torrent(OTHER_HASH, V2)])),
    "change torrent": ("save_torrent", lambda d: d.change_torrent(INFO_HASH, {"enabled": False, "info_hash_v2": V2})),
    "delete torrent": ("save_torrent", lambda d: d.delete_torrent(INFO_HASH, "gone")),
    "register": ("add_torrents", lambda d: d.register([OTHER_HASH])),
    "allow client": ("save_whitelisted", lambda d: d.save_whitelisted("-TR", "Transmission")),
    "disallow client": ("delete_whitelisted", lambda d: d.delete_whitelisted("-qB")),
}


@pytest.mark.parametrize("case", FAILING)
def test_failed_write_changes_nothing_in_memory(case):
    """Who asked hears of it, the facts are those of before, and the same change succeeds when the store is back."""
    name, change = FAILING[case]
    setting = DirectorySetting()
    directory = setting.directory
    result(directory.add_role(Role(5, "old")))
    result(directory.save_whitelisted("-qB", "qBittorrent"))
    user, torrent = setting.live_user(), setting.live_torrent()
    swarm, peer = setting.swarms.join(INFO_HASH, 1, bytes(20), NOW)
    before = _facts(directory, user, torrent)
    setting.clock.advance(5)
    setting.store.problems = {name: DOWN}
    with pytest.raises(StoreError, match="down"):
        result(change(directory))
    assert _facts(directory, user, torrent) == before
    assert list(swarm.peers) == [peer]
    setting.store.problems = {}
    result(change(directory))
    assert case == "read user to change" or _facts(directory, user, torrent) != before


def _facts(directory, user, torrent):
    return (
        user_facts(user),
        (torrent.enabled, torrent.deleted, torrent.reason, torrent.info_hash_v2, torrent.updated_at),
        dict(directory.users),
        dict(directory.users_by_id),
        dict(directory.torrents),
        {role.id: (role.name, role.multiplier_up) for role in directory.roles.values()},
        dict(directory.whitelist),
        directory.prefixes(),
    )


CONFLICTS = {
    "passkey of another": lambda d: d.add_users([User(0, "carl", "passkey-of-carl"), User(0, "dora", PASSKEY)]),
    "id of another": lambda d: d.add_users([User(0, "carl", "passkey-of-carl"), User(2, "dora", "passkey-of-dora")]),
    "no such role": lambda d: d.add_users([User(0, "carl", "passkey-of-carl"), User(0, "dora", "a-passkey", role=9)]),
    "hash of another": lambda d: d.add_torrents([Torrent(OTHER_HASH), Torrent(INFO_HASH)]),
    "twice the same": lambda d: d.add_torrents([Torrent(OTHER_HASH), Torrent(OTHER_HASH)]),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_conflict_names_the_item_and_adds_none(case):
    """All or none: the first of the two, which would be fine, is not there either."""
    setting = DirectorySetting()
    with pytest.raises(ConflictError) as caught:
        result(CONFLICTS[case](setting.directory))
    assert caught.value.index == 1
    result(setting.load("passkey-of-carl", OTHER_HASH))
    assert setting.directory.users == {}
    assert setting.directory.torrents == {}


def test_passkey_of_another_cannot_be_taken_over():
    """Both users keep what they have."""
    setting = DirectorySetting()
    anna, bert = setting.live_user(), setting.live_user(OTHER_PASSKEY)
    with pytest.raises(ConflictError):
        result(setting.directory.change_user(1, {"passkey": OTHER_PASSKEY}))
    assert setting.directory.users == {PASSKEY: anna, OTHER_PASSKEY: bert}
    assert anna.passkey == PASSKEY


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.change_user(9, {"name": "x"}),
        lambda d: d.delete_user(9),
        lambda d: d.user(9),
        lambda d: d.change_role(9, {}),
        lambda d: d.delete_role(9),
        lambda d: d.torrent(OTHER_HASH),
        lambda d: d.change_torrent(OTHER_HASH, {}),
        lambda d: d.delete_torrent(OTHER_HASH, ""),
        lambda d: d.delete_whitelisted("-TR"),
    ],
)
def test_what_is_not_there_is_said_so(change):
    """And the next change is not kept waiting by it."""
    setting = DirectorySetting()
    with pytest.raises(NotFoundError):
        result(change(setting.directory))
    result(setting.directory.change_user(1, {"name": "x"}))
    result(setting.directory.change_torrent(INFO_HASH, {"name": "x"}))


# ---- totals that staff set


def test_correction_and_announces_during_it_both_count():
    """What announces add while the new figure is being written comes on top of it, also of what waits to be written."""
    setting = DirectorySetting()
    user, torrent = setting.live_user(), setting.live_torrent()
    for account in (user, torrent):
        account.totals.add(Totals(uploaded=70, announces=1))
    setting.store.hold("save_user", "save_torrent")
    changed = setting.begin(setting.directory.change_user(1, {}, {"uploaded": 1000, "bonus": 5}))
    changed_torrent = setting.begin(setting.directory.change_torrent(INFO_HASH, {}, {"uploaded": 10}))
    for account in (user, torrent):
        account.totals.add(Totals(uploaded=30, announces=1))
    setting.store.let_go("save_user")
    setting.store.let_go("save_torrent")
    assert result(changed).totals == Totals(uploaded=1030, bonus=5, announces=2)
    assert result(changed_torrent).totals == Totals(uploaded=40, announces=2)
    result(setting.store.apply_users(UserBatch(Mark("mika", 0), [(1, user.totals.since(user.written))])))
    result(
        setting.store.apply_torrents(
            TorrentBatch(Mark("mika", 0), [(INFO_HASH, torrent.totals.since(torrent.written))])
        )
    )
    assert result(setting.store.user_by_id(1)).totals == user.totals
    assert result(setting.store.torrent(INFO_HASH)).totals == torrent.totals


# ---- torrents that go and come, hybrids, registering


def test_deleted_torrent_that_is_added_again_starts_anew():
    """Under both its hashes, with nothing of the old one; and the old one is in no list any more."""
    setting = DirectorySetting()
    directory = setting.directory
    (old,) = result(directory.add_torrents([Torrent(OTHER_HASH, V2, name="old")]))
    old.totals.add(Totals(uploaded=5, completed=1))
    old.completers.add(1)
    result(directory.delete_torrent(V2[:20], "a bad rip"))
    assert (old.deleted, old.reason) == (True, "a bad rip")
    assert directory.torrents[OTHER_HASH] is old
    with pytest.raises(NotFoundError):
        result(directory.torrent(OTHER_HASH))
    (new,) = result(directory.add_torrents([Torrent(OTHER_HASH, name="new")]))
    assert directory.torrents[OTHER_HASH] is new
    assert V2[:20] not in directory.torrents
    assert (new.totals, new.completers, new.deleted, new.reason) == (Totals(), set(), False, "")
    result(setting.load(None, V2[:20]))
    assert setting.is_absent(V2[:20])


def test_new_torrent_takes_hashes_of_several_deleted_ones():
    """What was deleted under one of its hashes is forgotten under all; adding under another one harms nobody."""
    setting = DirectorySetting()
    directory = setting.directory
    hashes = [bytes([number]) * 20 for number in range(1, 4)]
    result(directory.add_torrents([Torrent(hashes[0], hashes[1] + bytes(12))]))
    result(directory.delete_torrent(hashes[0], ""))
    (second,) = result(directory.add_torrents([Torrent(hashes[2], hashes[0] + bytes(12))]))
    (third,) = result(directory.add_torrents([Torrent(hashes[1])]))
    for info_hash, torrent in zip(hashes, (second, third, second), strict=True):
        result(setting.load(None, info_hash))
        assert directory.torrents[info_hash] is torrent


def test_changed_v2_hash_may_be_that_of_a_deleted_torrent():
    """The deleted one is forgotten under its other hash too, so that a third can have that."""
    setting = DirectorySetting()
    directory = setting.directory
    hashes = [bytes([number]) * 20 for number in range(1, 4)]
    _, second = result(
        directory.add_torrents([Torrent(hashes[0], hashes[1] + bytes(12)), Torrent(hashes[2])]),
    )
    result(directory.delete_torrent(hashes[0], ""))
    result(directory.change_torrent(hashes[2], {"info_hash_v2": hashes[0] + bytes(12)}))
    assert directory.torrents == {hashes[2]: second, hashes[0]: second}
    (third,) = result(directory.add_torrents([Torrent(hashes[1])]))
    assert directory.torrents == {hashes[2]: second, hashes[0]: second, hashes[1]: third}


def test_changed_v2_hash_counts_at_once():
    """The new one is known, the old one is not, and the peers' swarm stays under the first hash."""
    setting = DirectorySetting()
    directory = setting.directory
    (torrent,) = result(directory.add_torrents([Torrent(OTHER_HASH, V2)]))
    setting.swarms.join(OTHER_HASH, 1, bytes(20), NOW)
    new = bytes([9]) * 32
    result(setting.load(None, new[:20]))
    result(directory.change_torrent(V2[:20], {"info_hash_v2": new}))
    assert directory.torrents == {OTHER_HASH: torrent, new[:20]: torrent}
    assert not setting.is_absent(new[:20])
    result(directory.change_torrent(OTHER_HASH, {"info_hash_v2": None}))
    assert directory.torrents == {OTHER_HASH: torrent}
    assert setting.swarms.get(OTHER_HASH) is not None


def test_v2_hash_of_another_torrent_cannot_be_taken():
    """The other torrent keeps it, this one keeps its own."""
    setting = DirectorySetting()
    directory = setting.directory
    hybrid, other = result(directory.add_torrents([Torrent(OTHER_HASH, V2), Torrent(bytes([9]) * 20)]))
    with pytest.raises(ConflictError):
        result(directory.change_torrent(other.info_hash, {"info_hash_v2": V2}))
    assert directory.torrents == {OTHER_HASH: hybrid, V2[:20]: hybrid, other.info_hash: other}
    assert other.info_hash_v2 is None


@pytest.mark.parametrize(
    ("v2", "hashes"), [(None, [INFO_HASH]), (V2, [INFO_HASH, V2[:20]]), (INFO_HASH + bytes(12), [INFO_HASH])]
)
def test_hashes_of_a_torrent(v2, hashes):
    """A v2-only torrent has its one hash once."""
    assert hashes_of(Torrent(INFO_HASH, v2)) == hashes


def test_two_announces_that_register_the_same_torrent():
    """Both go on with one torrent, which is added once."""
    setting = DirectorySetting()
    setting.store.hold("add_torrents")
    first, second = (setting.begin(setting.directory.register([OTHER_HASH])) for _ in range(2))
    setting.store.let_go("add_torrents")
    result(first)
    result(second)
    assert setting.directory.torrents[OTHER_HASH].created_at == NOW
    assert len(result(setting.store.list_torrents(b"", 10))) == 2


def test_torrent_that_another_node_registered_first_is_loaded():
    """The store has it although it was not there a moment ago: what it says of it counts."""
    setting = DirectorySetting()
    result(setting.load(None, OTHER_HASH))
    result(setting.store.add_torrents([Torrent(OTHER_HASH, name="of another node")]))
    result(setting.directory.register([OTHER_HASH]))
    assert setting.directory.torrents[OTHER_HASH].name == "of another node"
    assert not setting.is_absent(OTHER_HASH)


# ---- peers, pages, roles, passkeys


def test_peers_go_with_their_user_and_their_torrent():
    """Disabled: they leave with their counters kept. Deleted: they are forgotten."""
    setting = DirectorySetting()
    for info_hash in (INFO_HASH, OTHER_HASH):
        for user_id in (1, 2):
            setting.swarms.join(info_hash, user_id, bytes(20), NOW)
    found = defaultdict(set)

    def peers():
        found.clear()
        for swarm in setting.swarms:
            for peer in swarm.peers:
                found[swarm.info_hash].add(peer.user_id)
        return dict(found)

    result(setting.directory.change_user(1, {"enabled": False}))
    assert peers() == {INFO_HASH: {1, 2}, OTHER_HASH: {1, 2}}
    result(setting.directory.delete_user(1))
    assert peers() == {INFO_HASH: {2}, OTHER_HASH: {2}}
    result(setting.directory.delete_torrent(INFO_HASH, ""))
    assert peers() == {OTHER_HASH: {2}}


def test_pages_show_live_totals():
    """What is in memory stands in for what the store has, and nothing is loaded by looking."""
    setting = DirectorySetting()
    setting.live_user().totals.add(Totals(uploaded=7))
    setting.live_torrent().totals.add(Totals(uploaded=8))
    assert [user.totals.uploaded for user in result(setting.directory.list_users(0, 10))] == [7, 0]
    assert [each.totals.uploaded for each in result(setting.directory.list_torrents(b"", 10))] == [8]
    assert set(setting.directory.users_by_id) == {1}


def test_roles_are_added_changed_and_removed():
    """The default one stays, an id is given once, and a user's role must be there."""
    setting = DirectorySetting()
    directory = setting.directory
    added = result(directory.add_role(Role(0, "vip", multiplier_up=2000)))
    assert result(directory.change_role(added.id, {"multiplier_up": 3000})).multiplier_up == 3000
    assert directory.roles[added.id].name == "vip"
    with pytest.raises(ConflictError):
        result(directory.add_role(Role(added.id, "again")))
    with pytest.raises(ConflictError):
        result(directory.delete_role(DEFAULT_ROLE))
    with pytest.raises(ConflictError):
        result(directory.change_user(1, {"role": 77}))
    result(directory.delete_role(added.id))
    assert set(directory.roles) == {DEFAULT_ROLE}


def test_passkey_is_made_where_none_is_given():
    """32 lower-case hex digits, each another one; the time of the addition is kept."""
    setting = DirectorySetting()
    added = result(setting.directory.add_users([User(0, "carl", ""), User(0, "dora", "")]))
    passkeys = {user.passkey for user in added}
    assert len(passkeys) == 2
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in passkeys)
    assert {(user.created_at, user.updated_at) for user in added} == {(NOW, NOW)}


def test_users_added_with_totals_owe_the_store_nothing():
    """A site that brings its accounts along: what was said at the addition is stored with it, once."""
    setting = DirectorySetting()
    brought = Totals(uploaded=5, downloaded=3)
    (user,) = result(setting.directory.add_users([User(0, "carl", "passkey-of-carl", totals=brought.copy())]))
    assert user.totals.since(user.written) == Totals()
    assert result(setting.store.user_by_id(user.id)).totals == brought


# ---- what is told


def told_by(directory):
    """Have what a directory publishes collected; return where."""
    told = []
    directory.publish = lambda type_, fields: told.append((type_, fields))
    return told


def test_changes_are_told_when_they_count():
    """What was added, changed and deleted, with the names of fields and never with what is in them."""
    setting = DirectorySetting()
    directory, user = setting.directory, setting.live_user()
    setting.live_torrent()
    told = told_by(directory)
    result(directory.change_user(user.id, {"passkey": "a-new-passkey", "name": user.name}))
    result(directory.change_user(user.id, {"name": user.name}))
    result(directory.change_user(user.id, {}, {"uploaded": 5}))
    result(directory.delete_user(user.id))
    result(directory.add_torrents([Torrent(OTHER_HASH)]))
    result(directory.change_torrent(OTHER_HASH, {"enabled": False, "reason": "secret of the staff"}))
    result(directory.delete_torrent(INFO_HASH, "gone"))
    [added] = result(directory.add_users([User(0, "carl", "passkey-of-carl")]))
    other, first = OTHER_HASH.hex(), INFO_HASH.hex()
    assert told == [
        ("user", {"id": user.id, "change": "changed", "fields": ["passkey"]}),
        ("user", {"id": user.id, "change": "changed", "fields": ["uploaded"]}),
        ("user", {"id": user.id, "change": "deleted", "fields": []}),
        ("torrent", {"info_hash": other, "change": "added", "fields": []}),
        ("torrent", {"info_hash": other, "change": "changed", "fields": ["enabled", "reason"]}),
        ("torrent", {"info_hash": first, "change": "deleted", "fields": ["deleted", "reason"]}),
        ("user", {"id": added.id, "change": "added", "fields": []}),
    ]


def test_failed_change_is_not_told():
    """Nothing happened."""
    setting = DirectorySetting()
    setting.live_user()
    told = told_by(setting.directory)
    setting.store.problems = {"save_user": DOWN}
    with pytest.raises(StoreError):
        result(setting.directory.change_user(1, {"name": "x"}))
    assert told == []
