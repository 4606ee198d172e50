"""The torrents in memory, by each of their hashes: `directory.py` fills it, `tracker.py` finds them there.

`_torrents_cy.pyx` is the same, compiled.
"""

from __future__ import annotations

from mika.model import Torrent


class Torrents(dict[bytes, Torrent]):
    """A dictionary; where it is compiled, `find` looks at fewer places in memory."""

    __slots__ = ()

    def find(self, info_hash: bytes) -> Torrent | None:
        """Return what `get` does."""
        return self.get(info_hash)

    def fetch_ahead(self, info_hash: bytes) -> None:
        """Have what `find` will look at come to the cache of the processor."""
