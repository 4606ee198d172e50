"""The store that keeps everything in this process and nothing after it: for trying out, for tests, and to read.

It is the reference for what the interfaces mean; every other store must answer as this one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from zope.interface import implementer

from mika.errors import OutOfStepError
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
    Mark,
    PeerBatch,
    TorrentBatch,
    UserBatch,
)
from mika.model import DEFAULT_ROLE, INT64_MAX, BonusEntry, Debt, History, Peer, Role, Torrent, Totals, User
from mika.store.globe import distance
from mika.store.memory_suspicions import MemorySuspicions, answered
from mika.store.taken import (
    new_balance,
    no_user,
    refuse_default_role,
    refuse_hashes_of_others,
    refuse_passkeys_of_others,
    refuse_taken_torrents,
    refuse_taken_users,
)
from mika.store.values import TOTALS, copy_torrent, copy_user, freeze_peer, hashes, thaw_peer


@implementer(
    IUserStore, IFreeleechStore, IKeyStore, IBonusStore, IHistoryStore, ISuspicionStore, ITorrentStore, IPeerStore
)
class MemoryStore(MemorySuspicions):
    """All three kinds of store in dictionaries. What goes in and comes out is copied."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[int, User] = {}
        self._ids: dict[str, int] = {}  # by passkey
        self._next_user = 1
        self._entries: dict[int, list[BonusEntry]] = {}  # by user id
        self._next_entry = 1
        self._history: dict[tuple[int, bytes], History] = {}
        self._roles = {DEFAULT_ROLE: Role(DEFAULT_ROLE, "member")}
        self._next_role = DEFAULT_ROLE + 1
        self._torrents: dict[bytes, Torrent] = {}
        self._info_hashes: dict[bytes, bytes] = {}  # by any hash of the torrent
        self._whitelist: dict[str, str] = {}
        self._peers: dict[tuple[bytes, int, bytes], tuple[Any, ...]] = {}
        self._marks: dict[tuple[str, str], int] = {}

    @answered
    def open(self) -> None:
        """Be ready, as always."""

    @answered
    def close(self) -> None:
        """Do nothing: all is done already, and nothing is kept."""

    @answered
    def last_number(self, kind: str, instance: str) -> int:
        """See `IStore`."""
        return self._marks.get((kind, instance), 0)

    def hear(self, listener: Callable[[Change], None]) -> None:
        """See `IStore`. Nobody else reaches what is kept here."""

    def _mark(self, kind: str, mark: Mark) -> None:
        if self._marks.get((kind, mark.instance), 0) != mark.after:
            raise OutOfStepError(f"The last batch of {kind} in memory is another than the one before this.")
        self._marks[kind, mark.instance] = mark.number

    # ---- users and roles

    @answered
    def user_by_passkey(self, passkey: str) -> User | None:
        """See `IUserStore`."""
        user = self._users.get(self._ids.get(passkey, 0))
        return None if user is None else copy_user(user)

    @answered
    def user_by_id(self, user_id: int) -> User | None:
        """See `IUserStore`."""
        user = self._users.get(user_id)
        return None if user is None else copy_user(user)

    @answered
    def list_users(self, after: int, limit: int) -> list[User]:
        """See `IUserStore`."""
        page = sorted(user_id for user_id in self._users if user_id > after)[:limit]
        return [copy_user(self._users[user_id]) for user_id in page]

    @answered
    def add_users(self, users: list[User]) -> list[User]:
        """See `IUserStore`. Ids are never given twice, so that nobody inherits the completions of who is gone."""
        refuse_taken_users([(user.id, user.passkey) for user in users], self._users, self._ids)
        for user in sorted(users, key=lambda user: user.id == 0):  # an id that was chosen is not given to another
            user.id = user.id or self._next_user
            self._forget(user.id)
            self._next_user = max(self._next_user, user.id + 1)
            self._users[user.id] = copy_user(user)
            self._ids[user.passkey] = user.id
        return users

    @answered
    def save_user(self, user: User, growth: Totals | None = None) -> None:
        """See `IUserStore`."""
        self._save_users([(user, growth)])

    @answered
    def save_users(self, changes: list[tuple[User, Totals | None]]) -> None:
        """See `IUserStore`."""
        self._save_users(changes)

    def _save_users(self, changes: list[tuple[User, Totals | None]]) -> None:
        refuse_passkeys_of_others([(user.id, user.passkey) for user, _ in changes], self._users, self._ids)
        for user, growth in changes:
            kept = self._users.get(user.id)
            if kept is not None:
                del self._ids[kept.passkey]
                self._ids[user.passkey] = user.id
                self._users[user.id] = replace(
                    user, totals=kept.totals, freeleech=kept.freeleech, void_keys=kept.void_keys
                )
                kept.totals.add(growth or Totals())

    @answered
    def delete_user(self, user_id: int) -> bool:
        """See `IUserStore`."""
        user = self._users.pop(user_id, None)
        self._forget(user_id)
        if user is not None:
            del self._ids[user.passkey]
        return user is not None

    def _forget(self, user_id: int) -> None:
        """Forget what is kept beside a user who is gone, or who begins anew under this id."""
        self._entries.pop(user_id, None)
        for key in [key for key in self._history if key[0] == user_id]:
            del self._history[key]
        for suspicion in [each for each in self._suspicions.values() if each.user_id == user_id]:
            del self._suspicions[suspicion.id]

    @answered
    def save_freeleech(self, user_id: int, info_hash: bytes, until: int) -> None:
        """See `IFreeleechStore`."""
        user = self._users.get(user_id)
        if user is not None:
            user.freeleech = {**user.freeleech, info_hash: until}

    @answered
    def delete_freeleech(self, user_id: int, info_hash: bytes) -> bool:
        """See `IFreeleechStore`."""
        user = self._users.get(user_id)
        if user is None or info_hash not in user.freeleech:
            return False
        user.freeleech = {each: until for each, until in user.freeleech.items() if each != info_hash}
        return True

    @answered
    def void_key(self, user_id: int, info_hash: bytes) -> int:
        """See `IKeyStore`."""
        user = self._users.get(user_id)
        if user is None:
            return 0
        user.void_keys = {**user.void_keys, info_hash: user.void_keys.get(info_hash, 0) + 1}
        return user.void_keys[info_hash]

    @answered
    def bonus_entries(self, user_id: int, before: int, limit: int) -> list[BonusEntry]:
        """See `IBonusStore`."""
        found = [each for each in reversed(self._entries.get(user_id, [])) if each.id < before]
        return found[:limit]

    @answered
    def add_bonus_entry(self, entry: BonusEntry) -> tuple[BonusEntry, bool]:
        """See `IBonusStore`."""
        user = self._users.get(entry.user_id)
        if user is None:
            raise no_user(entry.user_id)
        entries = self._entries.setdefault(user.id, [])
        for old in entries:
            if entry.key is not None and old.key == entry.key:
                return old, False
        user.totals.bonus = new_balance(user.totals.bonus, entry.amount)
        user.updated_at = max(user.updated_at, entry.created_at)
        entries.append(replace(entry, id=self._next_entry, balance=user.totals.bonus))
        self._next_entry += 1
        return entries[-1], True

    @answered
    def apply_history(self, batch: HistoryBatch) -> None:
        """See `IHistoryStore`."""
        self._mark("history", batch.mark)
        for growth in batch.growth:
            row = self._history.get((growth.user_id, growth.info_hash))
            if row is None:
                self._history[growth.user_id, growth.info_hash] = replace(growth, totals=growth.totals.copy())
                continue
            _grow(row.totals, growth.totals)
            row.left, row.last_seen = growth.left, growth.last_seen
            row.completed_at = row.completed_at or growth.completed_at
            row.debt = row.debt or growth.debt

    @answered
    def history_of(self, user_id: int, after: bytes, limit: int) -> list[History]:
        """See `IHistoryStore`."""
        mine = sorted(key for key in self._history if key[0] == user_id and key[1] > after)
        return [self._shown(key) for key in mine[:limit]]

    @answered
    def debts(self, after: tuple[int, bytes], limit: int, info_hash: bytes | None = None) -> list[History]:
        """See `IHistoryStore`."""
        owing = {Debt.OWING, Debt.OVERDUE}
        found = sorted(key for key, row in self._history.items() if row.debt in owing and key > after)
        return [self._shown(key) for key in found if info_hash in {None, key[1]}][:limit]

    def _shown(self, key: tuple[int, bytes]) -> History:
        row = self._history[key]
        return replace(row, totals=row.totals.copy())

    @answered
    def save_debts(self, debts: list[tuple[int, bytes, Debt]]) -> None:
        """See `IHistoryStore`."""
        for user_id, info_hash, debt in debts:
            if (user_id, info_hash) in self._history:
                self._history[user_id, info_hash].debt = debt

    @answered
    def list_roles(self) -> list[Role]:
        """See `IUserStore`."""
        return [replace(role) for _, role in sorted(self._roles.items())]

    @answered
    def save_role(self, role: Role) -> Role:
        """See `IUserStore`. Ids are never given twice: users may still have the role that is gone."""
        saved = replace(role, id=role.id or self._next_role)
        self._next_role = max(self._next_role, saved.id + 1)
        self._roles[saved.id] = replace(saved)
        return saved

    @answered
    def delete_role(self, role_id: int) -> bool:
        """See `IUserStore`."""
        refuse_default_role(role_id)
        return self._roles.pop(role_id, None) is not None

    @answered
    def apply_users(self, batch: UserBatch) -> None:
        """See `IUserStore`."""
        self._mark("users", batch.mark)
        for user_id, growth in batch.growth:
            if user_id in self._users:
                _grow(self._users[user_id].totals, growth)

    # ---- torrents and whitelist

    @answered
    def torrent(self, info_hash: bytes) -> Torrent | None:
        """See `ITorrentStore`."""
        torrent = self._torrents.get(self._info_hashes.get(info_hash, b""))
        return None if torrent is None else copy_torrent(torrent)

    @answered
    def list_torrents(self, after: bytes, limit: int, whole: bool = False) -> list[Torrent]:
        """See `ITorrentStore`."""
        shown = [each for each in self._torrents.values() if whole or not each.deleted]
        page = sorted(each.info_hash for each in shown if each.info_hash > after)
        return [copy_torrent(self._torrents[info_hash]) for info_hash in page[:limit]]

    @answered
    def add_torrents(self, torrents: list[Torrent]) -> None:
        """See `ITorrentStore`."""
        refuse_taken_torrents(torrents, self._taken({each for torrent in torrents for each in hashes(torrent)}))
        for torrent in torrents:
            self._keep(copy_torrent(torrent))

    @answered
    def save_torrent(self, torrent: Torrent, growth: Totals | None = None) -> None:
        """See `ITorrentStore`."""
        self._save_torrents([(torrent, growth)])

    @answered
    def save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> None:
        """See `ITorrentStore`."""
        self._save_torrents(changes)

    def _save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> None:
        wanted = {each for torrent, _ in changes for each in hashes(torrent)}
        owners = {each: self._info_hashes[each] for each in self._taken(wanted)}
        refuse_hashes_of_others([torrent for torrent, _ in changes], self._torrents, owners)
        for torrent, growth in changes:
            kept = self._torrents.get(torrent.info_hash)
            if kept is not None:
                self._keep(replace(torrent, totals=kept.totals, completers=kept.completers))
                kept.totals.add(growth or Totals())

    def _taken(self, wanted: set[bytes]) -> set[bytes]:
        there = wanted & self._info_hashes.keys()
        return {each for each in there if not self._torrents[self._info_hashes[each]].deleted}

    def _keep(self, torrent: Torrent) -> None:
        """Keep a torrent none of whose hashes is taken; those who had them, deleted or itself, are forgotten."""
        for gone in {self._info_hashes[each] for each in hashes(torrent) if each in self._info_hashes}:
            for each in hashes(self._torrents.pop(gone)):
                del self._info_hashes[each]
        self._torrents[torrent.info_hash] = torrent
        self._info_hashes |= dict.fromkeys(hashes(torrent), torrent.info_hash)

    @answered
    def whitelist(self) -> dict[str, str]:
        """See `ITorrentStore`."""
        return dict(self._whitelist)

    @answered
    def save_whitelisted(self, prefix: str, name: str) -> None:
        """See `ITorrentStore`."""
        self._whitelist[prefix] = name

    @answered
    def delete_whitelisted(self, prefix: str) -> bool:
        """See `ITorrentStore`."""
        return self._whitelist.pop(prefix, None) is not None

    @answered
    def apply_torrents(self, batch: TorrentBatch) -> None:
        """See `ITorrentStore`."""
        self._mark("torrents", batch.mark)
        for info_hash, growth in batch.growth:
            if info_hash in self._torrents:
                _grow(self._torrents[info_hash].totals, growth)
        for info_hash, user_id in batch.completers:
            if info_hash in self._torrents:
                self._torrents[info_hash].completers.add(user_id)

    # ---- peers

    @answered
    def load_peers(self, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> None:
        """See `IPeerStore`."""
        keep([(info_hash, thaw_peer(frozen)) for (info_hash, _, _), frozen in self._peers.items()])

    @answered
    def peers_near(self, info_hash: bytes, circle: Circle) -> list[tuple[int, bytes]]:
        """See `IPeerStore`."""
        found = []
        for (swarm, user_id, peer_id), frozen in self._peers.items():
            location = thaw_peer(frozen).location
            if swarm == info_hash and location is not None:
                metres = distance(location, (circle.latitude, circle.longitude))
                if metres <= circle.metres:
                    found.append((metres, user_id, peer_id))
        return [(user_id, peer_id) for _, user_id, peer_id in sorted(found)]

    @answered
    def apply_peers(self, batch: PeerBatch) -> None:
        """See `IPeerStore`."""
        self._mark("peers", batch.mark)
        for key in batch.gone:
            self._peers.pop(key, None)
        for info_hash, peer in batch.present:
            self._peers[info_hash, peer.user_id, peer.peer_id] = freeze_peer(peer)


def _grow(totals: Totals, growth: Totals) -> None:
    totals.add(growth)
    for name, value in zip(TOTALS, totals.values(), strict=True):
        setattr(totals, name, min(value, INT64_MAX))
