"""The store in Redis on real servers: the contract, and what a batch is worth when Redis, or the way to it, breaks."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from servers.redis import Redis, fresh_prefix, server
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mika.errors import OutOfStepError, StoreError
from mika.interfaces import Circle, Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import INT64_MAX, Role, Totals
from mika.store.point import distance
from mika.store.redis import RedisStore
from mika.store.redis_url import parse_redis_url
from mika.testing import StoreContract
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of


def store_at(url, seconds=10.0):
    """Return a store that is not open."""
    return RedisStore(parse_redis_url(url, Path("/")), reactor, seconds)


class TestRedisStore(StoreContract, TestCase):
    """The contract, as an ACL user."""

    def make_store(self):
        """Return a store under the test's own prefix."""
        self.prefix = getattr(self, "prefix", None) or fresh_prefix()
        return store_at(server().url(self.prefix))


class TestRedisStoreOverTls(StoreContract, TestCase):
    """The contract, over TLS with a CA of one's own, and with messages heard."""

    def make_store(self):
        """Return a store under the test's own prefix."""
        self.prefix = getattr(self, "prefix", None) or fresh_prefix()
        store = store_at(server().url(self.prefix, tls=True))
        store.hear(lambda _: None)
        return store


class OnServer(TestCase):
    """A store of the test's own on the server that all share."""

    async def setUp(self):
        """Open it."""
        self.prefix = fresh_prefix()
        self.store = store_at(server().url(self.prefix))
        await self.store.open()
        self.addCleanup(self.store.close)

    def aside(self, *command):
        """Ask the server something from outside; a word that begins with : is a key under the test's prefix."""
        words = (self.prefix + word[1:] if isinstance(word, str) and word[:1] == ":" else word for word in command)
        return server().ask(*words)

    def keys(self, pattern="*"):
        """Return the keys of the store without their prefix."""
        found = server().ask("KEYS", self.prefix + pattern)
        return sorted(key.decode().removeprefix(self.prefix) for key in found)


class TestRows(OnServer):
    """What is in Redis, and what somebody else put there."""

    async def test_rows_are_hashes_that_a_site_can_read(self):
        """Numbers are decimal, names as in the model, None is absent; nothing of a deleted user is left."""
        (user,) = await self.store.add_users([make_user(name="Zoë", totals=Totals(uploaded=2**62))])
        self.assertEqual(self.aside("HGET", ":user:1", "uploaded"), str(2**62).encode())
        self.assertEqual(self.aside("HMGET", ":user:1", "name", "enabled", "remote_id"), ["Zoë".encode(), b"1", None])
        self.assertEqual(self.aside("HGET", ":passkeys", user.passkey), b"1")
        before = self.keys()
        self.assertEqual(before, ["last", "passkeys", "roles", "schema", "user:1", "users"])
        await self.store.delete_user(user.id)
        self.assertEqual(self.keys(), ["last", "roles", "schema"])

    async def test_text_of_every_kind(self):
        """What JSON and Lua could stumble over comes back as it was."""
        for text in ("", "a\0b", '"\\\n\u2028', "\U0001f600", "7", "null", "x" * 100_000):
            (user,) = await self.store.add_users([make_user(name=text, remote_id=text)])
            found = await self.store.user_by_id(user.id)
            self.assertEqual((found.name, found.remote_id), (text, text))
            found.remote_id = None
            await self.store.save_user(found)
            self.assertIsNone((await self.store.user_by_id(user.id)).remote_id)
            role = await self.store.save_role(Role(0, text))
            self.assertEqual((await self.store.list_roles())[-1], role)
            await self.store.delete_user(user.id)

    async def test_user_of_whom_a_site_wrote_little(self):
        """What is not there has the default; what makes no sense is said with its key."""
        self.aside("HSET", ":user:7", "name", "new", "passkey", "passkey-7")
        self.aside("HSET", ":passkeys", "passkey-7", 7)
        user = await self.store.user_by_passkey("passkey-7")
        self.assertEqual((user.id, user.role, user.enabled, user.totals), (7, 1, True, Totals()))
        self.aside("HSET", ":user:7", "enabled", "perhaps")
        with self.assertRaisesRegex(StoreError, f"mend {self.prefix}user:7"):
            await self.store.user_by_id(7)

    async def test_ids_beyond_what_is_exact_are_refused(self):
        """As is text that is no UTF-8."""
        for new in (make_user(id=2**53), make_user(id=-1), make_user(name="\ud800")):
            with self.assertRaises(StoreError):
                await self.store.add_users([new])
        self.assertEqual(self.keys("user:*"), [])

    async def test_damaged_row_holds_up_nobody(self):
        """What it grew by is kept aside, the rest is written, and the log says so."""
        one, two = await self.store.add_users([make_user(), make_user(passkey="passkey-2")])
        self.aside("HSET", f":user:{one.id}", "uploaded", "lots")
        growth = [(each.id, Totals(uploaded=5, announces=1)) for each in (one, two)]
        logged = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        await self.store.apply_users(UserBatch(Mark("a", 1), growth))
        self.assertEqual([event["key"] for event in logged], [f"{self.prefix}user:{one.id}"])
        self.assertEqual((await self.store.user_by_id(two.id)).totals, Totals(uploaded=5, announces=1))
        self.assertEqual(self.aside("HGET", f":user:{one.id}", "announces"), b"1")
        self.assertEqual(self.aside("HGETALL", ":unapplied"), [f"{self.prefix}user:1 uploaded".encode(), b"5"])

    async def test_totals_stop_at_either_end(self):
        """Also those that a correction by staff pushes, and growth that is itself too large."""
        (user,) = await self.store.add_users([make_user(totals=Totals(uploaded=INT64_MAX, bonus=-5))])
        await self.store.save_user(user, Totals(uploaded=2**70, bonus=-(2**70), downloaded=INT64_MAX))
        found = await self.store.user_by_id(user.id)
        self.assertEqual(found.totals, Totals(uploaded=INT64_MAX, bonus=-INT64_MAX - 1, downloaded=INT64_MAX))

    async def test_deleted_torrent_leaves_nothing_when_its_hash_is_used_again(self):
        """No row, no completers, no v2 hash."""
        await self.store.add_torrents([make_torrent(1, v2=2, completers={4})])
        await self.store.save_torrent(make_torrent(1, v2=2, deleted=True))
        self.assertEqual(self.aside("ZRANGE", ":deleted", 0, -1), [b"01" * 20])
        await self.store.add_torrents([make_torrent(2)])
        self.assertEqual(self.keys("[tcdv]*"), ["torrent:" + "02" * 20, "torrents"])


class TestPeers(OnServer):
    """Swarms, and places of peers."""

    number = 0

    async def apply(self, present, gone=()):
        """Write peers."""
        self.number += 1
        mark = Mark("a", self.number, self.number - 1)
        await self.store.apply_peers(PeerBatch(mark, present, list(gone)))

    async def test_nothing_is_left_of_those_who_are_gone(self):
        """Whether they had a place, a place near a pole, or none; and a swarm that is empty is none."""
        places = (None, (1.0, 2.0), (-89.0, 3.0))
        present = [(b"h" * 20, make_peer(user, location=place)) for user, place in enumerate(places)]
        await self.apply(present)
        kinds = ("peers", "places", "poles")
        self.assertEqual(self.keys("p*"), [f"{kind}:{(b'h' * 20).hex()}" for kind in kinds])
        await self.apply([], [(swarm, peer.user_id, peer.peer_id) for swarm, peer in present])
        self.assertEqual(self.keys(), ["last", "marks", "roles", "schema"])

    async def test_peer_moves(self):
        """From no place to one, to the pole, back, and out of sight: it is found where it is, once."""
        circles = {
            None: None,
            (10.0, 10.0): Circle(10, 10, 1000),
            (89.0, 10.0): Circle(89, 10, 1000),
            (10.0, 50.0): Circle(10, 50, 1000),
        }
        for place in (None, (10.0, 10.0), (89.0, 10.0), (10.0, 50.0), (89.0, 10.0), None, (10.0, 10.0)):
            await self.apply([(b"h" * 20, make_peer(1, location=place))])
            for where, circle in circles.items():
                if circle is not None:
                    found = await self.store.peers_near(b"h" * 20, circle)
                    self.assertEqual(len(found), int(where == place), (where, place))

    async def test_near_finds_what_is_measured(self):
        """All over the globe, and in every size of circle, the same as measuring every peer."""
        chance = random.Random(3)
        places = [(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(1500)]
        places += [(chance.gauss(50, 2), chance.gauss(10, 3)) for _ in range(500)]
        await self.apply([(b"h" * 20, make_peer(user, location=place)) for user, place in enumerate(places)])
        for _ in range(150):
            middle = (chance.uniform(-90, 90), chance.uniform(-180, 180))
            if chance.random() < 0.3:
                middle = (chance.gauss(50, 2), chance.gauss(10, 3))
            metres = 10 ** chance.uniform(3, 7.3)
            near = sorted((distance(place, middle), user) for user, place in enumerate(places))
            found = await self.store.peers_near(b"h" * 20, Circle(*middle, metres))
            expected = [user for far, user in near if far <= metres]
            self.assertEqual([user for user, _ in found], expected, (middle, metres))

    async def test_large_swarm_is_loaded_in_pieces(self):
        """Each peer once, beside small swarms."""
        await self.apply([(b"h" * 20, make_peer(user)) for user in range(7000)])
        await self.apply([(bytes([number]) * 20, make_peer(1)) for number in (1, 250)])
        pieces = []
        await self.store.load_peers(pieces.append)
        found = [(swarm, peer.user_id) for piece in pieces for swarm, peer in piece]
        self.assertEqual(len(found), 7002)
        self.assertEqual(len(set(found)), 7002)
        self.assertGreater(len(pieces), 3)

    async def test_keys_and_counters_of_every_size(self):
        """A key of hundreds of bytes, and no endpoint at all."""
        await self.apply([(b"h" * 20, make_peer(1, key=b"k" * 900, uploaded=2**64 - 1))])
        ((_, peer),) = await peers_of(self.store)
        self.assertEqual((peer.key, peer.uploaded, peer.endpoint4), (b"k" * 900, 2**64 - 1, b""))


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
        """A power cut in the middle of writing a batch to the disk takes the batch and its mark."""
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
        self.server.signal(signal.SIGSTOP)
        began = time.monotonic()
        with self.assertRaisesRegex(StoreError, "does not answer in time"):
            await store.apply_users(self.batch(0))
        self.assertLess(time.monotonic() - began, 1.5)
        began = time.monotonic()
        with self.assertRaises(StoreError):
            await store.user_by_id(1)
        self.assertLess(time.monotonic() - began, 0.4)
        self.server.signal(signal.SIGCONT)
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
        self.assertLess(time.monotonic() - began, 0.3)
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
        self.server.signal(signal.SIGSTOP)
        await deferLater(reactor, 2.5)
        self.server.signal(signal.SIGCONT)
        await self.hears("user", None, seconds=4)
