"""MariaDB with other programs at work in it, and a server that goes away, hangs, or is set up in its own way."""

from __future__ import annotations

import time

from servers.mariadb import MariaDb
from servers.on_mariadb import OnServer
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from mika.errors import ConflictError
from mika.interfaces import Mark, PeerBatch, UserBatch
from mika.model import Totals
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of


class TestOthers(OnServer):
    """Other programs at work in the same rows."""

    async def filled(self, seconds=10):
        """Return a store with some users, and a connection of somebody else."""
        store = await self.opened(seconds)
        await store.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(1, 501)])
        return store, self.outside()

    async def test_deadlock_is_tried_again(self):
        """The server undoes the smaller transaction, ours: it is written once nevertheless."""
        store, other = await self.filled()
        with other.cursor() as cursor:
            cursor.execute("UPDATE users SET name = 'busy' WHERE id > 1")
            applying = store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(5)), (2, Totals(5))]))
            await self.lock_wait()
            before = self.deadlocks()
            await deferToThread(cursor.execute, "UPDATE users SET name = 'busy' WHERE id = 1")
            self.assertGreater(self.deadlocks(), before)
        self.assertFalse(applying.called)
        other.commit()
        await applying
        self.assertEqual([user.totals.uploaded for user in await store.list_users(0, 3)], [5, 5, 0])
        self.assertEqual(await store.last_number("users", "a"), 1)

    def deadlocks(self):
        """Return how many there were since the server's start."""
        return int(self.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])

    async def test_lock_that_lasts_undoes_all(self):
        """After a time-out nothing of the batch is there, though the server undid only its last statement."""
        store, other = await self.filled(seconds=2)
        with other.cursor() as cursor:
            cursor.execute("UPDATE users SET name = 'busy' WHERE id = 400")
        batch = UserBatch(Mark("a", 1), [(1, Totals(5)), (400, Totals(5))])
        words = await self.refusal(store.apply_users(batch))
        self.assertTrue(words.startswith("is locked by another program"), words)
        self.assertEqual(self.sql("SELECT SUM(uploaded) FROM users")[0][0], 0)
        self.assertEqual(await store.last_number("users", "a"), 0)
        other.rollback()
        await store.apply_users(batch)
        self.assertEqual(self.sql("SELECT SUM(uploaded) FROM users")[0][0], 10)

    async def test_two_trackers_never_lose_a_row(self):
        """Batches of two stores at once, about the same rows, are added up."""
        one, _ = await self.filled()
        two = await self.opened()
        growth = [(number, Totals(1)) for number in range(1, 501)]
        for number in range(10):
            await gatherResults(
                [
                    store.apply_users(UserBatch(Mark(name, number + 1, number), growth))
                    for name, store in (("a", one), ("b", two))
                ]
            )
        self.assertEqual(self.sql("SELECT MIN(uploaded), MAX(uploaded) FROM users"), ((20, 20),))

    async def test_same_mark_twice_at_once_is_written_once(self):
        """A call that came late beside the same again: one is refused."""
        store, _ = await self.filled()
        batches = [UserBatch(Mark("a", 5), [(1, Totals(1))]) for _ in range(4)]
        outcomes = []
        for batch in batches:
            store.apply_users(batch).addCallbacks(
                outcomes.append, lambda failure: outcomes.append(failure.type.__name__)
            )
        while len(outcomes) < 4:
            await deferLater(reactor, 0.02, lambda: None)
        self.assertEqual(sorted(map(str, outcomes)), ["None", *["OutOfStepError"] * 3])
        self.assertEqual(self.sql("SELECT uploaded FROM users WHERE id = 1"), ((1,),))

    async def test_same_torrent_added_twice_at_once_is_a_conflict(self):
        """Not an error of the database: whoever is later is told what is taken."""
        store = await self.opened()
        outcomes = []
        for _ in range(4):
            store.add_torrents([make_torrent(1)]).addCallbacks(outcomes.append, lambda why: outcomes.append(why.value))
        while len(outcomes) < 4:
            await deferLater(reactor, 0.02, lambda: None)
        self.assertEqual(sum(isinstance(outcome, ConflictError) for outcome in outcomes), 3, outcomes)


class TestTrouble(OnServer):
    """A server that goes away and comes back."""

    async def test_server_killed_and_started_again(self):
        """Calls fail in words, then work again on the same store; what was answered is there, ids go on."""
        store = await self.opened()
        (user,) = await store.add_users([make_user()])
        (last,) = await store.add_users([make_user(passkey="passkey-1")])
        await store.delete_user(last.id)
        await store.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(7))]))
        self.server.kill()
        for _ in range(3):
            words = await self.refusal(store.list_roles())
            self.assertRegex(words, "cannot be reached|was lost")
        await deferToThread(self.server.start)
        self.assertEqual(await store.last_number("users", "a"), 1)
        await store.apply_users(UserBatch(Mark("a", 2, 1), [(user.id, Totals(7))]))
        self.assertEqual((await store.user_by_id(user.id)).totals.uploaded, 14)
        (new,) = await store.add_users([make_user(passkey="passkey-2")])
        self.assertGreater(new.id, last.id)

    async def test_server_that_answers_nothing(self):
        """It is given up after the time-out, each time, and used again when it goes on; the batch is there once."""
        store = await self.opened(seconds=1)
        (user,) = await store.add_users([make_user()])
        self.server.hold()
        try:
            for _ in range(2):
                began = time.monotonic()
                words = await self.refusal(store.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(7))])))
                self.assertRegex(words, "did not answer within 1 s|cannot be reached")
                self.assertLess(time.monotonic() - began, 4)
        finally:
            self.server.go_on()
        if await store.last_number("users", "a") == 0:
            await store.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(7))]))
        self.assertEqual((await store.user_by_id(user.id)).totals.uploaded, 7)

    async def test_connection_cut_in_the_middle(self):
        """A batch whose connection is killed is not written, and can be written then."""
        store = await self.opened()
        await store.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(1, 3)])
        other = self.outside()
        with other.cursor() as cursor:
            cursor.execute("UPDATE users SET name = 'busy' WHERE id = 2")
        batch = UserBatch(Mark("a", 1), [(1, Totals(5)), (2, Totals(5))])
        applying = store.apply_users(batch)
        await self.lock_wait()
        for number, user, state in self.sql("SELECT id, user, info FROM information_schema.processlist"):
            if user == "mika" and (state or "").startswith("UPDATE mika_waiting"):
                self.sql(f"KILL {number}")
        self.assertIn("was lost while it worked", await self.refusal(applying))
        other.rollback()
        self.assertEqual(await store.last_number("users", "a"), 0)
        await store.apply_users(batch)
        self.assertEqual(self.sql("SELECT SUM(uploaded) FROM users")[0][0], 10)

    async def test_reactor_is_not_held_up(self):
        """While a batch is written and peers are read, the reactor goes on."""
        store = await self.opened()
        present = [(number.to_bytes(20, "big"), make_peer(1)) for number in range(20_000)]
        turns, ticking = 0, True

        async def tick():
            nonlocal turns
            while ticking:
                await deferLater(reactor, 0, lambda: None)
                turns += 1

        ticks = ensureDeferred(tick())
        await store.apply_peers(PeerBatch(Mark("a", 1), present, []))
        written, turns = turns, 0
        self.assertEqual(len(await peers_of(store)), 20_000)
        ticking = False
        await ticks
        self.assertGreater(min(written, turns), 20)


class TestBinaryLog(OnServer):
    """A server that replicates, or is backed up by its log, as MySQL 8 is unless told otherwise."""

    async def test_forbidden_triggers_and_a_log_of_statements(self):
        """What to set is said; the upgrade goes on where the server refused it, and a batch is written then."""
        server = self.server = MariaDb()
        self.addCleanup(server.remove)
        server.options = [f"--log-bin={server.directory / 'log-bin'}", "--server-id=1"]
        await deferToThread(server.start)
        self.database = server.fresh()
        words = await self.refusal(self.store().open())
        self.assertIn("does not allow triggers: SET GLOBAL log_bin_trust_function_creators = 1", words)
        self.sql("SET GLOBAL log_bin_trust_function_creators = 1")
        store = await self.opened()
        self.assertEqual(len(self.sql("SHOW TRIGGERS")), 10)
        await store.add_users([make_user()])
        await store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(5))]))
        await store.close()
        self.sql("SET GLOBAL binlog_format = STATEMENT")
        words = await self.refusal(self.store().open())
        self.assertIn("cannot write its binary log so: set binlog_format = ROW", words)
        self.sql("SET GLOBAL binlog_format = MIXED")
        store = await self.opened()
        await store.apply_users(UserBatch(Mark("a", 2, 1), [(1, Totals(5))]))
        self.assertEqual((await store.user_by_id(1)).totals.uploaded, 10)
        await store.close()
