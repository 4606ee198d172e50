"""Files that are no database, or cannot be one now: one clear line each, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest
from sqlalchemy.exc import OperationalError
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.interfaces import Mark, PeerBatch, UserBatch
from mika.store.sql import SqlStore
from mika.store.sqlite import Sqlite
from mika.testing.subjects import make_peer, make_user, peers_of


def _damage(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))


def _foreign_tables(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE peers (id INTEGER)")


BROKEN = {
    "a directory": (Path.mkdir, "cannot be opened: Is a directory."),
    "text": (lambda path: path.write_text("users: alice, bob\n" * 100), "is not a SQLite database: "),
    "noise": (lambda path: path.write_bytes(os.urandom(9000)), "is not a SQLite database: "),
    "a beginning alone": (
        lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(84)),
        "is not a SQLite database: ",
    ),
    "damage": (_damage, "is damaged: move it away and put a backup in its place."),
    "tables of others": (_foreign_tables, "failed: table peers already exists."),
}

CODES = {
    sqlite3.SQLITE_READONLY_DBMOVED: "cannot be written: ",
    sqlite3.SQLITE_BUSY_SNAPSHOT: "is locked by another program: ",
    sqlite3.SQLITE_CANTOPEN_ISDIR: "cannot be opened: ",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full.",
    sqlite3.SQLITE_IOERR_FSYNC: "cannot be read or written: ",
}


class OnFile(TestCase):
    """A file of the test's own."""

    def setUp(self):
        """Choose the file."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        self.path = directory / "mika.sqlite"

    def store(self):
        """Return a store on it that gives up a locked file soon."""
        return SqlStore(Sqlite(self.path, busy_seconds=0.1), reactor)

    async def opened(self):
        """Return an open store, closed when the test ends."""
        store = self.store()
        await store.open()
        self.addCleanup(store.close)
        return store

    async def refusal(self, answer):
        """Return the words that `answer` fails with: one line, which names the file."""
        with self.assertRaises(StoreError) as caught:
            await answer
        words = str(caught.exception)
        start = f"The database {self.path} "
        self.assertEqual((words[: len(start)], len(words.splitlines())), (start, 1))
        return words[len(start) :]


class TestOpening(OnFile):
    """What is found where the database should be."""

    async def test_broken_file_is_refused_and_left_alone(self):
        """One clear line, at once, and what was there is not lost."""
        for name, (make, words) in BROKEN.items():
            self.setUp()
            make(self.path)
            size = self.path.stat().st_size
            refusal = await self.refusal(self.store().open())
            self.assertTrue(refusal.startswith(words), f"{name}: {refusal}")
            self.assertEqual(self.path.stat().st_size, size, name)

    async def test_refused_upgrade_leaves_no_table(self):
        """The steps are one transaction, so that a file of others is as it was."""
        _foreign_tables(self.path)
        await self.refusal(self.store().open())
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertEqual(connection.execute("SELECT name FROM sqlite_master").fetchall(), [("peers",)])

    async def test_no_such_directory(self):
        """A directory that is not there, or is a file, is named with the file."""
        whole = self.path
        self.path = whole / "below" / "mika.sqlite"
        self.assertEqual(await self.refusal(self.store().open()), "cannot be opened: No such file or directory.")
        whole.write_text("")
        self.path = whole / "mika.sqlite"
        self.assertEqual(await self.refusal(self.store().open()), "cannot be opened: Not a directory.")

    async def test_forbidden_file_and_directory(self):
        """Whoever may not write is told so."""
        if os.geteuid() == 0:  # who may write everywhere, and so becomes nobody for this test
            place = Path(tempfile.mkdtemp())
            self.addCleanup(shutil.rmtree, place)
            self.path = place / "mika.sqlite"
            os.chown(place, 65534, -1)
            os.seteuid(65534)
            self.addCleanup(os.seteuid, 0)
        self.path.parent.chmod(0o500)
        self.addCleanup(self.path.parent.chmod, 0o700)
        self.assertEqual(await self.refusal(self.store().open()), "cannot be opened: Permission denied.")
        self.path.parent.chmod(0o700)
        self.path.touch(0o400)
        self.assertEqual(await self.refusal(self.store().open()), "cannot be opened: Permission denied.")

    async def test_empty_file_becomes_a_database(self):
        """A file that somebody made with the rights that they want is used, and keeps them."""
        self.path.touch()
        self.path.chmod(0o640)
        await self.opened()
        self.assertEqual(S_IMODE(self.path.stat().st_mode), 0o640)

    async def test_new_files_are_for_their_owner_alone(self):
        """Passkeys are in there, and in the files beside it."""
        await (await self.opened()).add_users([make_user()])
        files = sorted(self.path.parent.iterdir())
        self.assertEqual([path.suffix for path in files], [".sqlite", ".sqlite-shm", ".sqlite-wal"])
        self.assertEqual({S_IMODE(path.stat().st_mode) for path in files}, {0o600})

    async def test_refused_open_can_be_tried_again(self):
        """A store whose file comes right later opens, and until then says that it is not open."""
        store = self.store()
        self.path.mkdir()
        await self.refusal(store.open())
        self.assertEqual(await self.refusal(store.list_roles()), "is not open.")
        self.path.rmdir()
        await store.open()
        self.addCleanup(store.close)
        self.assertEqual(len(await store.list_roles()), 1)


class TestRunning(OnFile):
    """What becomes of the file while mika uses it."""

    async def test_locked_database_is_told_and_works_again(self):
        """At a write and at open, as long as another program writes; reading goes on."""
        store = await self.opened()
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            words = "is locked by another program: let that one finish, or stop it."
            self.assertEqual(await self.refusal(store.apply_users(UserBatch(Mark("a", 1), []))), words)
            self.assertEqual(await self.refusal(self.store().open()), words)
            self.assertEqual(await store.last_number("users", "a"), 0)
        await store.apply_users(UserBatch(Mark("a", 1), []))
        self.assertEqual(await store.last_number("users", "a"), 1)

    async def test_full_disk_loses_only_the_batch(self):
        """What does not fit is not there, and the next that fits is."""
        store = await self.opened()
        source = store._database._source
        with source.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 40")
        hashes = [number.to_bytes(20, "big") for number in range(2000)]
        batch = PeerBatch(Mark("a", 1), [(info_hash, make_peer(1)) for info_hash in hashes], [])
        self.assertEqual(await self.refusal(store.apply_peers(batch)), "cannot grow: the disk is full.")
        self.assertEqual(await peers_of(store), [])
        batch.present = batch.present[:5]
        await store.apply_peers(batch)
        self.assertEqual(len(await peers_of(store)), 5)

    async def test_database_that_became_read_only(self):
        """The file system was remounted, or the rights were taken."""
        store = await self.opened()
        with store._database._source.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = 1")
        words = "cannot be written: give mika's user the right to write the file and its directory."
        self.assertEqual(await self.refusal(store.add_users([make_user()])), words)

    async def test_words_have_no_values(self):
        """A passkey that was about to be written is not in the error, however it is printed."""
        store = await self.opened()
        with store._database._source.begin() as connection:
            connection.exec_driver_sql("DROP TABLE users")
        failures = []
        await store.add_users([make_user(passkey="very-secret-passkey")]).addErrback(failures.append)
        (failure,) = failures
        self.assertEqual(str(failure.value), f"The database {self.path} failed: no such table: users.")
        for text in (failure.getTraceback(detail="verbose"), repr(failure.value.__context__)):
            self.assertNotIn("very-secret-passkey", text)


@pytest.mark.parametrize(("code", "words"), CODES.items())
def test_extended_result_codes_have_the_words_of_their_kind(code, words):
    """SQLite's codes come with details in their upper bits."""
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    for each in (error, OperationalError("UPDATE users", {"passkey": "secret"}, error)):
        assert Sqlite(Path("/srv/a.sqlite")).words(each).startswith(f"The database /srv/a.sqlite {words}")
