"""The SQL store on a real MariaDB server: the contract, what the server can do to it, and its errors in words."""

from __future__ import annotations

import pymysql
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ports import free_port
from servers.mariadb import mariadb
from servers.on_mariadb import OnServer
from sqlalchemy.exc import IntegrityError, OperationalError
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from mika.interfaces import Circle, Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import Totals
from mika.store.mysql import Mysql
from mika.store.schema import metadata, metadata_for
from mika.store.sql import SqlStore
from mika.testing import StoreContract
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of, user_facts


class TestMysqlStore(StoreContract, TestCase):
    """The contract, on MariaDB."""

    hears = 2.0

    def make_store(self):
        """Return a store on the test's database."""
        self.database = getattr(self, "database", None) or mariadb().fresh()
        return SqlStore(Mysql(mariadb().url(self.database), poll_interval=0.2), reactor)


class TestValues(OnServer):
    """What a column must keep as it is."""

    async def test_text_is_kept_and_keys_differ_by_every_byte(self):
        """All of Unicode; and passkeys and prefixes that differ by case, an accent or a space behind are two."""
        store = await self.opened()
        keys = ["passkey-a", "passkey-A", "passkey-a ", "passkey-\u00e4", "passkey-\U0001f600"]
        names = [f"\U0001f600 'quoted\" \\ %s %(a)s :b {key} " for key in keys]
        users = [make_user(passkey=key, name=name, remote_id=name) for key, name in zip(keys, names, strict=True)]
        await store.add_users(users)
        for user in users:
            self.assertEqual(user_facts(await store.user_by_passkey(user.passkey)), user_facts(user))
            await store.save_whitelisted(user.passkey, user.name)
        self.assertIsNone(await store.user_by_passkey("passkey-a  "))
        self.assertEqual(await store.whitelist(), dict(zip(keys, names, strict=True)))
        await store.add_torrents([make_torrent(1, name=names[4], reason=names[4])])
        found = await store.torrent(make_torrent(1).info_hash)
        self.assertEqual((found.name, found.reason), (names[4], names[4]))

    async def test_bytes_are_kept(self):
        """Every byte, at the ends too, as the first, in hashes, peer ids, keys and addresses."""
        store = await self.opened()
        present = []
        for byte in (0, 32, 39, 92, 255):
            peer = make_peer(1, key=bytes([byte]) * 64, endpoint4=bytes([byte]) * 6, endpoint6=bytes([byte]) * 18)
            peer.peer_id = bytes([byte]) * 20
            present.append((bytes([byte]) * 20, peer))
        await store.apply_peers(PeerBatch(Mark("a", 1), present, []))
        found = sorted((hash_, peer.peer_id, peer.key, peer.endpoint4) for hash_, peer in await peers_of(store))
        self.assertEqual(found, [(hash_, peer.peer_id, peer.key, peer.endpoint4) for hash_, peer in present])
        gone = [(hash_, 1, peer.peer_id) for hash_, peer in present]
        await store.apply_peers(PeerBatch(Mark("a", 2, 1), [], gone))
        self.assertEqual(await peers_of(store), [])

    async def test_value_that_no_column_holds(self):
        """It is refused in words, not cut, and what comes after it works."""
        store = await self.opened()
        for wrong in ({"role": 2**63}, {"name": "\ud800"}, {"passkey": "x" * 257}, {"name": None}):
            await self.refusal(store.add_users([make_user(**wrong)]))
        self.assertEqual(await store.list_users(0, 10), [])
        await store.add_users([make_user()])

    async def test_places(self):
        """At the poles, at 180 degrees, and unknown: those are nowhere, and so found in no circle."""
        places = [(90.0, 0.0), (-90.0, -180.0), (0.0, 180.0), (0.0, -180.0), (-89.999, 13.0), None, None]
        present = [(b"h" * 20, make_peer(number, location=place)) for number, place in enumerate(places)]
        store = await self.opened()
        await store.apply_peers(PeerBatch(Mark("a", 1), present, []))
        self.assertEqual({peer.user_id: peer.location for _, peer in await peers_of(store)}, dict(enumerate(places)))
        for circle, expected in (
            (Circle(89.99, 50.0, 2000.0), {0}),
            (Circle(-89.99, 50.0, 2000.0), {1, 4}),
            (Circle(-90.0, 0.0, 200.0), {1, 4}),
            (Circle(0.0, 179.999, 200.0), {2, 3}),
            (Circle(0.0, -180.0, 1.0), {2, 3}),
            (Circle(0.0, 0.0, 21_000_000.0), {0, 1, 2, 3, 4}),
        ):
            found = await store.peers_near(b"h" * 20, circle)
            self.assertEqual({user for user, _ in found}, expected, circle)

    async def test_other_errors_than_a_row_that_is_there_are_not_swallowed(self):
        """A completer whom the database refuses for another reason takes the batch with it."""
        store = await self.opened()
        await store.add_torrents([make_torrent(1)])
        self.sql(
            "CREATE TRIGGER refused BEFORE INSERT ON completions FOR EACH ROW "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no ''passkey-0'' today'"
        )
        batch = TorrentBatch(Mark("a", 1), [(make_torrent(1).info_hash, Totals(1))], [(make_torrent(1).info_hash, 7)])
        self.assertEqual(await self.refusal(store.apply_torrents(batch)), "failed: no (error 1644).")
        self.assertEqual((await store.torrent(make_torrent(1).info_hash)).totals, Totals())
        self.assertEqual(await store.last_number("torrents", "a"), 0)
        self.sql("DROP TRIGGER refused")
        await store.apply_torrents(batch)
        self.assertEqual((await store.torrent(make_torrent(1).info_hash)).completers, {7})


class TestOpening(OnServer):
    """What a start finds."""

    async def test_what_a_start_can_say(self):
        """One clear line each."""
        other = f"{self.database}_other"
        self.sql(f"CREATE DATABASE {other}")
        url = self.server.url
        cases = (
            (url(self.database, password="wrong-s3cret"), "refuses the user or the password"),
            (url(self.database, user="nobody"), "refuses the user or the password"),
            (url(other), "does not allow this user what mika needs"),
            (url(f"{self.database}_none"), "does not allow this user"),
            (f"mysql://root@/none?unix_socket={self.server.socket}", "is not there: CREATE DATABASE it"),
            (f"mysql://root@127.0.0.1:{free_port()}/none", "cannot be reached (Connection refused): start the server"),
            ("mysql://root@/none?unix_socket=/none", "cannot be reached (No such file or directory)"),
            ("mysql://root@no-such-host.invalid/none", "cannot be reached (Name or service not known)"),
        )
        for case, words in cases:
            refusal = await self.refusal(self.store(case).open())
            self.assertIn(words, refusal, case)
            self.assertNotIn("wrong-s3cret", refusal)
        self.flushWarnings()  # PyMySQL leaves a socket to the garbage that found nobody

    async def test_read_only_server(self):
        """It is found at the start, and when it becomes so later."""
        store = await self.opened()
        self.sql("SET GLOBAL read_only = 1")
        try:
            words = await self.refusal(self.store().open())
            self.assertTrue(words.startswith("takes no writes, because its server is read-only"), words)
            words = await self.refusal(store.apply_users(UserBatch(Mark("a", 1), [])))
            self.assertTrue(words.startswith("takes no writes, because its server is read-only"), words)
        finally:
            self.sql("SET GLOBAL read_only = 0")
        await store.apply_users(UserBatch(Mark("a", 1), []))

    async def test_server_that_is_too_old(self):
        """Either kind has its own oldest version."""
        for version, name in (((10, 0, 38), "MariaDB 10.0.38"), ((5, 5, 68), "MariaDB 5.5.68")):
            dialect = Mysql(self.server.url(self.database))
            make = dialect.connect

            def connect(make=make, version=version):
                source = make()
                with source.connect():
                    source.dialect.server_version_info = version
                return source

            dialect.connect = connect
            words = await self.refusal(SqlStore(dialect, reactor).open())
            self.assertEqual(words, f"is of {name}: mika needs MySQL 5.7, MariaDB 10.1, or a newer one.")
        self.assertEqual(self.sql("SHOW TABLES"), ())

    async def test_no_connection_left(self):
        """The server's limit is named."""
        alter = "ALTER USER mika@localhost, mika@'127.0.0.1' WITH MAX_USER_CONNECTIONS"
        self.sql(f"{alter} 1")
        self.addCleanup(self.sql, f"{alter} 0")
        one = await self.opened()
        self.assertIn("has too many connections", await self.refusal(self.store().open()))
        await one.close()

    async def test_tables_of_another_program(self):
        """A site's own database is not touched, also not by a second try."""
        self.sql("CREATE TABLE users (id INT)", "CREATE TABLE posts (id INT)")
        for _ in range(2):
            words = await self.refusal(self.store().open())
            self.assertEqual(words, "has tables of another program (users): make a database for mika alone.")
            self.assertEqual(self.sql("SHOW TABLES"), (("posts",), ("users",)))

    async def test_newer_schema_is_refused_in_words(self):
        """A database that a later mika wrote is not touched."""
        await (await self.opened()).close()
        self.sql("UPDATE alembic_version SET version_num = '0815'")
        words = await self.refusal(self.store().open())
        self.assertTrue(words.startswith("was written by a newer mika (its schema is 0815): install"), words)

    async def test_steps_and_metadata_agree(self):
        """Alembic finds nothing to do; tables are of InnoDB and compare text by its code points."""
        await (await self.opened()).close()
        self.check_schema()

    def check_schema(self):
        """Check that the database is as the code wants it."""
        source = Mysql(self.server.url(self.database)).connect()
        with source.connect() as connection:
            context = MigrationContext.configure(connection)
            self.assertEqual(compare_metadata(context, metadata_for("mysql")), [])
        source.dispose()
        tables = self.sql(
            "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        self.assertEqual({row[1:] for row in tables if row[0] in metadata.tables}, {("InnoDB", "utf8mb4_bin")})
        self.assertEqual(self.sql("SELECT id, name FROM roles"), ((1, "member"),))
        self.assertEqual(len(self.sql("SHOW TRIGGERS")), 10)

    async def test_many_start_at_once(self):
        """Stores on one empty database wait for one another, and all come up."""
        stores = [self.store() for _ in range(4)]
        await gatherResults([store.open() for store in stores])
        await gatherResults([store.close() for store in stores])
        self.check_schema()

    async def test_upgrade_that_was_cut_off_goes_on(self):
        """MySQL keeps each table at once: a start that was killed in between is no end."""
        tables = ["users", "roles", "torrents", "completions", "whitelist", "peers", "marks"]
        for made in range(len(tables) + 1):
            await (await self.opened()).close()
            self.sql("DELETE FROM alembic_version", *(f"DROP TABLE {name}" for name in tables[made:]))
            if made == 2:
                self.sql("DELETE FROM roles")
            if made == 7:
                self.sql("DROP TRIGGER touch_users", "ALTER TABLE peers DROP COLUMN location")
            await (await self.opened()).close()
            self.check_schema()

    async def test_upgrade_that_another_keeps_from_beginning(self):
        """The lock is the database's: a start in another database does not wait."""
        holder = self.outside()
        with holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(SHA1(CONCAT('mika ', DATABASE())), 1)")
        opening = self.store().open()
        self.database = self.server.fresh()
        await self.opened()
        self.assertFalse(opening.called)
        holder.close()
        await opening


CODES = {
    1114: "cannot grow: ",
    1021: "cannot grow: ",
    1040: "has too many connections: ",
    1044: "does not allow this user what mika needs: ",
    1142: "does not allow this user what mika needs: ",
    1153: "takes no statement so long: ",
    1290: "takes no writes, ",
    1419: "does not allow triggers: SET GLOBAL log_bin_trust_function_creators = 1",
    1665: "cannot write its binary log so: ",
    1836: "takes no writes, ",
    2006: "was lost while it worked: ",
    1062: "failed: Duplicate entry (error 1062).",
    9999: "failed: Something odd (error 9999).",
}


@pytest.mark.parametrize(("code", "words"), CODES.items())
def test_codes_have_words_without_values(code, words):
    """What the server says may quote a value, which is left out."""
    said = "Duplicate entry 'passkey-of-a-member' for key" if code == 1062 else "Something odd: 'passkey-of-a-member'"
    error = pymysql.err.OperationalError(code, said)
    for each in (error, OperationalError("UPDATE users", {"passkey": "secret"}, error)):
        text = Mysql("mysql://mika:secret@db/mika").words(each)
        assert text.startswith(f"The database mika at db:3306 {words}")
        assert "secret" not in text
        assert "member" not in text


def test_what_is_tried_again():
    """A deadlock, also one that took the savepoint with it; a lock; a key that came meanwhile. Nothing else."""
    dialect = Mysql("mysql://mika:secret@db/mika")

    def error(code, before=None):
        cause = OperationalError("", {}, pymysql.err.OperationalError(code, ""))
        cause.__context__ = before
        return cause

    for passing in (error(1213), error(1205), error(1305, error(1213))):
        assert dialect.is_passing(passing)
    assert dialect.is_passing(IntegrityError("", {}, pymysql.err.IntegrityError(1062, "")))
    for lasting in (error(1305), error(2013), error(1045), error(1305, error(1045)), OSError("no")):
        assert not dialect.is_passing(lasting)
