"""The SQL store on a real PostgreSQL with PostGIS: the contract, what it says when it fails, and what it hears."""

from __future__ import annotations

from servers.postgresql import server
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.store.postgresql import Postgresql
from mika.store.sql import SqlStore
from mika.testing import StoreContract


class OnDatabase:
    """A database of the test's own."""

    @property
    def name(self):
        """The database, made when it is asked for first."""
        if not hasattr(self, "_name"):
            self._name = server().database()
        return self._name

    def make_store(self):
        """Return a store on the test's database."""
        return SqlStore(Postgresql(server().url(self.name)), reactor)


class TestPostgresql(OnDatabase, StoreContract, TestCase):
    """The contract, on PostgreSQL."""
