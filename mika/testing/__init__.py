"""The contract of a store as tests, for authors of adapters; mika's own stores pass the same ones.

    class TestMine(StoreContract, twisted.trial.unittest.TestCase):
        def make_store(self):
            return Mine(...)

An adapter of one kind takes `UserStoreContract`, `TorrentStoreContract` or `PeerStoreContract` alone. They run under
trial and under pytest. What a store cannot do is said by flags: `durable = False`, and `hears`, the seconds in which it
tells what others changed. docs/write-a-store.md goes through all of it.
"""

from __future__ import annotations

from mika.testing.peers import PeerStoreContract
from mika.testing.torrents import TorrentStoreContract
from mika.testing.users import UserStoreContract

__all__ = ["PeerStoreContract", "StoreContract", "TorrentStoreContract", "UserStoreContract"]


class StoreContract(UserStoreContract, TorrentStoreContract, PeerStoreContract):
    """What a store of all three kinds must do."""
