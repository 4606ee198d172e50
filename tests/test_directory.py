"""What is in memory of users and torrents: loaded once, changed in the store first, and never older than a change."""

from __future__ import annotations

from collections import defaultdict

import pytest
from builders import INFO_HASH, NOW, OTHER_PASSKEY, PASSKEY, result
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.task import Clock

from mika import directory as directory_module
from mika.directory import Absent, Directory, hashes_of
from mika.errors import ConflictError, NotFoundError, StoreError
from mika.interfaces import Mark, TorrentBatch, UserBatch
from mika.model import DEFAULT_ROLE, Role, Torrent, Totals, User
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

DOWN = StoreError("The database is down.")
V2 = bytes(range(50, 82))
OTHER_HASH = bytes([7]) * 20
METHODS = [
    *("user_by_passkey", "user_by_id", "add_users", "save_user", "delete_user", "apply_users", "save_role"),
    *("torrent", "add_torrents", "save_torrent", "apply_torrents", "save_whitelisted", "delete_whitelisted"),
    *("list_users", "list_torrents", "list_roles", "delete_role", "whitelist"),
]


class HeldStore(MemoryStore):
    """A store that notes its calls. A held method does its work at the call and answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.problems: dict[str, Exception] = {}
        self._held: dict[str, list[Deferred[None]]] = {}
        for name in METHODS:
            setattr(self, name, self._noting(name, getattr(MemoryStore, name)))

    def hold(self, *names):
        """Hold every call of these methods from now on."""
        self._held |= {name: [] for name in names}

    def let_go(self, name, problem=None, *, again=False):
        """Let what is held answer, or fail; calls that come later are held only if it is `again`."""
        waiting = self._held.pop(name)
        assert waiting, f"nobody has called {name}"
        if again:
            self.hold(name)
        for gate in waiting:
            gate.callback(None) if problem is None else gate.errback(problem)

    def _noting(self, name, method):
        def call(*args):
            self.calls.append(name)
            if name in self.problems:
                return fail(self.problems[name])
            answer = method(self, *args)
            if name not in self._held:
                return answer
            self._held[name].append(Deferred())
            return self._held[name][-1].addCallback(lambda _: answer)

        return call


class Setting:
    """A directory over a store with the users 1 and 2 and one torrent, none of them in memory yet."""

    def __init__(self, negative_ttl: int = 60) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = HeldStore()
        self.swarms = Swarms(2700, 1_814_400, lambda _endpoint: True)
        self.directory = Directory(self.store, self.store, self.swarms, self.clock.seconds, negative_ttl)
        result(self.store.add_users([User(0, "anna", PASSKEY), User(0, "bert", OTHER_PASSKEY)]))
        result(self.store.add_torrents([Torrent(INFO_HASH)]))
        result(self.directory.open())
        self.store.calls.clear()

    def load(self, passkey=None, *info_hashes):
        """Ask for what an announce misses."""
        return self.directory.load(passkey, info_hashes)

    def live_user(self, passkey=PASSKEY):
        """Return the user who is loaded now."""
        result(self.load(passkey))
        return self.directory.users[passkey]

    def live_torrent(self, info_hash=INFO_HASH):
        """Return the torrent that is loaded now."""
        result(self.load(None, info_hash))
        return self.directory.torrents[info_hash]

    def begin(self, coroutine):
        """Begin something that waits for the store."""
        return ensureDeferred(coroutine)

    def is_absent(self, key):
        """Say whether a key is known not to be there."""
        return self.directory.is_absent(key, self.directory.now())


# ---- what is loaded


def test_many_loads_of_one_key_share_one_read():
    """A hundred announces of a user and a torrent that nobody knows yet: one read each, and all are answered."""
    setting = Setting()
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
    setting = Setting()
    result(setting.store.add_torrents([Torrent(OTHER_HASH, V2)]))
    torrent = setting.live_torrent(V2[:20])
    assert setting.directory.torrents[OTHER_HASH] is torrent
    result(setting.load(None, OTHER_HASH))
    assert setting.store.calls.count("torrent") == 1


def test_both_hashes_of_a_hybrid_asked_for_at_once_are_one_torrent():
    """Two reads, two objects from the store, one in memory."""
    setting = Setting()
    result(setting.store.add_torrents([Torrent(OTHER_HASH, V2)]))
    setting.store.hold("torrent")
    load = setting.load(None, OTHER_HASH, V2[:20])
    setting.store.let_go("torrent")
    result(load)
    assert setting.directory.torrents[OTHER_HASH] is setting.directory.torrents[V2[:20]]


def test_failed_read_fails_all_who_wait_and_is_tried_again():
    """Each of them hears of it, nothing is remembered, and the next load asks the store anew."""
    setting = Setting()
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
    setting = Setting()
    setting.store.hold("user_by_passkey")
    first = setting.load("nobody-1")
    second = first.addCallback(lambda _: setting.load("nobody-2"))
    setting.store.let_go("user_by_passkey")
    result(second)
    assert setting.store.calls == ["user_by_passkey"] * 2


# ---- what is not there


def test_absent_key_is_not_looked_for_again_until_its_time_is_over():
    """One read for each key and `negative_ttl`, however many announces."""
    setting = Setting(negative_ttl=60)
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
    monkeypatch.setattr(directory_module, "MAX_ABSENT", 100)
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
    setting = Setting()
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
    setting = Setting()
    result(setting.load("a-new-passkey"))
    result(setting.directory.change_user(1, {"passkey": "a-new-passkey"}))
    assert not setting.is_absent("a-new-passkey")
    assert setting.directory.users["a-new-passkey"].id == 1


# ---- changes while something is read


def test_change_of_a_passkey_while_it_is_read_wins():
    """The old passkey was on its way from the store: it names nobody when it arrives."""
    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
    setting.store.hold("user_by_passkey")
    load = setting.load("passkey-of-carl")
    result(setting.directory.add_users([User(0, "carl", "passkey-of-carl")]))
    setting.store.let_go("user_by_passkey")
    result(load)
    assert setting.directory.users["passkey-of-carl"].name == "carl"
    assert not setting.is_absent("passkey-of-carl")


def test_torrent_added_deleted_or_changed_while_read():
    """What was on its way is older than the change, and is not kept."""
    setting = Setting()
    directory = setting.directory
    setting.store.hold("torrent")
    load = setting.load(None, OTHER_HASH)
    result(directory.add_torrents([Torrent(OTHER_HASH, name="new")]))
    setting.store.let_go("torrent")
    result(load)
    assert directory.torrents[OTHER_HASH].name == "new"
    assert not setting.is_absent(OTHER_HASH)

    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
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
    assert swarm.peers == {(1, bytes(20)): peer}
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
    setting = Setting()
    with pytest.raises(ConflictError) as caught:
        result(CONFLICTS[case](setting.directory))
    assert caught.value.index == 1
    result(setting.load("passkey-of-carl", OTHER_HASH))
    assert setting.directory.users == {}
    assert setting.directory.torrents == {}


def test_passkey_of_another_cannot_be_taken_over():
    """Both users keep what they have."""
    setting = Setting()
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
    setting = Setting()
    with pytest.raises(NotFoundError):
        result(change(setting.directory))
    result(setting.directory.change_user(1, {"name": "x"}))
    result(setting.directory.change_torrent(INFO_HASH, {"name": "x"}))


# ---- totals that staff set


def test_correction_and_announces_during_it_both_count():
    """What announces add while the new figure is being written comes on top of it, also of what waits to be written."""
    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
    directory = setting.directory
    hashes = [bytes([number]) * 20 for number in range(1, 4)]
    result(directory.add_torrents([Torrent(hashes[0], hashes[1] + bytes(12))]))
    result(directory.delete_torrent(hashes[0], ""))
    (second,) = result(directory.add_torrents([Torrent(hashes[2], hashes[0] + bytes(12))]))
    (third,) = result(directory.add_torrents([Torrent(hashes[1])]))
    for info_hash, torrent in zip(hashes, (second, third, second), strict=True):
        result(setting.load(None, info_hash))
        assert directory.torrents[info_hash] is torrent


def test_changed_v2_hash_counts_at_once():
    """The new one is known, the old one is not, and the peers' swarm stays under the first hash."""
    setting = Setting()
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
    setting = Setting()
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
    setting = Setting()
    setting.store.hold("add_torrents")
    first, second = (setting.begin(setting.directory.register([OTHER_HASH])) for _ in range(2))
    setting.store.let_go("add_torrents")
    result(first)
    result(second)
    assert setting.directory.torrents[OTHER_HASH].created_at == NOW
    assert len(result(setting.store.list_torrents(b"", 10))) == 2


def test_torrent_that_another_node_registered_first_is_loaded():
    """The store has it although it was not there a moment ago: what it says of it counts."""
    setting = Setting()
    result(setting.load(None, OTHER_HASH))
    result(setting.store.add_torrents([Torrent(OTHER_HASH, name="of another node")]))
    result(setting.directory.register([OTHER_HASH]))
    assert setting.directory.torrents[OTHER_HASH].name == "of another node"
    assert not setting.is_absent(OTHER_HASH)


# ---- peers, pages, roles, passkeys


def test_peers_go_with_their_user_and_their_torrent():
    """Disabled: they leave with their counters kept. Deleted: they are forgotten."""
    setting = Setting()
    for info_hash in (INFO_HASH, OTHER_HASH):
        for user_id in (1, 2):
            setting.swarms.join(info_hash, user_id, bytes(20), NOW)
    found = defaultdict(set)

    def peers():
        found.clear()
        for swarm in setting.swarms:
            for user_id, _ in swarm.peers:
                found[swarm.info_hash].add(user_id)
        return dict(found)

    result(setting.directory.change_user(1, {"enabled": False}))
    assert peers() == {INFO_HASH: {1, 2}, OTHER_HASH: {1, 2}}
    result(setting.directory.delete_user(1))
    assert peers() == {INFO_HASH: {2}, OTHER_HASH: {2}}
    result(setting.directory.delete_torrent(INFO_HASH, ""))
    assert peers() == {OTHER_HASH: {2}}


def test_pages_show_live_totals():
    """What is in memory stands in for what the store has, and nothing is loaded by looking."""
    setting = Setting()
    setting.live_user().totals.add(Totals(uploaded=7))
    setting.live_torrent().totals.add(Totals(uploaded=8))
    assert [user.totals.uploaded for user in result(setting.directory.list_users(0, 10))] == [7, 0]
    assert [each.totals.uploaded for each in result(setting.directory.list_torrents(b"", 10))] == [8]
    assert set(setting.directory.users_by_id) == {1}


def test_roles_are_added_changed_and_removed():
    """The default one stays, an id is given once, and a user's role must be there."""
    setting = Setting()
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
    setting = Setting()
    added = result(setting.directory.add_users([User(0, "carl", ""), User(0, "dora", "")]))
    passkeys = {user.passkey for user in added}
    assert len(passkeys) == 2
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in passkeys)
    assert {(user.created_at, user.updated_at) for user in added} == {(NOW, NOW)}


def test_users_added_with_totals_owe_the_store_nothing():
    """A site that brings its accounts along: what was said at the addition is stored with it, once."""
    setting = Setting()
    brought = Totals(uploaded=5, downloaded=3)
    (user,) = result(setting.directory.add_users([User(0, "carl", "passkey-of-carl", totals=brought.copy())]))
    assert user.totals.since(user.written) == Totals()
    assert result(setting.store.user_by_id(user.id)).totals == brought
