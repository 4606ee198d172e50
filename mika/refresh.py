"""What others changed in a store becomes what is in memory: accounts are read anew as the stores tell of changes.

`tap.py` starts it with the stores. It also reads everything at the start, where the operator wants that (`preload`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime

from mika.changes import Changes, take_totals
from mika.directory import Directory
from mika.errors import StoreError
from mika.interfaces import Change, ITorrentStore, IUserStore
from mika.jobs import Periodic
from mika.loading import loading
from mika.model import Torrent, User, hashes_of

INTERVAL = 0.25
"""Seconds between two looks at what was heard: what changes a hundred times in a row is read once."""

PAGE = 1000
"""Accounts that are read at a time when all of them are."""

_ASIDE = {"id", "info_hash", "totals", "written", "completers", "revision"}
USER_FACTS = [each.name for each in fields(User) if each.name not in _ASIDE]
TORRENT_FACTS = [each.name for each in fields(Torrent) if each.name not in _ASIDE]

Key = TypeVar("Key", int, bytes)
Account = TypeVar("Account", User, Torrent)


class Sources(Protocol):
    """Where to read: `store.registry.Stores`."""

    @property
    def users(self) -> IUserStore:
        """The users store."""

    @property
    def torrents(self) -> ITorrentStore:
        """The torrents store."""


class Refresher(Periodic):
    """Reads anew what was heard to have changed; what cannot be read yet is tried again."""

    def __init__(self, directory: Directory, stores: Sources, clock: IReactorTime, *, preload: bool = False) -> None:
        super().__init__(clock, INTERVAL)
        self._directory = directory
        self._users = stores.users
        self._torrents = stores.torrents
        self._preload = preload
        self._heard: dict[Change, None] = {}

    def hear(self, change: Change) -> None:
        """Note that something changed."""
        self._heard[change] = None

    def startService(self) -> Deferred[None]:  # type: ignore[override]  # noqa: N802 - Twisted's name; it may take a while
        """Read everything first, if the operator wants that, before anybody is answered."""
        return ensureDeferred(self._start())

    async def _start(self) -> None:
        if self._preload:
            with loading():
                await self.read_everything()
            directory = self._directory
            self.log.info(
                "{users} users and {torrents} torrents loaded",
                users=len(directory.users_by_id),
                torrents=len(directory.torrents),
            )
        super().startService()

    async def read_everything(self) -> None:
        """Read every user and every torrent: nobody who is not among them need be looked for then."""
        await self._read_users(known_only=False)
        await self._read_torrents(known_only=False)
        self._directory.has_all = True

    async def work(self) -> None:
        """Read what was heard of since the last time."""
        heard, self._heard = self._heard, {}
        kinds = {change.kind for change in heard if change.key is None}
        for change in heard:
            if change.key is not None and change.kind in kinds:
                continue  # all of them are read
            try:
                done = await self._read(change)
            except StoreError as problem:
                self.log.debug("what others changed cannot be read yet: {problem}", problem=problem)
                done = False
            if not done:
                self._heard[change] = None

    async def _read(self, change: Change) -> bool:
        directory = self._directory
        known_only = not directory.has_all
        if change.kind == "role":
            await directory.read_roles()
        elif change.kind == "whitelist":
            await directory.read_whitelist()
        elif change.kind == "user" and change.key is None:
            return await self._read_users(known_only=known_only)
        elif change.kind == "torrent" and change.key is None:
            return await self._read_torrents(known_only=known_only)
        elif isinstance(change.key, int):
            async with directory.user_changes:
                return self._take_user(change.key, await self._users.user_by_id(change.key), known_only)
        elif change.key is not None:
            async with directory.torrent_changes:
                return self._take_torrent(change.key, await self._torrents.torrent(change.key), known_only)
        return True

    # ---- all of them, in pages

    async def _read_users(self, *, known_only: bool) -> bool:
        known = set(self._directory.users_by_id)

        def take(user_id: int, stored: User | None) -> bool:
            known.discard(user_id)
            return self._take_user(user_id, stored, known_only)

        done = await _in_pages(
            self._directory.user_changes, lambda after: self._users.list_users(after, PAGE), _id, take, -1
        )
        for user_id in list(known):
            async with self._directory.user_changes:  # it may have been added behind the pages
                take(user_id, await self._users.user_by_id(user_id))
        return done

    async def _read_torrents(self, *, known_only: bool) -> bool:
        known = {torrent.info_hash for torrent in self._directory.torrents.values()}

        def take(info_hash: bytes, stored: Torrent | None) -> bool:
            known.discard(info_hash)
            return self._take_torrent(info_hash, stored, known_only)

        done = await _in_pages(
            self._directory.torrent_changes,
            lambda after: self._torrents.list_torrents(after, PAGE, True),
            _info_hash,
            take,
            b"",
        )
        for info_hash in list(known):
            async with self._directory.torrent_changes:
                take(info_hash, await self._torrents.torrent(info_hash))
        return done

    # ---- one of them

    def _take_user(self, user_id: int, stored: User | None, known_only: bool) -> bool:
        """Let a stored user count; False if that must wait, as it is not known what of the totals is ours."""
        directory = self._directory
        live = directory.users_by_id.get(user_id)
        if stored is None:
            if live is not None:
                directory.let_user_go(live)
        elif live is None:
            directory.absent.discard(stored.passkey)
            directory.absent.discard(user_id)
            if not known_only:
                directory.remember_user(stored)
        elif directory.user_changes.in_doubt:
            return False
        else:
            take_totals(live, stored)
            directory.set_user(live, {name: getattr(stored, name) for name in USER_FACTS})
        return True

    def _take_torrent(self, info_hash: bytes, stored: Torrent | None, known_only: bool) -> bool:
        """Let a stored torrent count, as `_take_user` does."""
        directory = self._directory
        live = directory.torrents.get(info_hash)
        if stored is None:
            if live is not None:
                directory.let_torrent_go(live)
        elif live is None:
            for each in hashes_of(stored):
                directory.absent.discard(each)
            if not known_only:
                directory.remember_torrent(stored)
        elif directory.torrent_changes.in_doubt:
            return False
        else:
            take_totals(live, stored)
            live.completers |= stored.completers
            directory.set_torrent(live, {name: getattr(stored, name) for name in TORRENT_FACTS})
        return True


async def _in_pages(
    changes: Changes,
    ask: Callable[[Key], Awaitable[list[Account]]],
    key_of: Callable[[Account], Key],
    take: Callable[[Key, Account], bool],
    after: Key,
) -> bool:
    """Take page after page, each of them in turn with the changes; answer whether all could be taken."""
    done = True
    while True:
        async with changes:
            page = await ask(after)
            for stored in page:
                done &= take(key_of(stored), stored)
        if not page:
            return done
        after = key_of(page[-1])


def _id(user: User) -> int:
    return user.id


def _info_hash(torrent: Torrent) -> bytes:
    return torrent.info_hash
