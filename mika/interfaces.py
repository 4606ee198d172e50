"""What a store must do. `store/` implements it, `directory.py` and `jobs.py` call it, and nothing else knows stores.

Every method answers with a Deferred and never blocks the reactor. A store that cannot answer fails the Deferred with
`StoreError`; what would overwrite or double something fails with `ConflictError` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from twisted.internet.defer import Deferred
from zope.interface import Interface

from mika.model import (
    BonusEntry,
    Debt,
    History,
    Peer,
    Place,
    Role,
    Suspicion,
    SuspicionState,
    Torrent,
    Totals,
    User,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a batch reaches: the journal records behind `after`, up to and with `number`, of one tracker instance.

    A store writes `number` in the same transaction as the batch, and only if the number that it has is `after`. If it
    is not, then this batch or another one was written already (an answer may be lost, a call may come late): it
    changes nothing and fails with `OutOfStepError`.
    """

    instance: str
    number: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Something that somebody else changed in a store: a row, or (`key` is None) any or all of its kind."""

    kind: Literal["user", "role", "torrent", "whitelist"]
    key: int | bytes | None = None
    """The id of a user, the `info_hash` of a torrent."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Where to look for peers: degrees north and east of its middle, and its radius in metres on the globe."""

    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class Sought:
    """Which suspicions are wanted: those of a state, a user, a kind (None: any), and from a score on."""

    state: SuspicionState | None = None
    user_id: int | None = None
    kind: str | None = None
    score: int = 0

    def takes(self, row: Suspicion) -> bool:
        """Say whether this is one of them."""
        return (
            self.state in {None, row.state}
            and self.user_id in {None, row.user_id}
            and self.kind in {None, row.kind}
            and row.score >= self.score
        )


@dataclass(slots=True)
class UserBatch:
    """Growth of totals by user id, sorted by it. A user that is gone in the meantime is skipped.

    A stored total never grows past `INT64_MAX`.
    """

    mark: Mark
    growth: list[tuple[int, Totals]]


@dataclass(slots=True)
class TorrentBatch:
    """Growth of totals and new completers by info hash, sorted by it. A torrent that is gone is skipped."""

    mark: Mark
    growth: list[tuple[bytes, Totals]]
    completers: list[tuple[bytes, int]] = field(default_factory=list)


@dataclass(slots=True)
class HistoryBatch:
    """What users did with torrents, in order of user id and info hash; see `IHistoryStore.apply_history`."""

    mark: Mark
    growth: list[History]


@dataclass(slots=True)
class PeerBatch:
    """Peers as they are now, and the keys (info_hash, user_id, peer_id) of those that are gone, both in order of keys.

    The peers are the live ones and change with the next announce. A store may write one as it is a little later: what
    changed it comes again with the next batch. Once it has answered, it keeps none of them.
    """

    mark: Mark
    present: list[tuple[bytes, Peer]]
    gone: list[tuple[bytes, int, bytes]]


class IStore(Interface):
    """What the three kinds of store have in common.

    One that wants fewer rows in a batch than `[flush] batch` says how many, in an attribute `most_rows`.
    """

    def open() -> Deferred[None]:
        """Connect, bring the schema up to date, and be ready. Fails with `StoreError` in words an operator acts on."""

    def close() -> Deferred[None]:
        """Let go of everything, after what was asked for before is done; do nothing if it is not open."""

    def last_number(kind: str, instance: str) -> Deferred[int]:
        """Answer with the number of the last batch of `kind` applied for `instance`: "users", "torrents" or "peers".

        0 if there was none. One store may serve all three kinds; each has its own number.
        """

    def hear(listener: Callable[[Change], None]) -> None:
        """Call `listener` from `open` to `close`, in the reactor's thread, with what somebody else changed.

        Called once, before `open`. Changes that came through this object may be told too. When changes may have been
        missed (a connection was lost), each kind is told with the key None.
        """


class IUserStore(IStore):
    """Users and their roles."""

    def user_by_passkey(passkey: str) -> Deferred[User | None]:
        """Answer with the user whose passkey this is, `totals` and `written` both as stored."""

    def user_by_id(user_id: int) -> Deferred[User | None]:
        """Answer with the user of this id."""

    def list_users(after: int, limit: int) -> Deferred[list[User]]:
        """Answer with at most `limit` users whose id is greater than `after`, in order of id."""

    def add_users(users: list[User]) -> Deferred[list[User]]:
        """Add all with their totals, or none; answer with them in the same order, those with id 0 now numbered.

        Fails with `ConflictError` whose `index` names the first user whose id or passkey is taken.
        """

    def save_user(user: User, growth: Totals | None = None) -> Deferred[None]:
        """Write everything but the totals of a user, and add `growth` to those, in one transaction.

        Does nothing for a user who is not there; fails with `ConflictError` if the passkey is another's.
        """

    def save_users(changes: list[tuple[User, Totals | None]]) -> Deferred[None]:
        """Do what `save_user` does for each of these, of whom none is twice, in one transaction: all of it, or nothing.

        Fails with `ConflictError` whose `index` names the first user whose passkey is another's: of one who had it
        before all this, even if that one gets another here, or of an earlier one in the list.
        """

    def delete_user(user_id: int) -> Deferred[bool]:
        """Delete; answer whether there was one."""

    def list_roles() -> Deferred[list[Role]]:
        """Answer with all roles in order of id. `DEFAULT_ROLE`, named "member", is always among them."""

    def save_role(role: Role) -> Deferred[Role]:
        """Add (with id 0: under the next free one) or replace; answer with it."""

    def delete_role(role_id: int) -> Deferred[bool]:
        """Delete; answer whether there was one."""

    def apply_users(batch: UserBatch) -> Deferred[None]:
        """Add the growth to the stored totals and write the mark, in one transaction."""


class IFreeleechStore(Interface):
    """What a users store may offer beside: freeleech tokens. Users then come with theirs, and are deleted with them.

    A store that finds out only in `open` whether it can declares it there (`zope.interface.directlyProvides`).
    """

    def save_freeleech(user_id: int, info_hash: bytes, until: int) -> Deferred[None]:
        """Give a token, or set until when (seconds since 1970) it is in force; nothing for a user who is not there."""

    def delete_freeleech(user_id: int, info_hash: bytes) -> Deferred[bool]:
        """Take a token away; answer whether there was one."""


class IKeyStore(Interface):
    """What a users store may offer beside: which keys a torrent are void. Users then come with that (`void_keys`)."""

    def void_key(user_id: int, info_hash: bytes) -> Deferred[int]:
        """Add one to how many keys of a user for a torrent are void, and answer with how many that are now.

        Answers 0, and keeps nothing, for a user who is not there. However many ask at once, each counts.
        """


class IBonusStore(Interface):
    """What a users store may offer beside: the ledger of bonus that was given and spent."""

    def bonus_entries(user_id: int, before: int, limit: int) -> Deferred[list[BonusEntry]]:
        """Answer with at most `limit` entries of a user whose id is less than `before`, the latest first."""

    def add_bonus_entry(entry: BonusEntry) -> Deferred[tuple[BonusEntry, bool]]:
        """Add its amount to the stored bonus of its user and keep it, in one transaction.

        Answers with the entry, numbered and with the balance, and whether it is new: if the user has one with the same
        `key` already, that one is the answer, and nothing changes. Fails with `ConflictError` where the bonus would
        be negative after spending, or more than `INT64_MAX`, and with `NotFoundError` if there is no such user. An id
        is greater than those of all entries before it. `updated_at` of the user is at least the entry's time then.
        """


class IHistoryStore(Interface):
    """What a users store may offer beside: what each user did with each torrent, and what they owe it.

    Its batches are of the kind "history", with a number of their own (`IStore.last_number`). Rows are deleted with
    their user, and need no user or torrent to be there.
    """

    def apply_history(batch: HistoryBatch) -> Deferred[None]:
        """Add the growth, and write the mark, in one transaction.

        A row that is not there begins as in the batch. Of one that is, totals grow (never past `INT64_MAX`), `left` and
        `last_seen` are replaced, `first_seen` stays, and so do a `completed_at` and a `debt` that are not 0.
        """

    def history_of(user_id: int, after: bytes, limit: int) -> Deferred[list[History]]:
        """Answer with at most `limit` rows of a user whose info hash is greater than `after`, in order."""

    def debts(after: tuple[int, bytes], limit: int, info_hash: bytes | None = None) -> Deferred[list[History]]:
        """Answer with rows whose debt is OWING or OVERDUE, in order of user id and info hash, those after a pair.

        With an `info_hash`, with those of this torrent.
        """

    def save_debts(debts: list[tuple[int, bytes, Debt]]) -> Deferred[None]:
        """Write the debts of rows by user id and info hash, all in one transaction; one that is gone is skipped."""


class ISuspicionStore(Interface):
    """What a users store may offer beside: suspicions. Rows are deleted with their user."""

    def suspicion(suspicion_id: int) -> Deferred[Suspicion | None]:
        """Answer with the row of this id."""

    def suspicion_of(kind: str, user_id: int, info_hash: bytes) -> Deferred[Suspicion | None]:
        """Answer with the one row of this kind, user and torrent."""

    def list_suspicions(sought: Sought, before: int, limit: int) -> Deferred[list[Suspicion]]:
        """Answer with at most `limit` rows that are sought and whose id is less than `before`, the latest first."""

    def replace_suspicion(old: Suspicion | None, new: Suspicion) -> Deferred[Suspicion | None]:
        """Keep `new` in the place of `old`, which has the same kind, user and torrent; None: as the first one.

        Answers with the row as it is kept, under the id that it had, or a new one greater than those of all before it.
        If what is kept is not `old` any more (its `count` or `state` is another, or there is one, or none), nothing
        changes and the answer is None: somebody else was faster.
        """


class ITorrentStore(IStore):
    """Torrents, who completed them, and the client whitelist."""

    def torrent(info_hash: bytes) -> Deferred[Torrent | None]:
        """Answer with the torrent whose `info_hash`, or whose first 20 bytes of `info_hash_v2`, this is.

        It comes with its completers. A deleted one is answered too, as such.
        """

    def list_torrents(after: bytes, limit: int, whole: bool = False) -> Deferred[list[Torrent]]:
        """Answer with at most `limit` torrents whose info hash is greater than `after`, in order.

        `whole`: with the deleted ones, and with completers, which are left out otherwise.
        """

    def add_torrents(torrents: list[Torrent]) -> Deferred[None]:
        """Add all, or none. A deleted one with the same hash is replaced, its totals and completers forgotten.

        Fails with `ConflictError` whose `index` names the first torrent one of whose hashes is taken.
        """

    def save_torrent(torrent: Torrent, growth: Totals | None = None) -> Deferred[None]:
        """Write everything but totals and completers of a torrent, deletion too, and add `growth` to its totals.

        In one transaction; does nothing for a torrent that is not there; `ConflictError` if a hash is another's.
        """

    def save_torrents(changes: list[tuple[Torrent, Totals | None]]) -> Deferred[None]:
        """Do what `save_torrent` does for each of these, none of which is twice: see `IUserStore.save_users`."""

    def whitelist() -> Deferred[dict[str, str]]:
        """Answer with the client names by peer id prefix."""

    def save_whitelisted(prefix: str, name: str) -> Deferred[None]:
        """Add or rename."""

    def delete_whitelisted(prefix: str) -> Deferred[bool]:
        """Delete; answer whether there was one."""

    def apply_torrents(batch: TorrentBatch) -> Deferred[None]:
        """Add the growth to the stored totals, add the completers, and write the mark, in one transaction."""


class IPeerStore(IStore):
    """Swarms, so that a restart starts with them; announces are always served from memory."""

    def load_peers(keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> Deferred[None]:
        """Call `keep`, in the reactor's thread, with every peer and the info hash of its swarm, some at a time.

        Silent ones included; slots are all -1. There may be millions, so that no list holds all of them.
        """

    def peers_near(info_hash: bytes, circle: Circle) -> Deferred[list[tuple[int, bytes]]]:
        """Answer with user id and peer id of the peers of a swarm whose location is in the circle, nearest first."""

    def apply_peers(batch: PeerBatch) -> Deferred[None]:
        """Write the present, delete the gone, and write the mark, in one transaction."""


class IGeography(Interface):
    """Where addresses are. Asked in the reactor's thread, once for each address that is new to a peer."""

    def place_of(address: bytes) -> Place:
        """Return where a packed address (4 or 16 bytes) is, as far as that is known."""

    def locate(peer: Peer) -> None:
        """Set country, network and location of a peer by its endpoints."""
