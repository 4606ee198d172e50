"""The SQL store on a real PostgreSQL with PostGIS: the contract, its batches, its schema, and its URLs."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from types import SimpleNamespace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg2 import OperationalError
from servers.postgresql import PASSWORD, OnDatabase, server
from sqlalchemy import create_engine, event, insert
from twisted.internet.defer import DeferredList
from twisted.trial.unittest import TestCase

from mika.errors import ConfigError, ConflictError, OutOfStepError, StoreError
from mika.interfaces import Change, Circle, Mark, PeerBatch, UserBatch
from mika.model import Role, Totals
from mika.store import peer_rows, postgresql, schema
from mika.store.point import Point
from mika.store.postgresql import Postgresql
from mika.store.schema import metadata
from mika.testing import StoreContract
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of

URLS = {
    "postgresql://mika:secret@db/mika": "The database db/mika",
    "postgres://db:5433/mika?sslmode=require": "The database db:5433/mika",
    "postgresql+psycopg2://mika@/mika": "The database localhost/mika",
    "postgresql:///mika?host=/run/postgresql": "The database /run/postgresql/mika",
    "postgresql://mika:secret@/mika?host=a:5432&host=b:5432": "The database a:5432,b:5432/mika",
    "postgresql://mika:sec/ret@db/mika": "The database db/mika",
    "postgresql://mika:se%40cret%2F@[::1]:5432/mika": "The database ::1:5432/mika",
}

NO_URLS = {
    "postgresql+asyncpg://mika:secret@db/mika": "postgresql+asyncpg: is not a driver that mika has: ",
    "postgresql:mika": "the postgresql URL cannot be read: ",
    "postgresql://mika:secret@db:port/mika": "the postgresql URL cannot be read: ",
    "postgresql://mika:secret@db": "the postgresql URL names no database: ",
    "postgresql://mika:secret@db/": "the postgresql URL names no database: ",
    "postgresql://mika:sec@ret@db/mika": "the postgresql URL cannot be read: ",
    "postgresql://mika:secret@db/mika?wal=secret": "the postgresql URL has a parameter that PostgreSQL does not know: ",
}


@pytest.mark.parametrize(("url", "place"), URLS.items())
def test_url_names_a_database(url, place):
    """The place is what an operator reads: without user and password."""
    dialect = Postgresql(url)
    assert dialect.place == place
    assert dialect._arguments["connect_timeout"] == 5
    if "se%40" in url:
        assert (dialect._arguments["password"], dialect._arguments["host"]) == ("se@cret/", "::1")


@pytest.mark.parametrize(("url", "words"), NO_URLS.items())
def test_url_that_names_none(url, words):
    """It is refused in one line, before anything is connected, and the password is not in it."""
    with pytest.raises(ConfigError) as caught:
        Postgresql(url)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
    assert "sec" not in str(caught.value)
    assert "ret@" not in str(caught.value)


def test_batches_of_two_kinds_that_begin_at_once_have_tables_of_their_own(monkeypatch):
    """Another thread comes between: a connection that serves both later must not take one table for the other."""
    dialect, names = Postgresql("postgresql://h/d"), []
    connection = SimpleNamespace(exec_driver_sql=lambda *_, **__: None, execute=lambda _: None)

    def merge(_connection, statement, _names, name):
        names.append(name)
        if len(names) == 1:
            dialect.execute_all(connection, insert(schema.users), ["id"], [(1,)])
        return postgresql._Merge("", "", statement, 0)

    monkeypatch.setattr(postgresql, "_merge", merge)
    dialect.execute_all(connection, insert(schema.peers), ["user_id"], [(1,)])
    assert len(set(names)) == len(names) == 2


class TestPostgresql(OnDatabase, StoreContract, TestCase):
    """The contract, on PostgreSQL."""

    hears = 2.0


class TestBatches(OnDatabase, TestCase):
    """What only a server can do to a batch."""

    async def filled(self, count=2):
        """Return a store with users."""
        store = await self.opened()
        await store.add_users([make_user(id=number, passkey=f"passkey-{number}") for number in range(1, count + 1)])
        return store

    async def test_deadlock_is_tried_again(self):
        """A transaction that the server undid because it and another waited for each other is written once."""
        store = await self.filled()
        with closing(server().connect(self.name)) as other, other.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '1min'; BEGIN; UPDATE users SET uploaded = 100 WHERE id = 2")
            growth = [(1, Totals(uploaded=1)), (2, Totals(uploaded=1))]
            written = store.apply_users(UserBatch(Mark("a", 1), growth))
            await self.until(lambda: self.sql("SELECT 1 FROM pg_locks WHERE NOT granted"))
            thread = threading.Thread(target=cursor.execute, args=("UPDATE users SET uploaded = 100 WHERE id = 1",))
            thread.start()
            await self.until(lambda: not thread.is_alive())
            cursor.execute("COMMIT")
            await written
        self.assertEqual(self.sql("SELECT uploaded FROM users"), [(101,), (101,)])
        self.assertEqual(await store.last_number("users", "a"), 1)
        deadlocks = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{self.name}'"
        await self.until(lambda: self.sql(deadlocks) == [(1,)])

    async def test_two_nodes_in_turn_on_the_same_rows(self):
        """Their growth adds up, whoever comes first; rows are locked in one order."""
        one = await self.filled(500)
        other = await self.opened()
        growth = [(number, Totals(uploaded=1)) for number in range(1, 501)]
        answers = []
        for store, instance in ((one, "a"), (other, "b"), (one, "c"), (other, "d")):
            given = growth if instance in "ac" else growth[::-1]
            answers.append(store.apply_users(UserBatch(Mark(instance, 1), given)))
        for answer in answers:
            await answer
        self.assertEqual(self.sql("SELECT DISTINCT uploaded FROM users"), [(4,)])

    async def test_equal_keys_in_one_batch_all_count(self):
        """PostgreSQL's UPDATE ... FROM would take one row of each user, and say nothing."""
        store = await self.filled()
        growth = [(1, Totals(uploaded=1)), (1, Totals(uploaded=10)), (2, Totals(uploaded=5)), (1, Totals(uploaded=100))]
        await store.apply_users(UserBatch(Mark("a", 1), growth))
        self.assertEqual(self.sql("SELECT uploaded FROM users ORDER BY id"), [(111,), (5,)])

    async def test_peer_that_is_twice_in_a_batch(self):
        """The later one stays, as in the other stores."""
        store = await self.opened()
        peers = [(b"h" * 20, make_peer(1, uploaded=number)) for number in range(3)]
        await store.apply_peers(PeerBatch(Mark("a", 1), peers, []))
        self.assertEqual([peer.uploaded for _, peer in await peers_of(store)], [2])

    async def test_batch_of_a_long_outage(self):
        """More rows than go together at a time are still one transaction."""
        store = await self.filled(10)
        growth = [(number % 30_000 + 1, Totals(uploaded=1)) for number in range(60_000)]
        self.sql("ALTER TABLE users ADD CONSTRAINT few CHECK (uploaded < 1 OR id < 10)")
        with self.assertRaises(StoreError):
            await store.apply_users(UserBatch(Mark("a", 1), growth))
        self.assertEqual(self.sql("SELECT sum(uploaded) FROM users"), [(0,)])
        self.sql("ALTER TABLE users DROP CONSTRAINT few")
        await store.apply_users(UserBatch(Mark("a", 1), growth))
        self.assertEqual(self.sql("SELECT DISTINCT uploaded FROM users"), [(2,)])

    async def test_same_torrent_from_two_nodes_at_once(self):
        """One adds it, the other is told that it is there."""
        stores = [await self.opened() for _ in range(3)]
        for number in range(1, 30):
            answers = [store.add_torrents([make_torrent(number)]) for store in stores]
            results = await DeferredList(answers, consumeErrors=True)
            self.assertEqual(sorted(done for done, _ in results), [False, False, True])
            for done, result in results:
                if not done:
                    self.assertIsInstance(result.value, ConflictError)

    async def test_first_batches_that_cross(self):
        """Of two with the same mark one is written, the other is out of step."""
        store = await self.filled()
        for number in range(20):
            batch = UserBatch(Mark(f"node {number}", 1), [(1, Totals(uploaded=1))])
            results = await DeferredList([store.apply_users(batch), store.apply_users(batch)], consumeErrors=True)
            self.assertEqual(sorted(done for done, _ in results), [False, True])
            ((_, failure),) = [result for result in results if not result[0]]
            self.assertIsInstance(failure.value, OutOfStepError)
        self.assertEqual(self.sql("SELECT uploaded FROM users WHERE id = 1"), [(20,)])

    async def test_batch_whose_answer_was_lost_is_out_of_step(self):
        """The server has committed and nobody was told: tried again it changes nothing; the number says so."""
        store = await self.filled()
        dialect = store._database._source.dialect
        commit = dialect.do_commit

        def lost(connection):
            commit(connection)
            raise OperationalError("server closed the connection unexpectedly")

        self.patch(dialect, "do_commit", lost)
        batch = UserBatch(Mark("a", 1), [(1, Totals(uploaded=7))])
        with self.assertRaises(StoreError) as caught:
            await store.apply_users(batch)
        self.assertNotIsInstance(caught.exception, OutOfStepError)
        self.assertIn("ended the connection", str(caught.exception))
        self.patch(dialect, "do_commit", commit)
        with self.assertRaises(OutOfStepError):
            await store.apply_users(batch)
        self.assertEqual(await store.last_number("users", "a"), 1)
        self.assertEqual(self.sql("SELECT uploaded FROM users WHERE id = 1"), [(7,)])

    async def test_row_that_the_server_refuses_takes_the_batch_with_it(self):
        """Nothing of it is there, the mark neither, and its temporary table is empty for the next."""
        store = await self.filled()
        self.sql("ALTER TABLE users ADD CONSTRAINT few CHECK (uploaded < 10)")
        with self.assertRaises(StoreError) as caught:
            await store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(uploaded=1)), (2, Totals(uploaded=10))]))
        self.assertIn('violates check constraint "few"', str(caught.exception))
        self.assertEqual(await store.last_number("users", "a"), 0)
        await store.apply_users(UserBatch(Mark("a", 1), [(2, Totals(uploaded=3))]))
        self.assertEqual(self.sql("SELECT uploaded FROM users ORDER BY id"), [(0,), (3,)])

    async def test_values_that_text_cannot_hold(self):
        """NUL, half a surrogate, and too large a number are refused in words without the value."""
        store = await self.filled()
        for wrong, words in (
            ({"name": "secret\0"}, "NUL"),
            ({"name": "secret\ud800"}, "not Unicode"),
            ({"role": 2**63, "name": "secret"}, "out of range"),
            ({"passkey": "secret-" * 20}, "too long|right truncation"),
        ):
            with self.assertRaises(StoreError) as caught:
                await store.add_users([make_user(**wrong)])
            self.assertRegex(str(caught.exception), words)
            self.assertNotIn("secret", str(caught.exception))
        await store.add_users([make_user(name="a\tb\\c\n\r'\"%s%%")])
        self.assertEqual((await store.user_by_passkey("passkey-0")).name, "a\tb\\c\n\r'\"%s%%")

    async def test_chosen_ids_are_stepped_around(self):
        """A site adds rows under ids of its own; ours come after them, also when theirs are gone again."""
        store = await self.opened()
        columns, facts = "(id, name, passkey, role, enabled, download_enabled, upload_enabled)", "1, true, true, true"
        self.sql(*(f"ALTER TABLE users ALTER {each} SET DEFAULT 0" for each in _NUMBERS))
        self.sql(f"INSERT INTO users {columns} VALUES (41, 'x', 'passkey-41', {facts}), (7, 'y', 'passkey-7', {facts})")
        self.sql("DELETE FROM users WHERE id = 41")
        (user,) = await store.add_users([make_user()])
        self.assertEqual(user.id, 42)
        self.sql("INSERT INTO roles VALUES (9, 'vip', 0, 1, 1, true, true, NULL, NULL)")
        self.assertEqual((await store.save_role(Role(0, "new"))).id, 10)

    async def test_site_with_few_rights_adds_a_user(self):
        """Rights on the table are enough; its own id is stepped around, and heard."""
        heard = []
        store = self.make_store()
        store.hear(heard.append)
        await store.open()
        self.addCleanup(store.close)
        await store.add_users([make_user(id=1)])
        self.sql(
            f"CREATE ROLE site LOGIN PASSWORD '{PASSWORD}'",
            "GRANT SELECT, INSERT, UPDATE ON users TO site",
        )
        self.sql(
            "CREATE TEMPORARY TABLE new AS SELECT * FROM users; UPDATE new SET id = 5, passkey = 'passkey-5'; "
            "INSERT INTO users SELECT * FROM new",
            user="site",
        )
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change("user", 5)])
        self.assertEqual((await store.add_users([make_user(passkey="passkey-6")]))[0].id, 6)


_NUMBERS = (
    *("multiplier_up", "multiplier_down", "created_at", "updated_at", "uploaded", "downloaded", "uploaded_real"),
    *("downloaded_real", "bonus", "seed_seconds", "announces", "completed"),
)

_OPEN = """
import sys
from twisted.internet import task
from mika.store.postgresql import Postgresql
from mika.store.sql import SqlStore

async def main(reactor):
    store = SqlStore(Postgresql(sys.argv[1]), reactor)
    sys.stdin.readline()
    await store.open()
    print(len(await store.list_roles()))
    await store.close()

task.react(main)
"""


class TestSchema(OnDatabase, TestCase):
    """What the steps make."""

    async def test_steps_and_metadata_agree(self):
        """Alembic finds nothing to do, but for PostGIS' own table and the index that only PostgreSQL has."""
        await self.opened()
        source = create_engine(
            "postgresql+psycopg2://", creator=lambda: server().connect(self.name), isolation_level="AUTOCOMMIT"
        )
        self.patch(
            source.dialect, "ischema_names", source.dialect.ischema_names | {"geography": lambda *_, **__: Point()}
        )
        with source.connect() as connection:
            options = {
                "include_name": lambda name, kind, _: kind != "table" or name in metadata.tables,
                "include_object": lambda thing, name, kind, reflected, other: name != "ix_peers_location",
                "compare_type": lambda context, inspected, column, here, there: (
                    False if isinstance(there, Point) else None
                ),
            }
            self.assertEqual(compare_metadata(MigrationContext.configure(connection, opts=options), metadata), [])
        source.dispose()

    async def test_columns_and_indices(self):
        """Places are geography with a GiST index, hashes bytea, totals bigint."""
        await self.opened()
        kinds = dict(
            self.sql(
                "SELECT attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid IN ('peers'::regclass, 'users'::regclass, 'torrents'::regclass) AND attnum > 0"
            )
        )
        self.assertEqual(kinds["peers.location"], "geography(Point,4326)")
        self.assertEqual((kinds["peers.info_hash"], kinds["torrents.info_hash"]), ("bytea", "bytea"))
        self.assertEqual({kinds[f"users.{name}"] for name in ("id", "uploaded", "bonus", "created_at")}, {"bigint"})
        ((index,),) = self.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_peers_location'")
        self.assertIn("USING gist (location)", index)

    async def test_peers_near_a_place_are_found_by_the_index(self):
        """PostGIS looks where the place is, not at everybody."""
        store = await self.opened()
        peers = [make_peer(number, location=(number / 120 - 80, number / 60 - 170)) for number in range(20_000)]
        await store.apply_peers(PeerBatch(Mark("a", 1), [(b"h" * 20, peer) for peer in peers], []))
        self.sql("ANALYZE peers")
        seen = []
        source = store._database._source
        with source.connect() as connection:
            event.listen(source, "before_cursor_execute", lambda *given: seen.append(given[2:4]))
            found = peer_rows.near(connection, b"h" * 20, Circle(-79.0, -168.0, 500))
            self.assertEqual([user_id for user_id, _ in found], [120])
            ((statement, values),) = seen
            plan = "\n".join(line for (line,) in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
        self.assertIn("ix_peers_location", plan)

    def test_many_processes_start_at_once_on_an_empty_database(self):
        """One makes the tables, the others wait for it."""
        command = [sys.executable, "-c", _OPEN, server().url(self.name)]
        processes = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            for _ in range(3)
        ]
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        self.assertEqual([process.communicate(timeout=60)[0] for process in processes], ["1\n"] * 3)

    async def test_load_that_the_reader_ends(self):
        """What it raised is the answer, and the connection is not left in the middle of the rows."""
        store = await self.opened()
        peers = [make_peer(number) for number in range(30_000)]
        await store.apply_peers(PeerBatch(Mark("a", 1), [(b"h" * 20, peer) for peer in peers], []))

        def keep(some):
            raise RuntimeError("no more")

        for _ in range(6):
            with self.assertRaises(RuntimeError):
                await store.load_peers(keep)
        self.assertEqual(len(await peers_of(store)), 30_000)
        self.assertEqual(await store.last_number("peers", "a"), 1)

    async def test_peers_are_loaded_whatever_their_last_bytes(self):
        """The end of COPY's binary format is two bytes that a peer may end with too; and no peers are none."""
        store = await self.opened()
        self.assertEqual(await peers_of(store), [])
        peers = [make_peer(number, endpoint6=b"\xff" * 18, location=(90.0, -180.0)) for number in range(10_000)]
        await store.apply_peers(PeerBatch(Mark("a", 1), [(b"\xff" * 20, peer) for peer in peers], []))
        found = [peer for _, peer in await peers_of(store)]
        self.assertEqual(sorted(peer.user_id for peer in found), list(range(10_000)))
        self.assertEqual({(peer.endpoint6, peer.location) for peer in found}, {(b"\xff" * 18, (90.0, -180.0))})
