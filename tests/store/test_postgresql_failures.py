"""PostgreSQL that is away, hangs, refuses, or holds something else: one clear line each, and no password in it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import psycopg2
import pytest
from ports import free_port
from servers.postgresql import PASSWORD, OnDatabase, PostgreSQL, server
from sqlalchemy.exc import OperationalError
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.interfaces import Mark, PeerBatch, UserBatch
from mika.model import Totals
from mika.store.postgresql import Postgresql
from mika.store.sql import SqlStore
from mika.testing.subjects import make_peer, make_user, peers_of

CODES = {
    "25006": "takes no changes, it is read-only or a standby: name the primary server, or let mika's user write.",
    "28P01": "refuses the user mika or its password: correct them in the URL.",
    "42501": "does not let mika's user do this: make it the owner, ALTER DATABASE d OWNER TO mika.",
    "53100": "cannot grow: the disk of its server is full.",
    "53300": "has no connection left: raise max_connections of PostgreSQL, or end other programs' connections.",
    "55P03": "is locked by another program: let that one finish, or stop it.",
    "57014": "did not answer in time: look whether its server hangs, or is overloaded.",
    "57P01": "ended the connection: look into PostgreSQL's log if that was not you.",
    "57P03": "is starting or stopping: it is tried again.",
    "22001": "failed: a value was refused, string data right truncation.",
    "42P01": "failed: as PostgreSQL {says} it.",
}

WORDS = {
    'FATAL:  password authentication failed for user "mika"\n': "refuses the user mika or its password: ",
    'FATAL:  database "d" does not exist\n': "is not there: create it with CREATE DATABASE d OWNER mika.",
    'FATAL:  role "mika" does not exist\n': "refuses the user mika or its password: ",
    "FATAL:  sorry, too many clients already\n": "has no connection left: ",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.7"\n': "does not admit the user mika from this machine: ",
    "FATAL:  the database system is starting up\n": "is starting or stopping: ",
    'could not translate host name "db" to address: Name or service not known\n': "cannot be reached: there is no such",
    'connection to server at "127.0.0.1", port 1 failed: timeout expired\n': "did not answer in time: ",
    "server closed the connection unexpectedly\n\tThis probably means\n": "ended the connection: ",
    'connection to server at "postgis", port 1 failed: Connection refused\n\tIs': "cannot be reached, nothing ",
    'FATAL:  permission denied for database "d"\nDETAIL: none': 'failed: permission denied for database "d".',
    "SSL error: certificate verify failed\n": "failed: SSL error: certificate verify failed.",
    'extension "postgis" is not available\nDETAIL: none': "lacks PostGIS: install it on the server (Debian: ",
}


def _error(words, code=None):
    class Error(psycopg2.OperationalError):
        pgcode = code

    return Error(words)


@pytest.mark.parametrize(("code", "words"), CODES.items())
def test_code_of_the_server_in_words(code, words):
    """Bare, or as SQLAlchemy wraps it with statement and values."""
    error = _error("as PostgreSQL {says} it.\nDETAIL:  Key (passkey)=(secret) already exists.", code)
    for each in (error, OperationalError("UPDATE users", {"passkey": "secret"}, error)):
        assert Postgresql("postgresql://mika:secret@h/d").words(each) == f"The database h/d {words}"


@pytest.mark.parametrize(("said", "words"), WORDS.items())
def test_words_of_the_library(said, words):
    """Before there is a connection, there are no codes."""
    found = Postgresql("postgresql://mika:secret@h/d").words(_error(said))
    assert found.startswith(f"The database h/d {words}")
    assert "\n" not in found


def test_old_server_is_refused_in_words():
    """9.6 has what we use under other names, or not at all."""
    connection = SimpleNamespace(connection=SimpleNamespace(driver_connection=SimpleNamespace(server_version=90624)))
    with pytest.raises(StoreError) as caught:
        Postgresql("postgresql://h/d").lock_schema(connection)
    assert str(caught.value) == "The database h/d is of PostgreSQL 9: mika needs version 10 or later."


class Refused(OnDatabase):
    """What a store says."""

    async def refusal(self, answer, seconds=10):
        """Return the words that `answer` fails with, soon: one line about the database, without the password."""
        started = time.monotonic()
        with self.assertRaises(StoreError) as caught:
            await answer
        self.assertLess(time.monotonic() - started, seconds)
        words = str(caught.exception)
        self.assertNotIn(PASSWORD, words)
        self.assertRegex(words, r"\AThe database 127\.0\.0\.1:\d+/\w+ [^\n]+\.\Z")
        return words.partition(" ")[2].partition(" ")[2].partition(" ")[2]

    async def refused_open(self, url):
        """Return the words with which this URL cannot be opened; what was begun is let go of."""
        return await self.refusal(SqlStore(Postgresql(url), reactor).open())


class TestOpening(Refused, TestCase):
    """On the server that is shared."""

    async def test_wrong_port(self):
        """Nothing listens there."""
        words = await self.refused_open(server().url(self.name, port=free_port()))
        self.assertEqual(words, "cannot be reached, nothing listens there: start PostgreSQL, or correct host and port.")

    async def test_wrong_password_and_user(self):
        """They are told alike, as the server does."""
        for user, password in (("mika", "wrong"), ("nobody", PASSWORD)):
            words = await self.refused_open(server().url(self.name, user=user, password=password))
            self.assertEqual(words, f"refuses the user {user} or its password: correct them in the URL.")

    async def test_no_such_database(self):
        """What to type is said."""
        words = await self.refused_open(server().url("nowhere"))
        self.assertEqual(words, "is not there: create it with CREATE DATABASE nowhere OWNER mika.")

    async def test_postgis_that_an_ordinary_user_may_not_install(self):
        """A superuser has to; then it works."""
        self._name = server().database(template="template1")
        self.addCleanup(server().drop, self._name)
        words = await self.refused_open(server().url(self.name))
        self.assertEqual(
            words,
            "lacks PostGIS: install it on the server (Debian: postgresql-postgis), and have a superuser run "
            f"CREATE EXTENSION postgis in the database {self.name}.",
        )
        self.assertEqual(self.sql("SELECT relname FROM pg_class WHERE relname = 'users'"), [])
        self.sql("CREATE EXTENSION postgis")
        await self.opened()

    async def test_postgis_is_installed_where_that_is_allowed(self):
        """A superuser's URL needs nothing but a database."""
        self._name = server().database(template="template1")
        self.addCleanup(server().drop, self._name)
        store = SqlStore(Postgresql(server().url(self.name, user="postgres")), reactor)
        await store.open()
        await store.close()
        self.assertEqual(self.sql("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'"), [(1,)])

    async def test_database_of_somebody_else(self):
        """Its owner lets nobody else make tables in it."""
        self._name = server().database(owner="postgres")
        self.addCleanup(server().drop, self._name)
        words = await self.refused_open(server().url(self.name))
        self.assertIn("make it the owner, ALTER DATABASE", words)

    async def test_read_only_database(self):
        """At open, whether or not there is something to upgrade; and while it runs, once it is so."""
        store = await self.opened()
        self.sql(f"ALTER DATABASE {self.name} SET default_transaction_read_only = on")
        words = CODES["25006"]
        self.assertEqual(await self.refused_open(server().url(self.name)), words)
        cut = (
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}' AND usename = 'mika'"
        )
        self.sql(cut)
        self.assertEqual(await self.refusal(store.add_users([make_user()])), words)
        server().sql(f"ALTER DATABASE {self.name} RESET default_transaction_read_only", database="postgres")
        await store.add_users([make_user()])

    async def test_no_connection_left(self):
        """Others have them all."""
        self.sql(f"ALTER DATABASE {self.name} CONNECTION LIMIT 0")
        self.assertIn("has no connection left: ", await self.refused_open(server().url(self.name)))

    async def test_newer_schema_is_refused_in_words(self):
        """A database that a later mika wrote is not touched."""
        await (await self.opened()).close()
        self.sql("UPDATE alembic_version SET version_num = '0815'")
        words = await self.refused_open(server().url(self.name))
        self.assertEqual(
            words,
            "was written by a newer mika (its schema is 0815): install that version again, or name another database.",
        )

    async def test_refused_open_can_be_tried_again(self):
        """A server that comes later is there then."""
        self.sql(f"ALTER DATABASE {self.name} CONNECTION LIMIT 0")
        store = self.make_store()
        await self.refusal(store.open())
        self.sql(f"ALTER DATABASE {self.name} CONNECTION LIMIT -1")
        await store.open()
        self.addCleanup(store.close)
        self.assertEqual(len(await store.list_roles()), 1)

    async def test_words_have_no_values(self):
        """A passkey that was about to be written is not in the error, however it is printed."""
        store = await self.opened()
        self.sql("ALTER TABLE users RENAME TO others")
        failures = []
        await store.add_users([make_user(passkey="very-secret-passkey")]).addErrback(failures.append)
        (failure,) = failures
        self.assertIn('relation "users" does not exist', str(failure.value))
        for text in (failure.getTraceback(detail="verbose"), repr(failure.value.__context__)):
            self.assertNotIn("very-secret-passkey", text)
            self.assertNotIn(PASSWORD, text)

    async def test_locked_row_is_told(self):
        """Somebody holds a row and does not let go."""
        store = await self.opened()
        await store.add_users([make_user(id=1)])
        other = server().connect(self.name)
        self.addCleanup(other.close)
        other.cursor().execute("BEGIN; UPDATE users SET uploaded = 1")
        words = await self.refusal(store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))])), seconds=15)
        self.assertEqual(words, CODES["55P03"])
        self.assertEqual(await store.last_number("users", "a"), 0)


class TestOutage(Refused, TestCase):
    """On a server of the test's own."""

    def setUp(self):
        """Start it."""
        own = PostgreSQL()
        own.start()
        self.addCleanup(own.remove)
        self.server = lambda: own

    async def test_server_that_was_restarted_is_used_at_once(self):
        """No call fails for connections that were lost while nobody used them."""
        store = await self.opened()
        await store.add_users([make_user(id=1)])
        for stop in (self.server().stop, self.server().kill):
            stop()
            self.server().start()
            self.assertEqual((await store.user_by_id(1)).id, 1)
            await store.list_roles()
        await store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))]))

    async def test_stopped_server_is_told_soon(self):
        """Each call fails at once and in words, until it is back; then all is as it was."""
        store = await self.opened()
        await store.add_users([make_user(id=1)])
        self.server().stop()
        batch = UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))])
        for _ in range(2):
            for ask in (store.list_roles, lambda: store.apply_users(batch), lambda: store.last_number("users", "a")):
                self.assertIn("cannot be reached", await self.refusal(ask(), seconds=2))
        self.server().start()
        await store.apply_users(batch)
        self.assertEqual((await store.user_by_id(1)).totals, Totals(uploaded=1))

    async def test_standby_is_refused_until_it_is_the_primary(self):
        """It is told which server to name; promoted, it has what the primary had."""
        store = await self.opened()
        await store.add_users([make_user(id=1)])
        await store.close()
        standby = PostgreSQL(primary=self.server())
        self.addCleanup(standby.remove)
        standby.start()
        self.assertEqual(await self.refused_open(standby.url(self.name)), CODES["25006"])
        both = f"{standby.url(self.name)}?host=127.0.0.1:{standby.port}&host=127.0.0.1:{self.server().port}"
        both = both.replace(f"@127.0.0.1:{standby.port}", "@") + "&target_session_attrs=read-write"
        store = SqlStore(Postgresql(both), reactor)
        await store.open()
        self.addCleanup(store.close)
        await store.apply_users(UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))]))
        caught_up = "SELECT pg_last_wal_replay_lsn() >= '{}'"
        ((reached,),) = self.server().sql("SELECT pg_current_wal_lsn()", database="postgres")
        await self.until(lambda: standby.sql(caught_up.format(reached), database="postgres") == [(True,)])
        self.server().stop()
        standby.promote()
        await store.apply_users(UserBatch(Mark("a", 2, 1), [(1, Totals(uploaded=1))]))
        self.assertEqual((await store.user_by_id(1)).totals, Totals(uploaded=2))
        self.server().start()

    async def test_server_that_hangs_is_given_up(self):
        """Its machine takes what is sent, and never answers: no time-out of the server's own ends that."""
        store = self.make_store()
        store._dialect.patience.seconds = 1.0
        await store.open()
        self.addCleanup(store.close)
        await store.add_users([make_user(id=1)])
        batch = UserBatch(Mark("a", 1), [(1, Totals(uploaded=1))])
        self.server().pause()
        try:
            words = await self.refusal(store.apply_users(batch), seconds=10)
            self.assertEqual(words, CODES["57014"])
            words = await self.refusal(store.last_number("users", "a"), seconds=10)
            self.assertEqual(words, CODES["57014"])
        finally:
            self.server().resume()
        self.assertEqual(await store.last_number("users", "a"), 0)
        await store.apply_users(batch)
        self.assertEqual((await store.user_by_id(1)).totals, Totals(uploaded=1))

    async def test_frozen_server_is_given_up_at_commit_and_copy(self):
        """Whatever it is that takes too long, also while peers are loaded."""
        store = self.make_store()
        store._dialect.patience.seconds = 1.0
        await store.open()
        self.addCleanup(store.close)
        peers = [make_peer(number) for number in range(30_000)]
        await store.apply_peers(PeerBatch(Mark("a", 1), [(b"h" * 20, peer) for peer in peers], []))
        seen = []

        def keep(some):
            if not seen:
                self.server().pause()
            seen.extend(some)

        try:
            words = await self.refusal(store.load_peers(keep), seconds=20)
            self.assertEqual(words, CODES["57014"])
        finally:
            self.server().resume()
        self.assertLess(len(seen), 30_000)
        store._dialect.patience.seconds = 60.0
        self.assertEqual(len(await peers_of(store)), 30_000)
