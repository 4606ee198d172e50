"""The steps lead to the schema that the code uses, and a start never harms a database it does not know."""

from __future__ import annotations

import logging
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.store.schema import metadata
from mika.store.sql import SqlStore
from mika.store.sqlite import Sqlite


class TestUpgrade(TestCase):
    """The schema of files of the test's own."""

    def setUp(self):
        """Choose the directory."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.path = self.directory / "mika.sqlite"

    async def start(self, path=None):
        """Open a store and close it."""
        store = SqlStore(Sqlite(path or self.path), reactor)
        await store.open()
        await store.close()

    def schema(self):
        """Return what SQLite has noted of tables and indices."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()

    def words_of_tables(self):
        """Return the words of each CREATE TABLE, in no order."""
        return {name: sorted(re.findall(r"\w+", sql)) for kind, name, sql in self.schema() if kind == "table"}

    async def test_steps_and_metadata_agree(self):
        """Alembic finds nothing to do between what the steps made and what the code uses."""
        await self.start()
        source = create_engine(f"sqlite+pysqlite:///{self.path}")
        with source.connect() as connection:
            self.assertEqual(compare_metadata(MigrationContext.configure(connection), metadata), [])
        source.dispose()

    async def test_steps_make_tables_as_the_metadata_would(self):
        """Also in what Alembic does not compare: AUTOINCREMENT, WITHOUT ROWID, the names of keys."""
        await self.start()
        by_steps = self.words_of_tables()
        del by_steps["alembic_version"]
        self.path.unlink()
        source = create_engine(f"sqlite+pysqlite:///{self.path}")
        metadata.create_all(source)
        source.dispose()
        self.assertEqual(by_steps, self.words_of_tables())

    async def test_second_start_changes_nothing(self):
        """The schema is left, and the default role is not made twice."""
        await self.start()
        before = self.schema()
        await self.start()
        self.assertEqual(self.schema(), before)

    async def test_newer_schema_is_refused_in_words(self):
        """A database that a later mika wrote is not touched."""
        await self.start()
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '0815'")
        before = self.schema()
        with self.assertRaises(StoreError) as caught:
            await self.start()
        self.assertEqual(
            str(caught.exception),
            f"The database {self.path} was written by a newer mika (its schema is 0815): "
            "install that version again, or name another database.",
        )
        self.assertEqual(self.schema(), before)

    async def test_many_start_at_once(self):
        """Three databases in three threads, and three stores on one database, all come up."""
        paths = [self.directory / f"{number}.sqlite" for number in range(3)] + [self.path] * 3
        await gatherResults([ensureDeferred(self.start(path)) for path in paths])
        tables = [name for kind, name, _ in self.schema() if kind == "table"]
        self.assertTrue(set(metadata.tables) < set(tables), tables)

    async def test_logging_is_left_as_it_was(self):
        """Alembic's own set-up of the root logger and of its own is not run."""
        loggers = [logging.getLogger(name) for name in (None, "alembic", "sqlalchemy.engine")]
        before = [(logger.level, list(logger.handlers), logger.disabled) for logger in loggers]
        await self.start()
        self.assertEqual([(logger.level, list(logger.handlers), logger.disabled) for logger in loggers], before)
