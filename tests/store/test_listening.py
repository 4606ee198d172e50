"""What others change in a database of PostgreSQL is heard; what mika itself counts is not."""

from __future__ import annotations

import time

import pytest
from servers.postgresql import OnDatabase, PostgreSQL
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from mika.interfaces import Change, Mark, TorrentBatch, UserBatch
from mika.model import Role, Totals
from mika.store.listening import change_of
from mika.testing.subjects import make_torrent, make_user

ALL = [Change(kind) for kind in ("user", "role", "torrent", "whitelist")]

HASH = b"\1" * 20

CHANGES = (
    ("UPDATE users SET enabled = false WHERE id = 1", Change("user", 1)),
    ("UPDATE users SET uploaded = 7 WHERE id = 1", Change("user", 1)),
    ("DELETE FROM users WHERE id = 2", Change("user", 2)),
    ("INSERT INTO users SELECT 5, name, 'passkey-5' FROM users WHERE id = 1", Change("user", 5)),
    ("TRUNCATE users", Change("user")),
    ("UPDATE roles SET priority = 7", Change("role")),
    ("INSERT INTO roles SELECT 5, 'vip', priority FROM roles", Change("role")),
    ("DELETE FROM roles WHERE id = 5", Change("role")),
    ("UPDATE torrents SET enabled = false", Change("torrent", HASH)),
    ("INSERT INTO torrents SELECT '\\x02'::bytea FROM torrents", Change("torrent", b"\2")),
    ("DELETE FROM torrents WHERE info_hash = '\\x02'", Change("torrent", b"\2")),
    ("TRUNCATE torrents", Change("torrent")),
    ("UPDATE whitelist SET name = 'x'", Change("whitelist")),
    ("INSERT INTO whitelist VALUES ('-XX', 'y')", Change("whitelist")),
    ("DELETE FROM whitelist", Change("whitelist")),
)

PAYLOADS = {
    "user 5 abc": Change("user", 5),
    "user * abc": Change("user"),
    "user five abc": Change("user"),
    "user 5": Change("user", 5),
    "user": Change("user"),
    "torrent 0102 abc": Change("torrent", b"\1\2"),
    "torrent xx abc": Change("torrent"),
    "role * abc": Change("role"),
    "whitelist * ": Change("whitelist"),
    "user 5 mine": None,
    "peer 5 abc": None,
    "": None,
}


@pytest.mark.parametrize(("payload", "change"), PAYLOADS.items())
def test_payload_is_a_change(payload, change):
    """Whatever anybody sends on the channel is at most too much to look at again."""
    assert change_of(payload, "mine") == change


class Hearing(OnDatabase):
    """A store that hears."""

    async def hearing(self):
        """Return an open store and the list of what it heard."""
        heard = []
        store = self.make_store()
        store.hear(heard.append)
        await store.open()
        self.addCleanup(store.close)
        return store, heard

    async def filled(self):
        """Return the same, with a row of each kind that another store added, and nothing heard."""
        other = await self.opened()
        await other.add_users([make_user(id=1), make_user(id=2, passkey="passkey-2")])
        await other.add_torrents([make_torrent(1)])
        await other.save_whitelisted("-TR40", "Transmission 4")
        for table in ("users", "roles", "torrents", "whitelist"):
            columns = self.sql(
                "SELECT column_name FROM information_schema.columns "
                f"WHERE table_name = '{table}' AND is_nullable = 'NO' AND column_default IS NULL "
                "AND data_type IN ('bigint', 'integer', 'boolean', 'text')"
            )
            self.sql(*(f'ALTER TABLE {table} ALTER "{column}" DROP NOT NULL' for (column,) in columns))
        return other, *await self.hearing()


class TestListening(Hearing, TestCase):
    """On the server that is shared."""

    async def test_each_kind_of_change_is_heard(self):
        """Of each table: what is new, changed, gone, and everything at once."""
        _, _, heard = await self.filled()
        for statement, change in CHANGES:
            self.sql(statement)
            await self.until(lambda: heard, seconds=10)
            self.assertEqual(heard, [change], statement)
            heard.clear()

    async def test_new_key_is_told_with_the_old(self):
        """An id that was changed is two users to look at."""
        _, _, heard = await self.filled()
        self.sql("UPDATE users SET id = 8 WHERE id = 1")
        await self.until(lambda: len(heard) == 2)
        self.assertEqual(heard, [Change("user", 1), Change("user", 8)])

    async def test_batches_and_own_calls_are_not_heard(self):
        """Nobody hears what is counted; the other node hears what the API of this one changes."""
        other, store, heard = await self.filled()
        await store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))]))
        await other.apply_users(UserBatch(Mark("b", 1), [(1, Totals(uploaded=1))]))
        await other.apply_torrents(TorrentBatch(Mark("b", 1), [(HASH, Totals(uploaded=1))], [(HASH, 1)]))
        await store.save_user(make_user(id=2, passkey="passkey-2", enabled=False), Totals(uploaded=1))
        await store.save_whitelisted("-TR41", "another")
        await store.save_role(Role(0, "vip"))
        await other.save_user(make_user(id=1, enabled=False), Totals(uploaded=1))
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change("user", 1)])

    async def test_change_of_very_many_rows_is_told_as_one(self):
        """A thousand by their keys, the rest as a change of all."""
        other, _, heard = await self.filled()
        await other.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(10, 3010)])
        await self.until(lambda: Change("user") in heard)
        self.assertEqual(len(heard), 1001)

    async def test_undone_change_is_not_heard(self):
        """A transaction that was rolled back changed nothing."""
        _, _, heard = await self.filled()
        self.sql("BEGIN; UPDATE users SET enabled = false; ROLLBACK")
        self.sql("UPDATE users SET enabled = false WHERE id = 2")
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change("user", 2)])

    async def test_lost_connection_tells_that_something_may_have_been_missed(self):
        """Once it is back: each kind with no key, and then what changes."""
        _, _, heard = await self.filled()
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN mika' AND datname = '{}'"
        self.assertEqual(self.sql(cut.format(self.name)), [(True,)])
        await self.until(lambda: heard)
        self.assertEqual(heard, ALL)
        self.sql("UPDATE users SET enabled = false WHERE id = 2")
        await self.until(lambda: len(heard) > 4)
        self.assertEqual(heard[4:], [Change("user", 2)])

    async def test_nothing_is_told_after_close(self):
        """A change and a close at the same moment."""
        _, store, heard = await self.filled()
        self.sql("UPDATE users SET enabled = false WHERE id = 2")
        closed = store.close()
        before = list(heard)
        await closed
        self.assertEqual(heard, before)
        self.assertEqual(
            self.sql(f"SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN mika' AND datname = '{self.name}'"), []
        )

    async def test_many_open_and_close(self):
        """A store that is closed at once leaves no thread and no connection."""
        for _ in range(3):
            store, _ = await self.hearing()
            await gatherResults([store.close(), store.close()])


class TestOutage(Hearing, TestCase):
    """On a server of the test's own, which goes away."""

    def setUp(self):
        """Start it."""
        own = PostgreSQL()
        own.start()
        self.addCleanup(own.remove)
        self.server = lambda: own

    async def test_server_that_was_restarted_is_heard_again(self):
        """What was changed meanwhile is not known, so everything may have been."""
        _, _, heard = await self.filled()
        self.server().stop()
        self.server().start()
        await self.until(lambda: heard)
        self.assertEqual(heard, ALL)
        self.sql("UPDATE users SET enabled = false WHERE id = 2")
        await self.until(lambda: len(heard) > 4)

    async def test_store_is_closed_while_the_server_is_away(self):
        """It does not wait for the server."""
        _, store, heard = await self.filled()
        self.server().stop()
        started = time.monotonic()
        await store.close()
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(heard, [])
        self.server().start()
