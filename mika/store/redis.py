"""The store in Redis: the interfaces as scripts, each one transaction, written in the `redis_*.py` beside this.

`registry.py` makes it. What a call is given goes on changing while the call waits, so copies are taken first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from zope.interface import implementer

from mika.errors import StoreError
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
from mika.store import redis_history, redis_peers, redis_rewards, redis_suspicions, redis_torrents, redis_users
from mika.store.redis_connection import ANSWER_SECONDS, Connection, Subscription
from mika.store.redis_open import change_of, everything, prepare, warnings
from mika.store.redis_rows import pack, pack_growth
from mika.store.redis_url import RedisPlace
from mika.store.values import copy_torrent, copy_user, freeze_growth, freeze_peers

P = ParamSpec("P")
T = TypeVar("T")

_log = Logger()


def _asked(
    method: Callable[Concatenate[RedisStore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[RedisStore, P], Deferred[T]]:
    """Let a coroutine answer with a Deferred that `close` waits for. It runs at once, up to its first `await`."""

    def ask(self: RedisStore, /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return self.asked(method(self, *args, **kwargs))

    ask.__doc__ = method.__doc__
    return ask


@implementer(
    IUserStore, IFreeleechStore, IKeyStore, IBonusStore, IHistoryStore, ISuspicionStore, ITorrentStore, IPeerStore
)
class RedisStore:
    """All three kinds of store under one prefix of one Redis database."""

    most_rows = 10_000
    """Rows of a batch: a script of more would keep others from Redis for longer than a tenth of a second."""

    def __init__(self, place: RedisPlace, reactor: Any, seconds: float = ANSWER_SECONDS) -> None:
        """`seconds` is how long Redis may take to answer a command."""
        self._place = place
        self._reactor = reactor
        self._seconds = seconds
        self._connection = Connection(place, reactor, seconds)
        self._listener: Callable[[Change], None] | None = None
        self._subscription: Subscription | None = None
        self._waiting: set[Deferred[Any]] = set()

    def asked(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Begin with what a method does, and return its answer."""
        answer = ensureDeferred(self._in_words(work))
        if not answer.called:
            self._waiting.add(answer)

            def done(result: Any) -> Any:
                self._waiting.discard(answer)
                return result

            answer.addBoth(done)
        return answer

    async def _in_words(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        except UnicodeError:
            raise StoreError(f"{self._place} takes and gives text in UTF-8 only.") from None

    def open(self) -> Deferred[None]:
        """Connect, make the schema, and begin to hear what others change."""
        return ensureDeferred(self._begin())

    async def _begin(self) -> None:
        await self._connection.open()
        try:
            await prepare(self._connection)
            for warning in await warnings(self._connection):
                _log.warn("{place} {warning}", place=self._place, warning=warning)
            if self._listener is not None:
                await self._begin_to_hear(self._listener)
        except BaseException:
            await self._end()
            raise

    async def _begin_to_hear(self, listener: Callable[[Change], None]) -> None:
        def told(message: bytes) -> None:
            for change in change_of(message):
                listener(change)

        def missed() -> None:
            for change in everything():
                listener(change)

        channel = f"{self._place.prefix}changes"
        self._subscription = Subscription(self._place, self._reactor, channel, told, missed, self._seconds)
        await self._subscription.open()

    def close(self) -> Deferred[None]:
        """Let go of the connections, after what was asked for before is answered."""
        return ensureDeferred(self._end())

    async def _end(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()
        for answer in list(self._waiting):
            done: Deferred[None] = Deferred()
            answer.addBoth(_passed_on, done)
            await done
        await self._connection.close()

    @_asked
    async def last_number(self, kind: str, instance: str) -> int:
        """See `IStore`."""
        marks = f"{self._place.prefix}marks"
        try:
            return int(await self._connection.ask("HGET", marks, f"{kind}:{instance}") or 0)
        except ValueError:
            raise self._connection.error(f"has a mark that is no number: mend {marks}") from None

    def hear(self, listener: Callable[[Change], None]) -> None:
        """See `IStore`."""
        self._listener = listener

    def _note_damaged(self, keys: list[str]) -> None:
        for key in keys:
            _log.error(
                "{place}: {key} is not what mika wrote, and was left as it is (what its totals grew by is kept in "
                "{prefix}unapplied): mend it.",
                place=self._place,
                key=key,
                prefix=self._place.prefix,
            )

    # ---- users and roles

    @_asked
    async def user_by_passkey(self, passkey: str) -> User | None:
        """See `IUserStore`."""
        return await redis_users.by_passkey(self._connection, passkey)

    @_asked
    async def user_by_id(self, user_id: int) -> User | None:
        """See `IUserStore`."""
        return await redis_users.by_id(self._connection, user_id)

    @_asked
    async def list_users(self, after: int, limit: int) -> list[User]:
        """See `IUserStore`."""
        return await redis_users.page(self._connection, after, limit)

    @_asked
    async def add_users(self, users: list[User]) -> list[User]:
        """See `IUserStore`. The users themselves are numbered, once all are in."""
        ids = await redis_users.add(self._connection, [copy_user(user) for user in users])
        for user, user_id in zip(users, ids, strict=True):
            user.id = user_id
        return users

    @_asked
    async def save_user(self, user: User, growth: Totals | None = None) -> None:
        """See `IUserStore`."""
        await self._save_users([(user, growth)])

    @_asked
    async def save_users(self, changes: list[tuple[User, Totals | None]]) -> None:
        """See `IUserStore`."""
        await self._save_users(changes)

    async def _save_users(self, changes: list[tuple[User, Totals | None]]) -> None:
        grown = freeze_growth((user.id, growth) for user, growth in changes if growth)
        await redis_users.save(self._connection, [redis_users.row_to_save(user) for user, _ in changes], grown)

    @_asked
    async def delete_user(self, user_id: int) -> bool:
        """See `IUserStore`."""
        return await redis_users.remove(self._connection, user_id)

    @_asked
    async def list_roles(self) -> list[Role]:
        """See `IUserStore`."""
        return await redis_users.all_roles(self._connection)

    @_asked
    async def save_role(self, role: Role) -> Role:
        """See `IUserStore`."""
        return await redis_users.save_role(self._connection, replace(role))

    @_asked
    async def delete_role(self, role_id: int) -> bool:
        """See `IUserStore`."""
        return await redis_users.remove_role(self._connection, role_id)

    @_asked
    async def apply_users(self, batch: UserBatch) -> None:
        """See `IUserStore`."""
        growth = await pack(self._reactor, freeze_growth(batch.growth), pack_growth)
        self._note_damaged(await redis_users.apply(self._connection, batch.mark, growth))

    @_asked
    async def save_freeleech(self, user_id: int, info_hash: bytes, until: int) -> None:
        """See `IFreeleechStore`."""
        await redis_rewards.save_token(self._connection, user_id, info_hash, until)

    @_asked
    async def delete_freeleech(self, user_id: int, info_hash: bytes) -> bool:
        """See `IFreeleechStore`."""
        return await redis_rewards.remove_token(self._connection, user_id, info_hash)

    @_asked
    async def void_key(self, user_id: int, info_hash: bytes) -> int:
        """See `IKeyStore`."""
        return await redis_rewards.void_key(self._connection, user_id, info_hash)

    @_asked
    async def bonus_entries(self, user_id: int, before: int, limit: int) -> list[BonusEntry]:
        """See `IBonusStore`."""
        return await redis_rewards.entries(self._connection, user_id, before, limit)

    @_asked
    async def add_bonus_entry(self, entry: BonusEntry) -> tuple[BonusEntry, bool]:
        """See `IBonusStore`."""
        return await redis_rewards.add_entry(self._connection, entry)

    @_asked
    async def apply_history(self, batch: HistoryBatch) -> None:
        """See `IHistoryStore`."""
        rows = await pack(self._reactor, batch.growth, redis_history.pack_rows)
        self._note_damaged(await redis_history.apply(self._connection, batch.mark, rows))

    @_asked
    async def history_of(self, user_id: int, after: bytes, limit: int) -> list[History]:
        """See `IHistoryStore`."""
        return await redis_history.of_user(self._connection, user_id, after, limit)

    @_asked
    async def debts(self, after: tuple[int, bytes], limit: int, info_hash: bytes | None = None) -> list[History]:
        """See `IHistoryStore`."""
        return await redis_history.debts(self._connection, after, limit, info_hash)

    @_asked
    async def save_debts(self, debts: list[tuple[int, bytes, Debt]]) -> None:
        """See `IHistoryStore`."""
        await redis_history.save_debts(self._connection, list(debts))

    @_asked
    async def suspicion(self, suspicion_id: int) -> Suspicion | None:
        """See `ISuspicionStore`."""
        return await redis_suspicions.by_id(self._connection, suspicion_id)

    @_asked
    async def suspicion_of(self, kind: str, user_id: int, info_hash: bytes) -> Suspicion | None:
        """See `ISuspicionStore`."""
        return await redis_suspicions.about(self._connection, kind, user_id, info_hash)

    @_asked
    async def list_suspicions(self, sought: Sought, before: int, limit: int) -> list[Suspicion]:
        """See `ISuspicionStore`."""
        return await redis_suspicions.page(self._connection, sought, before, limit)

    @_asked
    async def replace_suspicion(self, old: Suspicion | None, new: Suspicion) -> Suspicion | None:
        """See `ISuspicionStore`."""
        return await redis_suspicions.replace_row(self._connection, old, new)

    # ---- torrents and whitelist

    @_asked
    async def torrent(self, info_hash: bytes) -> Torrent | None:
        """See `ITorrentStore`."""
        return await redis_torrents.find(self._connection, info_hash)

    @_asked
    async def list_torrents(self, after: bytes, limit: int, whole: bool = False) -> list[Torrent]:
        """See `ITorrentStore`."""
        return await redis_torrents.page(self._connection, after, limit, whole)

    @_asked
    async def add_torrents(self, torrents: list[Torrent]) -> None:
        """See `ITorrentStore`."""
        await redis_torrents.add(self._connection, [copy_torrent(torrent) for torrent in torrents])

    @_asked
    async def save_torrent(self, torrent: Torrent, growth: Totals | None = None) -> None:
        """See `ITorrentStore`."""
        await self._save_torrents([(torrent, growth)])

    @_asked
    async def save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> None:
        """See `ITorrentStore`."""
        await self._save_torrents(changes)

    async def _save_torrents(self, changes: list[tuple[Torrent, Totals | None]]) -> None:
        grown = freeze_growth((torrent.info_hash.hex(), growth) for torrent, growth in changes if growth)
        rows = [redis_torrents.row_to_save(torrent) for torrent, _ in changes]
        await redis_torrents.save(self._connection, rows, grown)

    @_asked
    async def whitelist(self) -> dict[str, str]:
        """See `ITorrentStore`."""
        return await redis_torrents.listed(self._connection)

    @_asked
    async def save_whitelisted(self, prefix: str, name: str) -> None:
        """See `ITorrentStore`."""
        await redis_torrents.save_listed(self._connection, prefix, name)

    @_asked
    async def delete_whitelisted(self, prefix: str) -> bool:
        """See `ITorrentStore`."""
        return await redis_torrents.remove_listed(self._connection, prefix)

    @_asked
    async def apply_torrents(self, batch: TorrentBatch) -> None:
        """See `ITorrentStore`."""
        frozen, completed = freeze_growth(batch.growth), sorted(batch.completers)
        growth = await pack(self._reactor, [(key.hex(), figures) for key, figures in frozen], pack_growth)
        completers = await pack(self._reactor, completed, redis_torrents.pack_completers)
        self._note_damaged(await redis_torrents.apply(self._connection, batch.mark, growth, completers))

    # ---- peers

    @_asked
    async def load_peers(self, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> None:
        """See `IPeerStore`."""
        await redis_peers.load(self._connection, keep)

    @_asked
    async def peers_near(self, info_hash: bytes, circle: Circle) -> list[tuple[int, bytes]]:
        """See `IPeerStore`."""
        return await redis_peers.near(self._connection, info_hash, circle)

    @_asked
    async def apply_peers(self, batch: PeerBatch) -> None:
        """See `IPeerStore`."""
        frozen, keys = freeze_peers(batch.present), list(batch.gone)
        present = await pack(self._reactor, frozen, redis_peers.pack_present)
        gone = await pack(self._reactor, keys, redis_peers.pack_gone)
        self._note_damaged(await redis_peers.apply(self._connection, batch.mark, present, gone))


def _passed_on(result: Any, done: Deferred[None]) -> Any:
    done.callback(None)
    return result
