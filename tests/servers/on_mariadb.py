"""What tests of the SQL store on MariaDB share."""

from __future__ import annotations

import pymysql
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.store.mysql import Mysql
from mika.store.sql import SqlStore
from servers.mariadb import PASSWORD, URL_PASSWORD, mariadb


class OnServer(TestCase):
    """A database of the test's own."""

    timeout = 120

    def setUp(self):
        """Make the database."""
        self.server = mariadb()
        self.database = self.server.fresh()

    def store(self, url=None, seconds=10):
        """Return a store on it, closed at the latest when the test ends."""
        store = SqlStore(Mysql(url or self.server.url(self.database), seconds), reactor)
        self.addCleanup(store.close)
        return store

    async def opened(self, seconds=10):
        """Return an open store."""
        store = self.store(seconds=seconds)
        await store.open()
        return store

    def sql(self, *statements):
        """Execute statements on it from outside, and return the rows of the last."""
        return self.server.sql(*statements, database=self.database)

    async def refusal(self, answer):
        """Return the words that `answer` fails with, behind the name of the database: one line without a password."""
        with self.assertRaises(StoreError) as caught:
            await answer
        words = str(caught.exception)
        self.assertEqual(len(words.splitlines()), 1)
        self.assertNotIn(PASSWORD, words)
        self.assertNotIn(URL_PASSWORD, words)
        self.assertTrue(words.startswith("The database "), words)
        return words.partition(f":{self.server.port} ")[2] or words

    def outside(self):
        """Return a connection of somebody else, in a transaction."""
        connection = pymysql.connect(unix_socket=str(self.server.socket), user="root", database=self.database)
        self.addCleanup(lambda: connection.open and connection.close())
        return connection

    async def lock_wait(self):
        """Wait until a transaction waits for the lock of another."""
        states = ()
        while "LOCK WAIT" not in {state for (state,) in states}:
            await deferLater(reactor, 0.15, lambda: None)
            states = self.sql("SELECT trx_state FROM information_schema.innodb_trx")
