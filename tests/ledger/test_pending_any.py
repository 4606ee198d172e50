"""Any story of announces, flushes and failures: what a store has, and what waits for it, are the live totals."""

from __future__ import annotations

from builders import TryingStore, make_site, result
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import capturedLogs

from mika.errors import StoreError
from mika.jobs import Flusher, Targets
from mika.model import Torrent, Totals, User
from mika.testing.subjects import peers_of

PASSKEYS = ["passkey-1", "passkey-2", "passkey-3"]
HASHES = [b"a" * 20, b"b" * 20]
USERS = st.integers(1, 3)
TORRENTS = st.sampled_from(HASHES)
PROBLEMS = [StoreError("The database is down."), ValueError("a fault of the adapter")]


class AnyStory(RuleBasedStateMachine):
    """The expected totals are added up here, from what each client said."""

    @initialize(most=st.sampled_from([1, 2, 100]))
    def begin(self, most):
        """Start with three users, two torrents, and nothing transferred."""
        self.most = most
        self.store = TryingStore()
        self.site = make_site(PASSKEYS, HASHES, self.store)
        self.flusher = self.make_flusher()
        self.flushes: list[Deferred[int]] = []
        self.users = {user_id: Totals() for user_id in range(1, 4)}
        self.torrents = {info_hash: Totals() for info_hash in HASHES}
        self.completers: dict[bytes, set[int]] = {info_hash: set() for info_hash in HASHES}
        self.counters: dict[tuple[int, bytes], tuple[int, int]] = {}

    def make_flusher(self):
        """Return what writes this site's announces."""
        targets = Targets(self.store, self.store, self.store)
        return Flusher(targets, self.site.pending, self.site.swarms, self.site.clock, 1.0, self.most)

    @rule(
        user_id=USERS,
        info_hash=TORRENTS,
        up=st.integers(0, 2**45),
        down=st.integers(0, 1000),
        event=st.sampled_from([None, "completed", "stopped"]),
    )
    def announce(self, user_id, info_hash, up, down, event):
        """Let a client say that it transferred so much more."""
        known = self.counters.get((user_id, info_hash))
        said = (up, down) if known is None else (known[0] + up, known[1] + down)
        answer = self.site.announce(
            PASSKEYS[user_id - 1], info_hash=info_hash, uploaded=said[0], downloaded=said[1], event=event, left=1
        )
        assert "failure reason" not in answer
        grown = Totals(announces=1)
        if known is not None:
            grown = Totals(up, down, up, down, announces=1)
        elif event == "stopped":
            grown = Totals()
        if event == "completed" and user_id not in self.completers[info_hash]:
            self.completers[info_hash].add(user_id)
            grown.completed = 1
        self.users[user_id].add(grown)
        self.torrents[info_hash].add(grown)
        self.counters[user_id, info_hash] = said
        if event == "stopped":
            del self.counters[user_id, info_hash]

    @rule()
    def flush(self):
        """Begin a flush; another one may still be under way."""
        with capturedLogs():
            self.flushes.append(ensureDeferred(self.flusher.flush()))

    @rule(problems=st.dictionaries(st.sampled_from(["users", "torrents", "peers"]), st.sampled_from(PROBLEMS)))
    def let_fail(self, problems):
        """Let some kinds of batch fail from now on."""
        self.store.problems = problems

    @rule(slow=st.booleans())
    def let_wait(self, slow):
        """Let batches wait for their answer from now on, or not."""
        self.store.slow = slow

    @precondition(lambda self: self.store.held)
    @rule()
    def answer(self):
        """Answer the batch that waits longest."""
        with capturedLogs():
            self.store.let_go()

    @rule(info_hash=TORRENTS)
    def replace_torrent(self, info_hash):
        """Delete a torrent and add it again."""
        result(self.site.directory.delete_torrent(info_hash, ""))
        result(self.site.directory.add_torrents([Torrent(info_hash)]))
        self.torrents[info_hash] = Totals()
        self.completers[info_hash] = set()
        self.counters = {key: said for key, said in self.counters.items() if key[1] != info_hash}

    @rule(user_id=USERS)
    def replace_user(self, user_id):
        """Delete a user and add them again under the same id."""
        result(self.site.directory.delete_user(user_id))
        result(self.site.directory.add_users([User(user_id, "again", PASSKEYS[user_id - 1])]))
        self.users[user_id] = Totals()
        self.counters = {key: said for key, said in self.counters.items() if key[0] != user_id}

    @rule(user_id=USERS, figure=st.integers(0, 1000))
    def correct(self, user_id, figure):
        """Let staff set a total."""
        result(self.site.directory.change_user(user_id, {}, {"uploaded": figure}))
        self.users[user_id].uploaded = figure

    @rule()
    def settle(self):
        """Let the trouble end: one flush later the stores have everything, to the byte."""
        self.store.slow = False
        self.store.problems = {}
        with capturedLogs():
            while self.store.held:
                self.store.let_go()
            result(self.flusher.flush())
        assert all(flush.called for flush in self.flushes)
        self.flushes.clear()
        assert self.flusher.waiting() == {"users": 0, "torrents": 0, "peers": 0}
        assert self.flusher.healthy == {"users": True, "torrents": True, "peers": True}
        for user_id, expected in self.users.items():
            assert result(self.store.user_by_id(user_id)).totals == expected
        for info_hash, expected in self.torrents.items():
            stored = result(self.store.torrent(info_hash))
            assert stored.totals == expected
            assert stored.completers == self.completers[info_hash]

    @rule()
    def restart(self):
        """Stop in order and start anew from the stores."""
        self.settle()
        old = self.site
        self.site = make_site((), (), self.store)
        self.site.clock.advance(old.clock.seconds() - self.site.clock.seconds())
        for info_hash, peer in result(peers_of(self.store)):
            self.site.swarms.restore(info_hash, peer)
        self.flusher = self.make_flusher()

    @invariant()
    def live_totals_are_exact(self):
        """Every account that is in memory shows what was said, flushed or not."""
        for user_id, user in self.site.directory.users_by_id.items():
            assert user.totals == self.users[user_id]
        for info_hash, torrent in self.site.directory.torrents.items():
            assert torrent.totals == self.torrents[info_hash]

    @invariant()
    def nothing_is_stored_twice(self):
        """While nothing is under way, a stored total and what waits for it are the live one."""
        if self.store.held:
            return
        for user_id, user in self.site.directory.users_by_id.items():
            stored = result(self.store.user_by_id(user_id)).totals
            stored.add(user.totals.since(user.written))
            assert stored == self.users[user_id]


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
