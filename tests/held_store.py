"""A directory over a store whose calls wait until a test lets them go: for what happens in between."""

from __future__ import annotations

from builders import INFO_HASH, NOW, OTHER_PASSKEY, PASSKEY, result
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.task import Clock

from mika.directory import Directory
from mika.errors import StoreError
from mika.model import Torrent, User
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

DOWN = StoreError("The database is down.")
V2 = bytes(range(50, 82))
OTHER_HASH = bytes([7]) * 20
METHODS = [
    *(
        "user_by_passkey",
        "user_by_id",
        "add_users",
        "save_user",
        "save_users",
        "delete_user",
        "apply_users",
        "save_role",
    ),
    *(
        "torrent",
        "add_torrents",
        "save_torrent",
        "save_torrents",
        "apply_torrents",
        "save_whitelisted",
        "delete_whitelisted",
    ),
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


class DirectorySetting:
    """A directory over a store with the users 1 and 2 and one torrent, none of them in memory yet."""

    def __init__(self, negative_ttl: int = 60) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = HeldStore()
        self.swarms = Swarms(2700, 1_814_400, lambda _endpoint: True, lambda *_changed: None)
        self.directory = Directory(self.store, self.store, self.swarms, self.clock.seconds, self.settle, negative_ttl)
        result(self.store.add_users([User(0, "anna", PASSKEY), User(0, "bert", OTHER_PASSKEY)]))
        result(self.store.add_torrents([Torrent(INFO_HASH)]))
        result(self.directory.open())
        self.store.calls.clear()

    def settle(self, kind):
        """Note that what waits should be written."""
        self.store.calls.append(f"settle {kind}")
        return succeed(None)

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
