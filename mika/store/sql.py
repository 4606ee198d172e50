"""The store over a SQL database: the interfaces as transactions of a `Database`, written in the `*_rows.py`.

What a call is given goes on changing while a thread writes it, so copies are taken before the thread starts; of what
each peer is, and of histories, which nobody changes, the thread takes them, some at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorThreads
from zope.interface import implementer

from mika.interfaces import (
    Change,
    Circle,
    HistoryBatch,
    IBonusStore,
    IFreeleechStore,
    IHistoryStore,
    IKeyStore,
    IPeerStore,
    ISuspicionStore,
    ITorrentStore,
    IUserStore,
    PeerBatch,
    Sought,
    TorrentBatch,
    UserBatch,
)
from mika.model import BonusEntry, Debt, History, Peer, Role, Suspicion, Torrent, Totals, User
from mika.store import batches, history_rows, key_rows, peer_rows, reward_rows, suspicion_rows, torrent_rows, user_rows
from mika.store.database import Database
from mika.store.dialect import Dialect, Watch
from mika.store.upgrade import Schema
from mika.store.values import copy_torrent, copy_torrent_facts, freeze_growth


@implementer(
    IUserStore, IFreeleechStore, IKeyStore, IBonusStore, IHistoryStore, ISuspicionStore, ITorrentStore, IPeerStore
)
class SqlStore:
    """All three kinds of store in the tables of one database."""

    def __init__(self, dialect: Dialect, reactor: IReactorThreads) -> None:
        self._dialect = dialect
        self._database = Database(dialect, reactor)
        self._listener: Callable[[Change], None] | None = None
        self._watch: Watch | None = None

    @property
    def place(self) -> str:
        """What an operator calls the database, without any password."""
        return self._dialect.place

    def schema(self) -> Deferred[Schema]:
        """Answer with the schema of the database as it is, open or not, and change nothing."""
        return self._database.schema()

    def open(self) -> Deferred[None]:
        """Connect, bring the schema up to date, and begin to hear what others change."""
        return self._database.open().addCallback(lambda _: self._begin_to_hear())

    def _begin_to_hear(self) -> Deferred[None] | None:
        if self._listener is not None:
            self._watch = self._dialect.watch(self._database, self._listener)
        return None if self._watch is None else self._watch.start()

    def close(self) -> Deferred[None]:
        """Let go of threads and connections, after what was asked for before is done."""
        watch, self._watch = self._watch, None
        stopped: Deferred[None] = succeed(None) if watch is None else watch.stop()
        return stopped.addCallback(lambda _: self._database.close())

    def last_number(self, kind: str, instance: str) -> Deferred[int]:
        """See `IStore`."""
        return self._database.read(batches.last_number, kind, instance)

    def hear(self, listener: Callable[[Change], None]) -> None:
        """See `IStore`."""
        self._listener = listener

    # ---- users and roles

    def user_by_passkey(self, passkey: str) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self._database.read(user_rows.by_passkey, passkey)

    def user_by_id(self, user_id: int) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self._database.read(user_rows.by_id, user_id)

    def list_users(self, after: int, limit: int) -> Deferred[list[User]]:
        """See `IUserStore`."""
        return self._database.read(user_rows.page, after, limit)

    def add_users(self, users: list[User]) -> Deferred[list[User]]:
        """See `IUserStore`. The users themselves are numbered, once all are in."""

        def number(ids: list[int]) -> list[User]:
            for user, user_id in zip(users, ids, strict=True):
                user.id = user_id
            return users

        return self._database.write(user_rows.add, list(map(user_rows.freeze, users))).addCallback(number)

    def save_user(self, user: User, growth: Totals | None = None) -> Deferred[None]:
        """See `IUserStore`."""
        return self.save_users([(user, growth)])

    def save_users(self, changes: list[tuple[User, Totals | None]]) -> Deferred[None]:
        """See `IUserStore`."""
        frozen = [user_rows.freeze_facts(user) for user, _ in changes]
        grown = freeze_growth((user.id, growth) for user, growth in changes if growth)
        return self._database.write(user_rows.save, self._dialect, frozen, grown)

    def delete_user(self, user_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        return self._database.write(user_rows.remove, user_id)

    def list_roles(self) -> Deferred[list[Role]]:
        """See `IUserStore`."""
        return self._database.read(user_rows.all_roles)

    def save_role(self, role: Role) -> Deferred[Role]:
        """See `IUserStore`."""
        return self._database.write(user_rows.save_role, replace(role))

    def delete_role(self, role_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        return self._database.write(user_rows.remove_role, role_id)

    def apply_users(self, batch: UserBatch) -> Deferred[None]:
        """See `IUserStore`."""
        return self._database.write(user_rows.apply, self._dialect, batch.mark, freeze_growth(batch.growth))

    def save_freeleech(self, user_id: int, info_hash: bytes, until: int) -> Deferred[None]:
        """See `IFreeleechStore`."""
        return self._database.write(reward_rows.save_token, self._dialect, user_id, info_hash, until)

    def delete_freeleech(self, user_id: int, info_hash: bytes) -> Deferred[bool]:
        """See `IFreeleechStore`."""
        return self._database.write(reward_rows.remove_token, user_id, info_hash)

    def void_key(self, user_id: int, info_hash: bytes) -> Deferred[int]:
        """See `IKeyStore`."""
        return self._database.write(key_rows.void, self._dialect, user_id, info_hash)

    def bonus_entries(self, user_id: int, before: int, limit: int) -> Deferred[list[BonusEntry]]:
        """See `IBonusStore`."""
        return self._database.read(reward_rows.entries, user_id, before, limit)

    def add_bonus_entry(self, entry: BonusEntry) -> Deferred[tuple[BonusEntry, bool]]:
        """See `IBonusStore`."""
        return self._database.write(reward_rows.add_entry, entry)

    def apply_history(self, batch: HistoryBatch) -> Deferred[None]:
        """See `IHistoryStore`."""
        return self._database.write(history_rows.apply, self._dialect, batch.mark, list(batch.growth))

    def history_of(self, user_id: int, after: bytes, limit: int) -> Deferred[list[History]]:
        """See `IHistoryStore`."""
        return self._database.read(history_rows.of_user, user_id, after, limit)

    def debts(self, after: tuple[int, bytes], limit: int, info_hash: bytes | None = None) -> Deferred[list[History]]:
        """See `IHistoryStore`."""
        return self._database.read(history_rows.debts, after, limit, info_hash)

    def save_debts(self, debts: list[tuple[int, bytes, Debt]]) -> Deferred[None]:
        """See `IHistoryStore`."""
        return self._database.write(history_rows.save_debts, self._dialect, list(debts))

    def suspicion(self, suspicion_id: int) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        return self._database.read(suspicion_rows.by_id, suspicion_id)

    def suspicion_of(self, kind: str, user_id: int, info_hash: bytes) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        return self._database.read(suspicion_rows.about, kind, user_id, info_hash)

    def list_suspicions(self, sought: Sought, before: int, limit: int) -> Deferred[list[Suspicion]]:
        """See `ISuspicionStore`."""
        return self._database.read(suspicion_rows.page, sought, before, limit)

    def replace_suspicion(self, old: Suspicion | None, new: Suspicion) -> Deferred[Suspicion | None]:
        """See `ISuspicionStore`."""
        return self._database.write(suspicion_rows.replace_row, old, new)

    # ---- torrents and whitelist

    def torrent(self, info_hash: bytes) -> Deferred[Torrent | None]:
        """See `ITorrentStore`."""
        return self._database.read(torrent_rows.find, info_hash)

    def list_torrents(self, after: bytes, limit: int, whole: bool = False) -> Deferred[list[Torrent]]:
        """See `ITorrentStore`."""
        return self._database.read(torrent_rows.page, after, limit, whole)

    def add_torrents(self, torrents: list[Torrent]) -> Deferred[None]:
        """See `ITorrentStore`."""
        return self._database.write(torrent_rows.add, [copy_torrent(torrent) for torrent in torrents])

    def save_torrent(self, torrent: Torrent, growth: Totals | None = None) -> Deferred[None]:
        """See `ITorrentStore`."""
        return self.save_torrents([(torrent, growth)])

    def save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> Deferred[None]:
        """See `ITorrentStore`."""
        changed = [copy_torrent_facts(torrent) for torrent, _ in changes]
        grown = freeze_growth((torrent.info_hash, growth) for torrent, growth in changes if growth)
        return self._database.write(torrent_rows.save, self._dialect, changed, grown)

    def whitelist(self) -> Deferred[dict[str, str]]:
        """See `ITorrentStore`."""
        return self._database.read(torrent_rows.listed)

    def save_whitelisted(self, prefix: str, name: str) -> Deferred[None]:
        """See `ITorrentStore`."""
        return self._database.write(torrent_rows.save_listed, self._dialect, prefix, name)

    def delete_whitelisted(self, prefix: str) -> Deferred[bool]:
        """See `ITorrentStore`."""
        return self._database.write(torrent_rows.remove_listed, prefix)

    def apply_torrents(self, batch: TorrentBatch) -> Deferred[None]:
        """See `ITorrentStore`."""
        growth, completers = freeze_growth(batch.growth), sorted(batch.completers)
        return self._database.write(torrent_rows.apply, self._dialect, batch.mark, growth, completers)

    # ---- peers

    def load_peers(self, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> Deferred[None]:
        """See `IPeerStore`."""
        return self._database.read(peer_rows.load, self._dialect, self._database.in_reactor(keep))

    def peers_near(self, info_hash: bytes, circle: Circle) -> Deferred[list[tuple[int, bytes]]]:
        """See `IPeerStore`."""
        return self._database.read(peer_rows.near, info_hash, circle)

    def apply_peers(self, batch: PeerBatch) -> Deferred[None]:
        """See `IPeerStore`."""
        present, gone = list(batch.present), list(batch.gone)
        return self._database.write(peer_rows.apply, self._dialect, batch.mark, present, gone)
