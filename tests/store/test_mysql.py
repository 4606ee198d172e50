"""The SQL store on a real MariaDB server."""

from __future__ import annotations

from servers.mariadb import mariadb
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.store.mysql import Mysql
from mika.store.sql import SqlStore
from mika.testing import StoreContract


class TestMysqlStore(StoreContract, TestCase):
    """The contract, on MariaDB."""

    def make_store(self):
        """Return a store on the test's database."""
        self.database = getattr(self, "database", None) or mariadb().fresh()
        return SqlStore(Mysql(mariadb().url(self.database)), reactor)
