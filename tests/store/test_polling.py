"""What others change in a database that has to be asked: heard soon, each kind, and never what we flush."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pymysql
from servers.mariadb import mariadb
from sqlalchemy import select
from twisted.internet import reactor
from twisted.internet.defer import fail
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.interfaces import Change, Mark, PeerBatch, TorrentBatch, UserBatch
from mika.model import Totals
from mika.store.mysql import Mysql
from mika.store.polling import KEPT, MANY
from mika.store.schema import deletions
from mika.store.sql import SqlStore
from mika.store.sqlite import Sqlite
from mika.testing.subjects import make_peer, make_torrent, make_user

HASH = make_torrent(1).info_hash
INTERVAL = 0.05

_LITTLE = "download_enabled, upload_enabled, multiplier_up, multiplier_down, created_at, updated_at"
_TOTALS = "uploaded, downloaded, uploaded_real, downloaded_real, bonus, seed_seconds, announces, completed"
_NEW_USER = (
    f"INSERT INTO users (id, name, passkey, role, enabled, {_LITTLE}, {_TOTALS}) "
    "VALUES (77, 'new', 'passkey-77', 1, 1, 1, 1, 1000, 1000, {now}, {now}, 0, 0, 0, 0, 0, 0, 0, 0)"
)
_NEW_TORRENT = (
    "INSERT INTO torrents (info_hash, name, size, enabled, deleted, reason, multiplier_up, multiplier_down, "
    f"created_at, updated_at, {_TOTALS}) "
    f"VALUES (x'{'07' * 20}', 'new', 5, 1, 0, '', 1000, 1000, {{now}}, {{now}}, 0, 0, 0, 0, 0, 0, 0, 0)"
)

CHANGES = (
    ("UPDATE users SET enabled = 0 WHERE id = 1", Change("user", 1)),
    ("UPDATE users SET enabled = 1 WHERE id = 1", Change("user", 1)),  # perhaps in the same second
    ("UPDATE users SET passkey = 'another-passkey' WHERE id = 2", Change("user", 2)),
    ("UPDATE users SET remote_id = 'x', updated_at = {now} WHERE id = 1", Change("user", 1)),
    ("UPDATE users SET updated_at = updated_at + 1 WHERE id = 2", Change("user", 2)),
    (_NEW_USER, Change("user", 77)),
    ("DELETE FROM users WHERE id = 77", Change("user", 77)),
    ("UPDATE torrents SET multiplier_down = 0", Change("torrent", HASH)),
    ("UPDATE torrents SET deleted = 1, reason = 'why'", Change("torrent", HASH)),
    (_NEW_TORRENT, Change("torrent", bytes([7]) * 20)),
    (f"DELETE FROM torrents WHERE info_hash = x'{'07' * 20}'", Change("torrent", bytes([7]) * 20)),
    ("UPDATE roles SET multiplier_down = 0 WHERE id = 1", Change("role", 1)),
    ("INSERT INTO roles VALUES (9, 'new', 0, 1000, 1000, 1, 1, NULL, NULL)", Change("role", 9)),
    ("DELETE FROM roles WHERE id = 9", Change("role", 9)),
    ("INSERT INTO whitelist VALUES ('-TR', 'Transmission')", Change("whitelist")),
    ("UPDATE whitelist SET name = 'other'", Change("whitelist")),
    ("DELETE FROM whitelist", Change("whitelist")),
)


class Polled:
    """What a database that is asked must do, with `dialect()` and `aside(*statements)`."""

    timeout = 120

    async def setUp(self):
        """Fill a database, and wait until the first look is over."""
        self.prepare()
        self.heard = []
        self.store = SqlStore(self.dialect(), reactor)
        self.store.hear(self.heard.append)
        await self.store.open()
        self.addCleanup(self.store.close)
        await self.store.add_users([make_user(), make_user(passkey="passkey-1")])
        await self.store.add_torrents([make_torrent(1)])
        await self.until(Change("whitelist"))
        await self.looks()

    async def looks(self):
        """Let it look a few times."""
        await deferLater(reactor, 6 * INTERVAL, lambda: None)

    async def until(self, change):
        """Wait until a change is heard, and forget what was heard."""
        deadline = time.monotonic() + 5
        while change not in self.heard:
            self.assertLess(time.monotonic(), deadline, f"{change} was not heard, only {self.heard}")
            await deferLater(reactor, 0.02, lambda: None)
        self.heard.clear()

    async def test_each_change_is_heard(self):
        """Whatever a site does with plain SQL, whether it says when or not."""
        for statement, change in CHANGES:
            self.aside(statement.format(now=int(time.time())))
            await self.until(change)

    async def test_what_was_heard_is_not_told_for_ever(self):
        """A row is told again at most until its second is over."""
        self.aside("UPDATE users SET enabled = 0")
        await self.until(Change("user", 2))
        await deferLater(reactor, 1.2, lambda: None)
        self.heard.clear()
        await self.looks()
        self.assertEqual(self.heard, [])

    async def test_flushes_are_not_heard(self):
        """Totals, peers, completers and marks, ours or those of another tracker, are no change."""
        await deferLater(reactor, 1.2, lambda: None)
        self.heard.clear()
        other = SqlStore(self.dialect(), reactor)
        await other.open()
        for name, store in (("a", self.store), ("b", other)):
            for number in range(3):
                await store.apply_users(UserBatch(Mark(name, number + 1, number), [(1, Totals(5)), (2, Totals(5))]))
                batch = TorrentBatch(Mark(name, number + 1, number), [(HASH, Totals(5))], [(HASH, number)])
                await store.apply_torrents(batch)
                await store.apply_peers(PeerBatch(Mark(name, number + 1, number), [(HASH, make_peer(1))], []))
                await self.looks()
        await other.close()
        self.assertEqual(self.heard, [])
        self.assertEqual((await self.store.user_by_id(1)).totals.uploaded, 30)
        self.assertEqual((await self.store.user_by_id(1)).updated_at, 0)

    async def test_many_changes_are_told_as_one(self):
        """A site that changes everybody does not flood the tracker."""
        await self.store.add_users([make_user(passkey=f"many-{number}") for number in range(MANY)])
        self.aside("UPDATE users SET multiplier_up = 2000")
        await self.until(Change("user"))

    async def test_time_that_is_far_off_hides_nothing(self):
        """A site that writes milliseconds, or years ago, is heard, and so is whoever comes after it."""
        self.aside(f"UPDATE users SET enabled = 0, updated_at = {int(time.time()) * 1000} WHERE id = 1")
        await self.until(Change("user", 1))
        self.aside("UPDATE users SET enabled = 0 WHERE id = 2")
        await self.until(Change("user", 2))
        self.aside("UPDATE users SET enabled = 1 WHERE id = 1")
        await self.until(Change("user", 1))
        self.heard.clear()
        await self.looks()
        self.assertNotIn(Change("user", 1), self.heard)

    async def test_look_that_fails_is_made_up_for(self):
        """What changed while the store could not be asked is heard when it can be asked again."""
        database = self.store._database
        database.read = lambda *_: fail(StoreError("down"))
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1", "UPDATE roles SET priority = 5")
        self.heard.clear()
        await self.looks()
        self.assertEqual(self.heard, [])
        del database.read
        await self.until(Change("user", 1))

    async def test_listener_that_fails_is_called_again(self):
        """Its fault is logged, and the next change is told."""

        def fail_once(change):
            self.store._watch._listener = self.heard.append
            raise ValueError(change)

        await deferLater(reactor, 1.2, lambda: None)
        self.store._watch._listener = fail_once
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        await self.looks()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.aside("UPDATE users SET enabled = 0 WHERE id = 2")
        await self.until(Change("user", 2))

    async def test_old_notes_of_deleted_rows_are_forgotten(self):
        """Those that everybody has read long ago; the others stay for who looks later."""
        now = int(time.time())
        self.aside(*(f"INSERT INTO deletions VALUES ('user', '{n}', {now - KEPT + n})" for n in (-9, 9)))
        self.store._watch._forget_at = 0
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        await self.until(Change("user", 1))
        await self.looks()
        kept = await self.store._database.read(lambda each: [row.item for row in each.execute(select(deletions))])
        self.assertEqual(kept, ["9"])

    async def test_who_did_not_look_for_long_takes_anything_to_have_changed(self):
        """Notes may have been forgotten meanwhile."""
        self.store._watch._last.now -= KEPT
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        while Change("user") not in self.heard:
            await deferLater(reactor, 0.02, lambda: None)
        self.assertLessEqual({Change(kind) for kind in ("user", "torrent", "role", "whitelist")}, set(self.heard))

    async def test_note_that_nobody_can_read(self):
        """It is logged, and looked at again: it does not end the polling."""
        self.aside(f"INSERT INTO deletions VALUES ('user', 'x', {int(time.time())})")
        await self.looks()
        self.assertGreater(len(self.flushLoggedErrors(ValueError)), 1)
        self.aside("DELETE FROM deletions", "UPDATE users SET enabled = 0 WHERE id = 2")
        await self.until(Change("user", 2))
        self.flushLoggedErrors(ValueError)

    async def test_nothing_is_told_after_close(self):
        """Also not what a look that is under way finds."""
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        await self.store.close()
        self.heard.clear()
        await self.looks()
        self.assertEqual(self.heard, [])

    async def test_first_look_tells_what_may_have_been_missed(self):
        """What changed between the reading of roles, or of a user, and the first look."""
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        await self.store.close()
        self.heard.clear()
        await self.store.open()
        await self.until(Change("user", 1))


class TestSqlite(Polled, TestCase):
    """On a file."""

    def prepare(self):
        """Choose the file."""
        self.path = Path(self.mktemp()).absolute()
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def dialect(self):
        """Return what makes connections to it."""
        return Sqlite(self.path, poll_interval=INTERVAL)

    def aside(self, *statements):
        """Execute statements on it from outside."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    async def test_idle_file_is_not_read(self):
        """As long as nobody else wrote, one PRAGMA is all."""
        statements = []
        await self.store._database.read(
            lambda connection: connection.connection.dbapi_connection.set_trace_callback(statements.append)
        )
        statements.clear()
        await self.looks()
        self.assertEqual(set(statements), {"BEGIN", "PRAGMA data_version", "COMMIT"})


class TestMariaDb(Polled, TestCase):
    """On a server."""

    def prepare(self):
        """Make the database."""
        self.server = mariadb()
        self.database = self.server.fresh()

    def dialect(self):
        """Return what makes connections to it."""
        return Mysql(self.server.url(self.database), timeout=5, poll_interval=INTERVAL)

    def aside(self, *statements):
        """Execute statements on it from outside."""
        self.server.sql(*statements, database=self.database)

    async def test_transaction_that_takes_long(self):
        """A row says when it was changed, and not when that was committed, which is later."""
        other = pymysql.connect(unix_socket=str(self.server.socket), user="root", database=self.database)
        with other.cursor() as cursor:
            cursor.execute("UPDATE users SET enabled = 0 WHERE id = 1")
        await deferLater(reactor, 2.5, lambda: None)
        self.aside("UPDATE users SET enabled = 0 WHERE id = 2")
        await self.until(Change("user", 2))
        other.commit()
        other.close()
        await self.until(Change("user", 1))

    async def test_server_stopped_and_started(self):
        """What changed before mika could ask again is heard."""
        self.server.stop()
        await self.looks()
        await deferToThread(self.server.start)
        self.heard.clear()
        self.aside("UPDATE users SET enabled = 0 WHERE id = 1")
        await self.until(Change("user", 1))
