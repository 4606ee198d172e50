"""The reference adapter passes the contract."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from mika.store.memory import MemoryStore
from mika.testing import StoreContract


class TestMemoryStore(StoreContract, TestCase):
    """The contract, in memory."""

    durable = False

    def make_store(self):
        """Return an empty one: nothing is kept anywhere."""
        return MemoryStore()
