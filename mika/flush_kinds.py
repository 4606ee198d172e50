"""The four kinds of batch: what users, torrents and histories grew by, and how peers are. `tap.py` makes one of each.

Rows are put in order some at a time, while the reactor may run: a batch can have 50,000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Protocol

from mika._torrents_cy import Torrents
from mika.changes import Changes
from mika.flush import Flush, Pace
from mika.interfaces import (
    HistoryBatch,
    IHistoryStore,
    IPeerStore,
    ITorrentStore,
    IUserStore,
    Mark,
    PeerBatch,
    TorrentBatch,
    UserBatch,
)
from mika.journal import Journal
from mika.ledger.debts import debt_event
from mika.ledger.merge import HistoryGrowth, PeerKeys, TorrentGrowth, UserGrowth, bounded
from mika.ledger.order import parts_of_ids
from mika.model import Torrent, User
from mika.swarm.swarms import Swarms


class Accounts(Protocol):
    """What is told of what was written: `directory.Directory`. Its locks keep changes and batches apart."""

    users_by_id: dict[int, User]
    torrents: Torrents

    @property
    def user_changes(self) -> Changes:
        """Held while users are changed or written."""

    @property
    def torrent_changes(self) -> Changes:
        """Held while torrents are changed or written."""


class UsersFlush(Flush[UserGrowth]):
    """What users grew by."""

    kind = "users"
    _store: IUserStore

    def __init__(self, store: IUserStore, journal: Journal, pace: Pace, accounts: Accounts) -> None:
        super().__init__(store, journal, pace, accounts.user_changes)
        self._users: Mapping[int, User] = accounts.users_by_id

    def new_merge(self) -> UserGrowth:
        """See `Flush`."""
        return UserGrowth()

    def known(self) -> int:
        """See `Flush`."""
        return len(self._users)

    async def apply(self, mark: Mark, merged: UserGrowth) -> None:
        """See `Flush`."""
        batch, rows, shift = UserBatch(mark, []), merged.rows, parts_of_ids(merged.rows)
        async for ids in self._in_order(rows, lambda user_id: user_id >> shift):
            batch.growth += [(user_id, bounded(rows[user_id])) for user_id in ids]
        await self._store.apply_users(batch)

    def confirm(self, merged: UserGrowth) -> None:
        """See `Flush`."""
        for user_id, growth in merged.rows.items():
            user = self._users.get(user_id)
            if user is not None:
                user.written.add(growth)


class HistoryFlush(Flush[HistoryGrowth]):
    """What users did with each torrent, where the users store keeps that; else there is nothing to follow."""

    kind = "history"
    _store: Any
    owes: Callable[[], bool] = staticmethod(lambda: False)
    """Whether who completes a torrent now owes it something."""

    def __init__(self, store: IUserStore, journal: Journal, pace: Pace, swarms: Swarms, *, wanted: bool = True) -> None:
        super().__init__(store, journal, pace, Changes())
        self._swarms = swarms
        self._wanted = wanted

    async def begin(self) -> int:
        """See `Flush`. A store says only once it is open whether it keeps this."""
        self._wanted = self._wanted and IHistoryStore.providedBy(self._store)
        return await super().begin() if self._wanted else 0

    @property
    def waiting(self) -> int:
        """See `Flush`."""
        return super().waiting if self._wanted else 0

    async def run(self) -> int:
        """See `Flush`."""
        if self._wanted:
            return await super().run()
        self.reached = self._journal.last
        return 0

    def new_merge(self) -> HistoryGrowth:
        """See `Flush`."""
        return HistoryGrowth(lambda: self.owes())  # noqa: PLW0108 - it is set later than this

    def known(self) -> int:
        """See `Flush`."""
        return self._swarms.peer_count

    async def apply(self, mark: Mark, merged: HistoryGrowth) -> None:
        """See `Flush`."""
        batch, rows, shift = HistoryBatch(mark, []), merged.rows, parts_of_ids(user_id for user_id, _ in merged.rows)
        async for keys in self._in_order(rows, lambda key: key[0] >> shift):
            for key in keys:
                row = rows[key]
                row.totals = bounded(row.totals)
                batch.growth.append(row)
        await self._store.apply_history(batch)

    def confirm(self, merged: HistoryGrowth) -> None:
        """See `Flush`."""
        for row in merged.rows.values():
            if row.debt:
                self.publish("user", debt_event(row.user_id, row.info_hash, "owing"))


class TorrentsFlush(Flush[TorrentGrowth]):
    """What torrents grew by, and who completed them."""

    kind = "torrents"
    _store: ITorrentStore

    def __init__(self, store: ITorrentStore, journal: Journal, pace: Pace, accounts: Accounts) -> None:
        super().__init__(store, journal, pace, accounts.torrent_changes)
        self._torrents: Mapping[bytes, Torrent] = accounts.torrents

    def new_merge(self) -> TorrentGrowth:
        """See `Flush`."""
        return TorrentGrowth()

    def known(self) -> int:
        """See `Flush`."""
        return len(self._torrents)

    async def apply(self, mark: Mark, merged: TorrentGrowth) -> None:
        """See `Flush`."""
        batch, rows = TorrentBatch(mark, [], sorted(merged.completers)), merged.rows
        async for hashes in self._in_order(rows, itemgetter(0)):
            batch.growth += [(info_hash, bounded(rows[info_hash])) for info_hash in hashes]
        await self._store.apply_torrents(batch)

    def confirm(self, merged: TorrentGrowth) -> None:
        """See `Flush`."""
        for info_hash, growth in merged.rows.items():
            self.grown.add(growth)
            torrent = self._torrents.get(info_hash)
            if torrent is not None:
                torrent.written.add(growth)


class PeersFlush(Flush[PeerKeys]):
    """Peers as they are when they are written: what a record says of one may be older, and is never wrong for long.

    A batch may hold a peer as a later record left it; that record is then written once more, with the same end.
    """

    kind = "peers"
    _store: IPeerStore

    def __init__(self, store: IPeerStore, journal: Journal, pace: Pace, swarms: Swarms) -> None:
        super().__init__(store, journal, pace, Changes())
        self._swarms = swarms

    def new_merge(self) -> PeerKeys:
        """See `Flush`."""
        return PeerKeys()

    def known(self) -> int:
        """See `Flush`."""
        return self._swarms.peer_count

    async def apply(self, mark: Mark, merged: PeerKeys) -> None:
        """See `Flush`."""
        batch = PeerBatch(mark, [], [])
        async for keys in self._in_order(merged.rows, lambda key: key[0][0]):
            for key in keys:
                info_hash, user_id, peer_id = key
                swarm = self._swarms.get(info_hash)
                peer = None if swarm is None else swarm.peers.find(user_id, peer_id)
                if peer is None:
                    batch.gone.append(key)
                else:
                    batch.present.append((info_hash, peer))
        await self._store.apply_peers(batch)

    def confirm(self, merged: PeerKeys) -> None:
        """See `Flush`. Nobody asks which of a peer's figures the store has."""
