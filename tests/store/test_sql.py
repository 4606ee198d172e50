"""The SQL store on SQLite: the contract, and what only a real database can get wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.interfaces import Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import Totals
from mika.store.sql import SqlStore
from mika.store.sqlite import Sqlite
from mika.testing import StoreContract
from mika.testing.subjects import make_peer, make_torrent, make_user


class OnFile(TestCase):
    """A store on a file of the test's own."""

    def setUp(self):
        """Choose the file."""
        self.path = Path(self.mktemp()).absolute()
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def make_store(self):
        """Return a store on the test's file; a locked one is given up soon."""
        return SqlStore(Sqlite(self.path, busy_seconds=0.1), reactor)

    async def opened(self):
        """Return an open store, closed when the test ends."""
        store = self.make_store()
        await store.open()
        self.addCleanup(store.close)
        return store

    def aside(self, *statements):
        """Execute statements on the file from outside, and return the rows of the last."""
        connection = sqlite3.connect(self.path)
        try:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows


class TestSqlStore(StoreContract, TestCase):
    """The contract, on SQLite."""

    hears = 2.0

    def make_store(self):
        """Return a store on the test's file."""
        self.path = getattr(self, "path", None) or Path(self.mktemp()).absolute()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return SqlStore(Sqlite(self.path, poll_interval=0.2), reactor)


def _batches():
    """Return 10,000 rows of each kind, whose last one is easy to find."""
    users = [(number, Totals(uploaded=1)) for number in range(1, 10_001)]
    hashes = [number.to_bytes(20, "big") for number in range(1, 10_001)]
    torrents = [(info_hash, Totals(uploaded=1)) for info_hash in hashes]
    peers = [(info_hash, make_peer(1)) for info_hash in hashes]
    return (
        UserBatch(Mark("a", 2), users),
        TorrentBatch(Mark("a", 2), torrents, [(info_hash, 1) for info_hash in hashes]),
        PeerBatch(Mark("a", 2, 1), peers, [(hashes[0], 9, make_peer(9).peer_id)]),
    )


def _refused(event):
    return f"CREATE TRIGGER refused BEFORE {event} BEGIN SELECT RAISE(ABORT, 'refused'); END"


class TestBatches(OnFile):
    """A batch is one transaction."""

    async def filled(self):
        """Return a store that has what the batches are about."""
        store = await self.opened()
        await store.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(1, 10_001)])
        new = [make_torrent(0) for _ in range(10_000)]
        for number, torrent in enumerate(new, 1):
            torrent.info_hash = number.to_bytes(20, "big")
        await store.add_torrents(new)
        peer_id = make_peer(9).peer_id
        await store.apply_peers(PeerBatch(Mark("a", 1), [(new[0].info_hash, make_peer(9))], []))
        self.assertEqual((new[0].info_hash, peer_id), (_batches()[2].gone[0][0], _batches()[2].gone[0][2]))
        return store

    async def test_big_batch_is_written_whole(self):
        """10,000 rows of each kind, with their mark."""
        store = await self.filled()
        users, torrents, peers = _batches()
        await gatherResults([store.apply_users(users), store.apply_torrents(torrents), store.apply_peers(peers)])
        self.assertEqual(self.aside("SELECT sum(uploaded), min(uploaded) FROM users"), [(10_000, 1)])
        self.assertEqual(self.aside("SELECT sum(uploaded), min(uploaded) FROM torrents"), [(10_000, 1)])
        self.assertEqual(self.aside("SELECT count(*) FROM completions"), [(10_000,)])
        self.assertEqual(self.aside("SELECT count(*), max(user_id) FROM peers"), [(10_000, 1)])
        self.assertEqual(self.aside("SELECT DISTINCT number FROM marks"), [(2,)])

    async def test_refused_batch_leaves_nothing(self):
        """A row that the database refuses at the very end, or the mark, takes the whole batch with it."""
        store = await self.filled()
        users, torrents, peers = _batches()
        last = "x'" + torrents.growth[-1][0].hex() + "'"
        cases = (
            (store.apply_users, users, "UPDATE ON users WHEN old.id = 10000"),
            (store.apply_users, users, "INSERT ON marks"),
            (store.apply_torrents, torrents, f"UPDATE ON torrents WHEN old.info_hash = {last}"),
            (store.apply_torrents, torrents, f"INSERT ON completions WHEN new.info_hash = {last}"),
            (store.apply_torrents, torrents, "INSERT ON marks"),
            (store.apply_peers, peers, f"INSERT ON peers WHEN new.info_hash = {last}"),
            (store.apply_peers, peers, "UPDATE ON marks"),
        )
        before = self.contents()
        for apply, batch, event in cases:
            self.aside(_refused(event))
            with self.assertRaises(StoreError) as caught:
                await apply(batch)
            self.assertEqual(str(caught.exception), f"The database {self.path} failed: refused.")
            self.aside("DROP TRIGGER refused")
            self.assertEqual(self.contents(), before)
        await store.apply_users(users)
        self.assertEqual(await store.last_number("users", "a"), 2)

    def contents(self):
        """Return what the batches could change."""
        tables = ("users", "torrents", "completions", "peers", "marks")
        return {table: self.aside(f"SELECT * FROM {table}") for table in tables}

    async def test_refused_list_of_torrents_leaves_the_deleted(self):
        """A deleted torrent is not forgotten for a list that is not added."""
        store = await self.opened()
        await store.add_torrents([make_torrent(1, completers={4})])
        await store.save_torrent(make_torrent(1, deleted=True, reason="why"))
        self.aside(_refused("INSERT ON torrents"))
        with self.assertRaises(StoreError):
            await store.add_torrents([make_torrent(2), make_torrent(1)])
        found = await store.torrent(make_torrent(1).info_hash)
        self.assertEqual((found.reason, found.completers), ("why", {4}))

    async def test_other_broken_rule_is_no_conflict(self):
        """Only a taken passkey is one: a user whose row the database refuses for another reason is a `StoreError`."""
        store = await self.opened()
        with self.assertRaises(StoreError):
            await store.add_users([make_user(name=None)])
        (user,) = await store.add_users([make_user()])
        user.name = None
        with self.assertRaises(StoreError):
            await store.save_user(user)

    async def test_value_that_no_column_holds(self):
        """It is refused in words, and what comes after it works."""
        store = await self.opened()
        for user in (make_user(role=2**63), make_user(name="\ud800")):
            with self.assertRaises(StoreError):
                await store.add_users([user])
        await store.add_users([make_user()])

    async def test_deleted_user_keeps_completions(self):
        """Who completed a torrent once is not counted again, whatever became of the account."""
        store = await self.opened()
        await store.add_torrents([make_torrent(1)])
        (user,) = await store.add_users([make_user()])
        await store.apply_torrents(TorrentBatch(Mark("a", 1), [], [(make_torrent(1).info_hash, user.id)]))
        await store.delete_user(user.id)
        self.assertEqual((await store.torrent(make_torrent(1).info_hash)).completers, {user.id})


class TestClosing(OnFile):
    """What was asked for before `close` is done."""

    async def test_close_waits_for_running_work(self):
        """Every answer is there before that of `close`, also one that nobody waits for any more."""
        store = self.make_store()
        await store.open()
        answers = []
        asked = [store.add_users([make_user(passkey=f"passkey-{number}")]) for number in range(50)]
        for each in asked:
            each.addCallback(answers.append)
        given_up = store.save_whitelisted("-TR40", "Transmission 4")
        given_up.addErrback(lambda failure: None)
        given_up.cancel()
        await store.close()
        self.assertEqual(len(answers), 50)
        self.assertEqual(self.aside("SELECT count(*) FROM users"), [(50,)])
        self.assertEqual(self.aside("SELECT count(*) FROM whitelist"), [(1,)])
        self.assertEqual([path.name for path in self.path.parent.glob(f"{self.path.name}*")], [self.path.name])

    async def test_closed_store_says_so(self):
        """One that was never opened or is closed fails at once; closing twice is nothing; it may be opened again."""
        store = self.make_store()
        for _ in range(2):
            with self.assertRaises(StoreError) as caught:
                await store.list_roles()
            self.assertEqual(str(caught.exception), f"The database {self.path} is not open.")
            await store.open()
            self.assertEqual(len(await store.list_roles()), 1)
            await store.close()
            await store.close()

    async def test_call_before_open_is_done_finds_the_schema(self):
        """A call that does not wait for `open` waits behind it."""
        store = self.make_store()
        self.addCleanup(store.close)
        opening = store.open()
        self.assertEqual(len(await store.list_roles()), 1)
        await opening
