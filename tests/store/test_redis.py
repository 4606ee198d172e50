"""The store in Redis on a real server: the contract, and what rows and peers look like there."""

from __future__ import annotations

import random

from servers.redis import fresh_prefix, server, store_at
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.interfaces import Circle, Mark, PeerBatch, UserBatch
from mika.model import INT64_MAX, Role, Totals
from mika.store.globe import distance
from mika.testing import StoreContract
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of


class TestRedisStore(StoreContract, TestCase):
    """The contract, as an ACL user."""

    hears = 2.0

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
        for field, nonsense in (("enabled", "perhaps"), ("multiplier_up", 2**70)):
            self.aside("HSET", ":user:7", field, nonsense)
            with self.assertRaisesRegex(StoreError, f"mend {self.prefix}user:7"):
                await self.store.user_by_id(7)
            self.aside("HDEL", ":user:7", field)

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
        await self.store.save_user(user, Totals(uploaded=INT64_MAX, bonus=-INT64_MAX, downloaded=INT64_MAX))
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
