"""The periodic jobs on a clock that the test moves: what they do when they start, go on and stop."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from builders import INFO_HASH, OTHER_PASSKEY, make_site, result
from flushing import KINDS, Setting, said
from swarm.announcing import announce
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock, deferLater
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

import mika.jobs
import mika.journal
from mika.errors import StoreError
from mika.jobs import PORTION, Periodic, Reaper, Syncer
from mika.journal import Journal
from mika.model import Peer

DOWN = StoreError("The database is down.")


# ---- the Flusher: start and stop


def test_stop_writes_the_last_batch():
    """What came since the last flush is in the store when the stop is done, and the log says how much it was."""
    setting = Setting()
    setting.announce()
    assert setting.stop() == [("info", "last batch written: 3 rows")]
    assert setting.stored_user().totals.announces == 1
    setting.site.clock.advance(10)
    assert setting.site.clock.getDelayedCalls() == []


def test_stop_waits_for_the_write_under_way_and_writes_the_rest():
    """The batch that is being written is not written twice, and what came behind it is not left out."""
    setting = Setting()
    setting.store.slow = True
    setting.announce()
    setting.site.clock.advance(1)
    setting.announce(uploaded=9)
    ended: list[None] = []
    setting.flusher.stopService().addCallback(ended.append)
    while setting.store.held:
        assert ended == []
        setting.store.let_go()
    assert ended == [None]
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_peers() == {(1, 9)}


@pytest.mark.parametrize("problem", [DOWN, ValueError("a fault of the adapter")], ids=["down", "faulty"])
def test_stop_keeps_in_the_journal_what_no_store_took(tmp_path, problem):
    """The other kinds are written, the log names the rest, and the next start writes it and says so."""
    setting = Setting(tmp_path / "journal")
    setting.announce()
    setting.announce(uploaded=7)
    setting.store.problems = {"users": problem}
    words = setting.stop()
    left = "the journal keeps announces for the next start, as no store took them: {'users': 2}"
    assert ("error", left) in words
    assert ("info", "last batch written: 2 rows") in words
    assert setting.stored_peers() == {(1, 7)}
    setting.store.problems = {}
    setting.start()
    assert setting.stored_user().totals.uploaded == 7
    setting.stop()
    assert list((tmp_path / "journal").glob("*.segment")) == []


def test_stop_says_what_is_lost_without_a_journal():
    """There is no next start that could write it."""
    setting = Setting()
    setting.announce()
    setting.store.problems = {"users": DOWN}
    assert ("critical", "stopped with announces that no store took: {'users': 1}") in setting.stop()


def test_start_says_what_the_last_stop_left(tmp_path):
    """One line, and only if there was something."""
    setting = Setting(tmp_path / "journal")
    setting.announce()
    setting.kill()
    setting.start()
    setting.kill()
    with said() as words:
        setting.flusher._loop.running = False
        result(setting.flusher.startService())
    assert words == []


def test_start_fails_while_a_store_does_not_take_what_the_journal_holds(tmp_path):
    """Nobody is answered from totals that are too small; what is held stays held."""
    setting = Setting(tmp_path / "journal")
    setting.announce()
    setting.announce(uploaded=5)
    setting.kill()
    setting.store.late = {"torrents"}
    with pytest.raises(StoreError, match=r"the torrents store does not take what the journal holds for it \(2 announ"):
        setting.start()
    setting.kill()
    setting.store.late = set()
    setting.start()
    assert setting.stored_torrent().totals.uploaded == 5


def test_peers_are_written_at_their_own_interval():
    """Users and torrents every second, peers every thirty; a flush that is asked for writes all."""
    setting = Setting()
    setting.flusher._intervals = {"users": 1.0, "torrents": 1.0, "peers": 30.0}
    setting.flusher._due["peers"] = setting.site.clock.seconds() + 30
    for second in range(29):
        setting.announce(uploaded=second)
        setting.site.clock.advance(1)
    assert [len(setting.rows(kind)) for kind in KINDS] == [29, 29, 0]
    setting.site.clock.advance(1)
    assert len(setting.rows("peers")) == 1
    setting.announce(uploaded=50)
    setting.flush()
    assert setting.stored_peers() == {(1, 50)}


def test_everything_is_due_while_the_disk_is_full():
    """The journal's files are freed as soon as they can be."""
    setting = Setting()
    setting.flusher._due["peers"] = setting.site.clock.seconds() + 30
    setting.journal.trouble = "No space left on device"
    setting.announce(uploaded=5)
    setting.site.clock.advance(1)
    assert setting.stored_peers() == {(1, 5)}


def test_journal_is_let_go_of_as_the_slowest_store_follows(tmp_path, monkeypatch):
    """Its files stay as long as one kind lacks what they hold."""
    monkeypatch.setattr(mika.journal, "RECORDS", 4)
    setting = Setting(tmp_path / "journal")
    setting.store.problems = {"peers": DOWN}
    with said():
        for number in range(20):
            setting.announce(uploaded=number)
            setting.flush()
    assert len(list((tmp_path / "journal").glob("*.segment"))) == 5
    setting.store.problems = {}
    with said():
        setting.flush()
    assert len(list((tmp_path / "journal").glob("*.segment"))) == 1
    setting.stop()


# ---- the loop


class Faulty(Periodic):
    """Work that fails at its first two times."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, 2.0)
        self.times = 0

    async def work(self) -> None:
        """Count, and fail at first."""
        self.times += 1
        if self.times <= 2:
            raise ValueError("not yet")


def test_work_that_fails_goes_on():
    """Each failure is logged with its traceback, and the next time comes."""
    clock = Clock()
    service = Faulty(clock)
    service.startService()
    with capturedLogs() as events:
        clock.pump([2.0] * 4)
    assert service.times == 4
    failures = [event for event in events if "log_failure" in event]
    assert [formatEvent(event) for event in failures] == ["Faulty failed and goes on"] * 2
    assert {event["log_level"] for event in failures} == {LogLevel.critical}
    result(service.stopService())
    clock.advance(10)
    assert service.times == 4


class Waiting(Periodic):
    """Work that takes as long as it is told to."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, 2.0)
        self.gate: Deferred[None] = Deferred()

    async def work(self) -> None:
        """Wait."""
        await self.gate


def test_stop_waits_for_the_work_under_way():
    """What it uses is closed behind it, and not before."""
    clock = Clock()
    service = Waiting(clock)
    service.startService()
    clock.advance(2)
    stopped = service.stopService()
    assert not stopped.called
    service.gate.callback(None)
    assert stopped.called


def test_reaper_lets_silent_peers_go_in_their_second():
    """It looks every second, and stops looking when it is stopped."""
    site = make_site(peer_ttl="45m")
    site.announce()
    site.announce(OTHER_PASSKEY)
    reaper = Reaper(site.swarms, site.clock)
    reaper.startService()
    site.clock.advance(1)
    site.clock.pump([1.0] * 2699)
    assert site.swarms.peer_count == 2
    site.announce()
    site.clock.advance(1)
    assert site.swarms.peer_count == 1
    assert [peer.user_id for peer in site.swarms.get(INFO_HASH).peers if peer.active] == [1]
    result(reaper.stopService())
    site.clock.advance(10_000)
    assert site.swarms.peer_count == 1


def test_reaper_looks_at_many_in_portions():
    """All who fell silent leave at once, but between portions of them the reactor has its turn."""
    site = make_site(peer_ttl="45m")
    for user_id in range(1, 2 * PORTION + 2):
        announce(site.swarms, int(site.clock.seconds()), user_id=user_id)
    left = []
    expire = site.swarms.expire
    noted = SimpleNamespace(expire=lambda now, most: left.append(expire(now, most)), has_due=site.swarms.has_due)
    reaper = Reaper(noted, site.clock)
    reaper.startService()
    site.clock.advance(2701)
    assert left == [PORTION, PORTION, 1]
    result(reaper.stopService())


class SyncerTests(TestCase):
    """The journal is forced to the disk in a thread, and its next file made there."""

    async def test_disk_that_fails_is_said_once(self):
        """And once when it does not any more; what is appended meanwhile is tried again."""
        outcomes = [OSError(5, "Input/output error")] * 2 + [None]

        def sync(_segments):
            outcome = outcomes.pop(0)
            if outcome is not None:
                raise outcome

        self.patch(mika.jobs, "sync", sync)
        journal = Journal(mika.journal.Path(self.mktemp()).absolute())
        journal.open()
        journal.begin(0)
        journal.append(INFO_HASH, Peer(1, b"p" * 20, 0))
        syncer = Syncer(journal, reactor, 1.0)
        with said() as words:
            for _ in range(3):
                await syncer.work()
        self.assertEqual(
            words,
            [
                ("critical", "the journal cannot be forced to the disk: Input/output error"),
                ("info", "the journal is forced to the disk again"),
            ],
        )
        journal.close(reached=1)

    async def test_age_of_what_a_power_cut_would_lose(self):
        """From the last time that all was on the disk; nothing while it still is."""
        outcomes = [None, OSError(5, "Input/output error"), None]

        def sync(segments):
            outcome = outcomes.pop(0)
            if outcome is not None:
                raise outcome
            mika.journal.sync(segments)

        self.patch(mika.jobs, "sync", sync)
        journal = Journal(mika.journal.Path(self.mktemp()).absolute())
        journal.open()
        journal.begin(0)
        clock = Clock()
        syncer = Syncer(journal, clock, 1.0)
        syncer._in_thread = maybeDeferred

        def note(seconds):
            journal.append(INFO_HASH, Peer(1, b"p" * 20, 0))
            clock.advance(seconds)
            return syncer.unsynced()

        self.assertEqual(syncer.unsynced(), 0)
        self.assertEqual(note(0.5), 0.5)
        await syncer.work()
        self.assertEqual(syncer.unsynced(), 0)
        self.assertEqual(note(2), 2)
        with said():
            await syncer.work()
            self.assertEqual(note(3), 5)
            await syncer.work()
        self.assertEqual(syncer.unsynced(), 0)
        clock.advance(60)
        await syncer.work()
        self.assertEqual(note(1), 1)
        journal.close(reached=9)

    async def test_syncs_and_makes_room(self):
        """The reactor's thread waits for neither."""
        self.patch(mika.journal, "RECORDS", 4)
        threads = []

        def sync(segments):
            threads.append(threading.current_thread())
            mika.journal.sync(segments)

        self.patch(mika.jobs, "sync", sync)
        journal = Journal(mika.journal.Path(self.mktemp()).absolute())
        journal.open()
        journal.begin(0)
        syncer = Syncer(journal, reactor, 0.01)
        syncer.startService()
        for number in range(3):
            journal.append(INFO_HASH, Peer(number, b"p" * 20, 0))
        while journal.unsynced() or journal.wanted():
            await deferLater(reactor, 0.01)
        await syncer.stopService()
        self.assertEqual(len(list(journal.directory.glob("*.segment"))), 2)
        self.assertTrue(threads)
        self.assertNotIn(threading.main_thread(), threads)
        journal.close(reached=3)
        self.assertEqual(list(journal.directory.glob("*.segment")), [])
