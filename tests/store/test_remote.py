"""The store that is the site: the contract on the example site, and every way in which a site can fail."""

from __future__ import annotations

from pathlib import Path

from servers.site import ExampleSite
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from mika.store.registry import make_stores
from mika.testing import StoreContract


class OnSite:
    """A site of the test's own, started when it is needed."""

    tls = True
    site = None

    def started(self):
        """Return the site, which runs until the test ends."""
        if self.site is None:
            self.site = ExampleSite(Path(self.mktemp()).absolute(), tls=self.tls)
            self.site.start()
            self.addCleanup(self.site.stop)
        return self.site

    def make_store(self, **options):
        """Return a store on the test's site, as the registry makes it."""
        url = self.started().url(**options)
        return make_stores(dict.fromkeys(("users", "torrents", "peers"), url), Path("/"), reactor).users


class TestRemoteStore(OnSite, StoreContract, TestCase):
    """The contract, over TLS."""

    hears = 5.0


class TestPlainRemoteStore(OnSite, StoreContract, TestCase):
    """The contract, over http on loopback."""

    tls = False
