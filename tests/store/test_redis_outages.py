"""The store in Redis when Redis, or the way to it, breaks: what a batch is worth then; and what is heard of changes."""

from __future__ import annotations

import os
import time

from servers.redis import Redis, store_at
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mika.errors import OutOfStepError, StoreError
from mika.interfaces import Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import Totals
from mika.testing.subjects import make_peer, make_torrent, make_user


class TestBrokenConnection(TestCase):
    """A server of the test's own, that stops, starts, hangs and dies."""

    def setUp(self):
        """Start it."""
        self.server = Redis().start()
        self.addCleanup(self.server.remove)

    async def opened(self, seconds=10.0):
        """Return an open store, closed when the test ends."""
        store = store_at(self.server.url(), seconds)
        self.addCleanup(store.close)
        await store.open()
        return store

    async def number(self, store):
        """Return the number of the last batch, as soon as there is an answer."""
        for _ in range(500):
            try:
                return await store.last_number("users", "a")
            except StoreError:
                await deferLater(reactor, 0.02)
        raise AssertionError("it does not come back")

    async def check(self, store, number, users=2000):
        """Check that exactly the batches up to `number` are in the totals."""
        totals = [user.totals.uploaded for user in await store.list_users(0, users)]
        self.assertEqual(set(totals), {number})
        self.assertEqual(len(totals), users)

    async def with_users(self, seconds=10.0):
        """Return a store with 2,000 users."""
        store = await self.opened(seconds)
        await store.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(1, 2001)])
        return store

    def batch(self, number):
        """Return the batch behind the last number."""
        growth = [(user_id, Totals(uploaded=1)) for user_id in range(1, 2001)]
        return UserBatch(Mark("a", number + 1, number), growth)

    async def test_killed_server_has_batch_and_mark_or_neither(self):
        """As after a power cut, at any instant; and what it has confirmed it has."""
        store = await self.with_users()
        number = confirmed = 0
        for attempt in range(8):
            answer = store.apply_users(self.batch(number))
            await deferLater(reactor, attempt * 0.006)
            self.server.kill()
            try:
                await answer
                confirmed += 1
            except StoreError as error:
                self.assertRegex(str(error), r"^Redis at 127.0.0.1:\d+ (closed the connection|is not there: .*)\.$")
            self.server.start()
            found = await self.number(store)
            self.assertIn(found, (number, number + 1))
            number = found
            await self.check(store, number)
        self.assertGreaterEqual(number, confirmed)

    async def test_torn_file_of_the_server(self):
        """A power cut in the middle of a batch takes the batch and its mark; its torn rest never counts later."""
        store = await self.with_users()
        await store.apply_users(self.batch(0))
        (file,) = self.server.directory.glob("appendonlydir/*.incr.aof")
        before = file.stat().st_size
        await store.apply_users(self.batch(1))
        self.server.kill()
        os.truncate(file, (before + file.stat().st_size) // 2)
        self.server.start()
        self.assertEqual(await self.number(store), 1)
        await self.check(store, 1)
        await store.apply_users(self.batch(1))
        await self.check(store, 2)
        self.server.kill()
        self.server.start()
        self.assertEqual(await self.number(store), 2)
        await self.check(store, 2)

    async def test_lost_connection_during_a_batch(self):
        """The number says whether it was written; going on from there counts once."""
        store = await self.with_users()
        number = 0
        for attempt in range(10):
            answer = store.apply_users(self.batch(number))
            await deferLater(reactor, attempt * 0.003)
            self.server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            try:
                await answer
            except StoreError as error:
                self.assertIn("closed the connection", str(error))
            number = await self.number(store)
            await self.check(store, number)
        self.assertGreater(number, 0)

    async def test_hanging_server(self):
        """What it does not answer in time has failed, and counts once though it may be carried out late."""
        store = await self.with_users(0.5)
        self.server.hold()
        began = time.monotonic()
        with self.assertRaisesRegex(StoreError, "does not answer in time"):
            await store.apply_users(self.batch(0))
        with self.assertRaises(StoreError):
            await store.user_by_id(1)
        self.assertLess(time.monotonic() - began, 5)
        self.server.go_on()
        number = await self.number(store)
        await store.apply_users(self.batch(number))
        await self.check(store, number + 1)

    async def test_batch_that_comes_late(self):
        """One that waited in the server until a later one was written changes nothing."""
        store, other = await self.with_users(), await self.opened(0.5)
        began = self.server.ask("CLIENT", "PAUSE", 1500, "WRITE")
        self.assertEqual(began, b"OK")
        late = store.apply_users(self.batch(0))
        with self.assertRaisesRegex(StoreError, "does not answer in time"):
            await other.apply_users(self.batch(0))
        await late
        with self.assertRaises(OutOfStepError):
            await store.apply_users(self.batch(0))
        await self.check(store, 1)

    async def test_stopped_server_fails_calls_at_once(self):
        """No call waits for its return; then they go on, though it has forgotten all scripts."""
        store = await self.with_users()
        logged = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.server.stop()
        await deferLater(reactor, 1)
        began = time.monotonic()
        calls = (
            store.user_by_id(1),
            store.list_roles(),
            store.apply_users(self.batch(0)),
            store.apply_torrents(TorrentBatch(Mark("a", 1), [])),
            store.load_peers(list),
        )
        for call in calls:
            with self.assertRaisesRegex(StoreError, "is not there: start it"):
                await call
        self.assertLess(time.monotonic() - began, 5)
        self.server.start()
        self.assertEqual(await self.number(store), 0)
        self.assertEqual(logged, [])
        await store.apply_users(self.batch(0))
        await self.check(store, 1)

    async def test_forgotten_scripts(self):
        """A server that has dropped its scripts is given them again."""
        store = await self.with_users()
        self.server.ask("SCRIPT", "FLUSH")
        await store.apply_users(self.batch(0))
        await self.check(store, 1)

    async def test_full_memory(self):
        """A batch that Redis has no room for is refused whole, and written later."""
        store = await self.with_users()
        self.server.ask("CONFIG", "SET", "maxmemory", 1)
        with self.assertRaisesRegex(StoreError, "is full: its maxmemory is reached"):
            await store.apply_users(self.batch(0))
        peers = [(b"h" * 20, make_peer(1))]
        with self.assertRaisesRegex(StoreError, "is full"):
            await store.apply_peers(PeerBatch(Mark("a", 1), peers, []))
        self.assertEqual(await store.last_number("peers", "a"), 0)
        await self.check(store, 0)
        self.server.ask("CONFIG", "SET", "maxmemory", 0)
        await store.apply_users(self.batch(0))
        await self.check(store, 1)

    async def test_disk_that_takes_nothing(self):
        """Redis refuses changes while it cannot save."""
        store = await self.with_users()
        (self.server.directory / "dump.rdb").mkdir()
        self.server.ask("CONFIG", "SET", "save", "3600 1")
        self.server.ask("BGSAVE")
        await deferLater(reactor, 0.5)
        with self.assertRaisesRegex(StoreError, "takes no changes, because it could not save to its disk"):
            await store.apply_users(self.batch(0))
        await self.check(store, 0)

    async def test_close_waits_for_what_was_asked_for(self):
        """A batch that is being written is written; what is asked for later fails in words."""
        store = await self.with_users()
        answer = store.apply_users(self.batch(0))
        await store.close()
        self.assertTrue(answer.called)
        await answer
        with self.assertRaisesRegex(StoreError, "is not open"):
            await store.user_by_id(1)
        await self.check(await self.opened(), 1)

    async def test_close_while_it_is_away(self):
        """Nothing goes on trying."""
        store = await self.opened()
        self.server.stop()
        await deferLater(reactor, 0.1)
        await store.close()  # and trial looks whether anything is left


class TestChanges(TestCase):
    """What others change is heard."""

    def setUp(self):
        """Start a server of the test's own."""
        self.server = Redis().start()
        self.addCleanup(self.server.remove)
        self.heard = []
        self._waiting = []

    def listen(self, change):
        """Note what is heard."""
        told = (change.kind, change.key)
        self.heard.append(told)
        for wanted, done in self._waiting:
            if wanted == told and not done.called:
                done.callback(None)

    async def hears(self, *wanted, seconds=2):
        """Wait until this was heard."""
        if wanted not in self.heard:
            done = Deferred()
            self._waiting.append((wanted, done))
            await done.addTimeout(seconds, reactor)

    async def stores(self):
        """Return a store that listens and another on the same place."""
        listening, other = store_at(self.server.url(), 1.0), store_at(self.server.url())
        listening.hear(self.listen)
        for store in (listening, other):
            self.addCleanup(store.close)
            await store.open()
        return listening, other

    async def test_every_change_is_told(self):
        """Each kind, by its key; batches are not."""
        _, other = await self.stores()
        (user,) = await other.add_users([make_user()])
        await self.hears("user", user.id)
        self.heard.clear()
        await other.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(uploaded=1))]))
        self.server.ask("PUBLISH", "mika:changes", "nonsense \xff")
        (role,) = await other.list_roles()
        for change, wanted in (
            (lambda: other.save_user(user), ("user", user.id)),
            (lambda: other.save_role(role), ("role", 1)),
            (lambda: other.add_torrents([make_torrent(1)]), ("torrent", b"\x01" * 20)),
            (lambda: other.save_torrent(make_torrent(1)), ("torrent", b"\x01" * 20)),
            (lambda: other.save_whitelisted("-XX", "X"), ("whitelist", None)),
            (lambda: other.delete_whitelisted("-XX"), ("whitelist", None)),
            (lambda: other.delete_user(user.id), ("user", user.id)),
        ):
            self.heard.clear()
            await change()
            await self.hears(*wanted)
            self.assertEqual(self.heard, [wanted])

    async def test_site_that_writes_itself(self):
        """It publishes what it changed, or just the kind."""
        await self.stores()
        self.server.ask("PUBLISH", "mika:changes", "user 7")
        await self.hears("user", 7)
        self.server.ask("PUBLISH", "mika:changes", "torrent " + "0a" * 20)
        await self.hears("torrent", b"\x0a" * 20)
        self.server.ask("PUBLISH", "mika:changes", "user")
        await self.hears("user", None)

    async def test_after_a_restart_of_the_server_everything_may_have_changed(self):
        """And then changes are heard again."""
        await self.stores()
        self.server.stop()
        self.server.start()
        for kind in ("user", "role", "torrent", "whitelist"):
            await self.hears(kind, None)
        self.server.ask("PUBLISH", "mika:changes", "user 8")
        await self.hears("user", 8)

    async def test_connection_that_is_dead_is_noticed(self):
        """Though nobody says that it is: the server hangs, and then goes on."""
        await self.stores()
        self.server.hold()
        await deferLater(reactor, 2.5)
        self.server.go_on()
        await self.hears("user", None, seconds=4)
