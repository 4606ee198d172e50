"""A site whose stores follow its journal, on a clock that the test moves; it can be killed and started again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders import Site, TryingStore, make_site, result
from twisted.logger import capturedLogs, formatEvent

from mika.flush import Pace
from mika.flush_kinds import HistoryFlush, PeersFlush, TorrentsFlush, UsersFlush
from mika.jobs import Flusher
from mika.journal import Journal
from mika.services import JournalService, SwarmsService
from mika.testing.subjects import peers_of

KINDS = ("users", "torrents", "peers")


class Setting:
    """A site over a store that fails, waits and forgets to answer when it is told to; flushed every second."""

    history = False
    """Whether what each user did with each torrent is kept."""

    def __init__(self, directory: Path | None = None, most: int = 100, users: int = 2, torrents: int = 1) -> None:
        self.directory = directory
        self.most = most
        self.store = TryingStore()
        self.passkeys = [f"passkey-{number:04}" for number in range(users)]
        self.hashes = [bytes([number]) * 20 for number in range(torrents)]
        self.seconds = 0.0
        self.start(self.passkeys, self.hashes)

    def start(self, users=(), torrents=()) -> None:
        """Start as the process does, from what the store and the journal have."""
        self.journal = Journal(self.directory)
        self.site: Site = make_site(users, torrents, self.store, journal=self.journal)
        self.site.clock.advance(self.seconds)
        clock, directory = self.site.clock, self.site.directory
        pace = Pace(clock, self.most, lambda: 1.0)
        flushes = [
            UsersFlush(self.store, self.journal, pace, directory),
            TorrentsFlush(self.store, self.journal, pace, directory),
            PeersFlush(self.store, self.journal, pace, self.site.swarms),
        ]
        self.users, self.torrents, self.peers = flushes
        if self.history:
            flushes.append(HistoryFlush(self.store, self.journal, pace, self.site.swarms))
        self.flusher = Flusher(flushes, self.journal, clock, dict.fromkeys((*KINDS, "history"), 1.0))
        directory.settle = self.flusher.settle
        self.service = JournalService(self.journal, flushes)
        with capturedLogs():
            result(self.service.startService())
            result(SwarmsService(self.site.swarms, self.store, self.journal).startService())
            result(self.flusher.startService())

    def kill(self) -> None:
        """End as a killed process does: nothing is written, nothing is closed but by the kernel."""
        if self.flusher._loop.running:
            self.flusher._loop.stop()
        self.seconds = self.site.clock.seconds() - make_site((), ()).clock.seconds()
        os.close(self.journal._lock)

    def stop(self) -> list[tuple[str, str]]:
        """Stop in order; return what was logged."""
        with said() as words:
            result(self.flusher.stopService())
            self.service.stopService()
        return words

    def announce(self, user: int = 0, torrent: int = 0, **said) -> None:
        """Let one of the users announce one of the torrents."""
        answer = self.site.announce(self.passkeys[user], info_hash=self.hashes[torrent], **said)
        assert "failure reason" not in answer

    def flush(self) -> int:
        """Flush, which must be done at once; return how many rows were written."""
        return result(self.flusher.flush())

    def stored_user(self, user: int = 0):
        """Return the user as the store has it."""
        return result(self.store.user_by_passkey(self.passkeys[user]))

    def stored_torrent(self, torrent: int = 0):
        """Return the torrent as the store has it."""
        return result(self.store.torrent(self.hashes[torrent]))

    def stored_peers(self) -> set[tuple[int, int]]:
        """Return the counters of the peers that the store has."""
        return {(peer.user_id, peer.uploaded) for _, peer in result(peers_of(self.store))}

    def rows(self, kind: str) -> list:
        """Return the batches of a kind."""
        return [batch for written, batch in self.store.batches if written == kind]


@contextmanager
def said() -> Iterator[list[tuple[str, str]]]:
    """Collect what is logged meanwhile, as (level, words)."""
    words: list[tuple[str, str]] = []
    with capturedLogs() as events:
        yield words
    words += [(event["log_level"].name, formatEvent(event)) for event in events if event.get("log_level")]
