"""Any story of announces, failures, late and lost answers, stops and kills: what is stored is what was said."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from builders import result
from flushing import KINDS as OTHER_KINDS
from flushing import Setting
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import capturedLogs

import mika.journal
from mika.errors import StoreError
from mika.model import Torrent, Totals, User

KINDS = (*OTHER_KINDS, "history")
USERS = st.integers(1, 3)
TORRENTS = st.integers(0, 1)
SOME_KINDS = st.sets(st.sampled_from(KINDS))
PROBLEMS = [StoreError("The database is down."), ValueError("a fault of the adapter")]


class Whole(Setting):
    """A site that keeps everything."""

    history = True


class AnyStory(RuleBasedStateMachine):
    """The expected totals are added up here, from what each client said and was answered."""

    @initialize(most=st.sampled_from([1, 2, 100]), records=st.sampled_from([3, 50]))
    def begin(self, most, records):
        """Start with three users, two torrents, and nothing transferred."""
        self.directory = Path(tempfile.mkdtemp())
        self.records, mika.journal.RECORDS = mika.journal.RECORDS, records
        self.setting = Whole(self.directory / "journal", most, users=3, torrents=2)
        self.store = self.setting.store
        self.flushes: list[Deferred[int]] = []
        self.graves: list[Deferred[Any]] = []
        self.users = {user_id: Totals() for user_id in range(1, 4)}
        self.torrents = [Totals(), Totals()]
        self.history: dict[tuple[int, int], Totals] = {}
        self.completers: list[set[int]] = [set(), set()]
        self.counters: dict[tuple[int, int], tuple[int, int]] = {}

    def teardown(self):
        """Leave nothing behind."""
        if hasattr(self, "directory"):
            mika.journal.RECORDS = self.records
            with capturedLogs():  # what waits would else be collected, and log, in the middle of some other test
                self.end_the_trouble()
                for each in self.graves:
                    each.callback(None)
            self.setting.kill()
            shutil.rmtree(self.directory)

    @rule(
        user_id=USERS,
        torrent=TORRENTS,
        up=st.integers(0, 2**45),
        down=st.integers(0, 1000),
        event=st.sampled_from([None, "completed", "stopped"]),
    )
    def announce(self, user_id, torrent, up, down, event):
        """Let a client say that it transferred so much more."""
        known = self.counters.get((user_id, torrent))
        said = (up, down) if known is None else (known[0] + up, known[1] + down)
        self.setting.announce(user_id - 1, torrent, uploaded=said[0], downloaded=said[1], event=event, left=1)
        grown = Totals(announces=1)
        if known is not None:
            grown = Totals(up, down, up, down, announces=1)
        elif event == "stopped":
            grown = Totals()
        if event == "completed" and user_id not in self.completers[torrent]:
            self.completers[torrent].add(user_id)
            grown.completed = 1
        self.users[user_id].add(grown)
        self.torrents[torrent].add(grown)
        if grown.announces:
            self.history.setdefault((user_id, torrent), Totals()).add(grown)
        self.counters[user_id, torrent] = said
        if event == "stopped":
            del self.counters[user_id, torrent]

    @rule()
    def flush(self):
        """Begin a flush; another one may still be under way."""
        with capturedLogs():
            self.flushes.append(ensureDeferred(self.setting.flusher.flush()))

    @rule(problems=st.dictionaries(st.sampled_from(KINDS), st.sampled_from(PROBLEMS)))
    def let_fail(self, problems):
        """Let some kinds of batch fail from now on."""
        self.store.problems = problems

    @rule(lost=SOME_KINDS, late=SOME_KINDS)
    def let_answers_be_lost(self, lost, late):
        """Let some kinds of batch be written without an answer from now on, and some after their time."""
        self.store.lost, self.store.late = lost, late

    @rule()
    def do_late(self):
        """Let the store carry out what it still has to."""
        self.store.do_late()

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

    @property
    def troubled(self):
        """Whether a store fails or waits: then nothing is added in the place of what is gone."""
        return self.store.held or self.store.slow or self.store.problems or self.store.lost or self.store.late

    @precondition(lambda self: not self.troubled)
    @rule(torrent=TORRENTS)
    def replace_torrent(self, torrent):
        """Delete a torrent and add it again."""
        directory = self.setting.site.directory
        with capturedLogs():
            result(directory.delete_torrent(self.setting.hashes[torrent], ""))
            result(directory.add_torrents([Torrent(self.setting.hashes[torrent])]))
        self.torrents[torrent] = Totals()
        self.completers[torrent] = set()
        self.counters = {key: said for key, said in self.counters.items() if key[1] != torrent}

    @precondition(lambda self: not self.troubled)
    @rule(user_id=USERS)
    def replace_user(self, user_id):
        """Delete a user and add them again under the same id."""
        directory = self.setting.site.directory
        with capturedLogs():
            result(directory.delete_user(user_id))
            result(directory.add_users([User(user_id, "again", self.setting.passkeys[user_id - 1])]))
        self.users[user_id] = Totals()
        self.history = {key: totals for key, totals in self.history.items() if key[0] != user_id}
        self.counters = {key: said for key, said in self.counters.items() if key[0] != user_id}

    @precondition(lambda self: not self.store.held)
    @rule(user_id=USERS, figure=st.integers(0, 1000))
    def correct(self, user_id, figure):
        """Let staff set a total."""
        result(self.setting.site.directory.change_user(user_id, {}, {"uploaded": figure}))
        self.users[user_id].uploaded = figure

    def end_the_trouble(self):
        """Let the stores work again, and answer what waits."""
        self.store.slow = False
        self.store.problems = {}
        self.store.lost = self.store.late = set()
        while self.store.held:
            self.store.let_go()

    @rule()
    def settle(self):
        """Let the trouble end: one flush later the stores have everything, to the byte."""
        with capturedLogs():
            self.end_the_trouble()
            result(self.setting.flusher.flush())
        assert all(flush.called for flush in self.flushes)
        self.flushes.clear()
        assert self.setting.flusher.waiting() == dict.fromkeys(KINDS, 0)
        assert self.setting.flusher.healthy == dict.fromkeys(KINDS, True)
        self.check_stored()

    def check_stored(self):
        """Compare the stores with what was said."""
        for user_id, expected in self.users.items():
            assert result(self.store.user_by_id(user_id)).totals == expected
        for number, expected in enumerate(self.torrents):
            stored = self.setting.stored_torrent(number)
            assert (stored.totals, stored.completers) == (expected, self.completers[number])
        rows = [row for user_id in self.users for row in result(self.store.history_of(user_id, b"", 9))]
        found = {(row.user_id, self.setting.hashes.index(row.info_hash)): row.totals for row in rows}
        assert found == self.history
        active = {(user_id, said[0]) for (user_id, _), said in self.counters.items()}
        assert self.setting.stored_peers() == active

    @rule()
    def stop_and_start(self):
        """Stop in order, whatever trouble there is, and start anew when it is over."""
        while self.store.held:
            self.answer()
        self.store.slow = False
        self.setting.stop()
        self.setting.seconds = self.setting.site.clock.seconds()
        self.begin_anew()

    @rule()
    def kill_and_start(self):
        """Be killed, whatever is under way, and start anew when the trouble is over."""
        self.setting.kill()
        self.begin_anew()

    def begin_anew(self):
        """Start; what the stores lacked is in them before anybody is answered."""
        # What waits in the killed process must not even be collected as garbage: that would let its locks go.
        self.graves += self.store.held
        self.store.held.clear()
        self.store.running.clear()
        self.flushes.clear()
        self.end_the_trouble()
        self.setting.seconds = 0
        self.setting.start()
        self.check_stored()
        with capturedLogs():
            self.store.do_late()
        self.check_stored()

    @invariant()
    def live_totals_are_what_was_said(self):
        """Whatever the stores do: members see what they were answered for."""
        directory = self.setting.site.directory
        for user_id, expected in self.users.items():
            if user_id in directory.users_by_id:
                assert directory.users_by_id[user_id].totals == expected
        for number, expected in enumerate(self.torrents):
            if self.setting.hashes[number] in directory.torrents:
                assert directory.torrents[self.setting.hashes[number]].totals == expected


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
