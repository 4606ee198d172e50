"""The store in Redis: the contract, on a real server."""

from __future__ import annotations

from pathlib import Path

from servers.redis import fresh_prefix, server
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.store.redis import RedisStore
from mika.store.redis_url import parse_redis_url
from mika.testing import StoreContract


class TestRedisStore(StoreContract, TestCase):
    """The contract, as an ACL user."""

    def make_store(self):
        """Return a store under the test's own prefix."""
        self.prefix = getattr(self, "prefix", None) or fresh_prefix()
        return RedisStore(parse_redis_url(server().url(self.prefix), Path("/")), reactor)


class TestRedisStoreOverTls(StoreContract, TestCase):
    """The contract, over TLS with a CA of one's own, and with messages heard."""

    def make_store(self):
        """Return a store under the test's own prefix."""
        self.prefix = getattr(self, "prefix", None) or fresh_prefix()
        store = RedisStore(parse_redis_url(server().url(self.prefix, tls=True), Path("/")), reactor)
        store.hear(lambda _: None)
        return store
