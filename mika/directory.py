"""Users, torrents, roles and whitelist in memory: read at every announce, loaded at a miss, changed through the API.

The tracker asks the dictionaries, which costs no I/O. When it misses, `server/http.py` asks `load`, the one thing on
the announce path that returns a Deferred. Changes are written to the store first and count from the next announce.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

from mika._torrents_cy import Torrents
from mika.absent import Absent
from mika.changes import set_fields
from mika.edits import Edit, Ways, change_all
from mika.errors import ConflictError, NotFoundError
from mika.events import Publish, unheard
from mika.finding import find_in_pages
from mika.interfaces import ITorrentStore, IUserStore
from mika.model import Torrent, User, hashes_of
from mika.standing import Check, Standing, whatever
from mika.swarm.swarms import Swarms
from mika.turns import Rest, at_once, in_turns


class Directory(Standing):
    """The facts that announces are judged by, and the only way to change them."""

    def __init__(
        self,
        users: IUserStore,
        torrents: ITorrentStore,
        swarms: Swarms,
        clock: Callable[[], float],
        settle: Callable[[str], Deferred[None]],
        negative_ttl: int = 60,
    ) -> None:
        """`clock` tells seconds since 1970; `swarms` loses the peers of users and torrents that go.

        `settle` has everything that waits written to the users or the torrents store: what an account earned that is
        gone must not reach a new one with its id or its hash.
        """
        super().__init__(users, torrents, clock)
        self.users: dict[str, User] = {}
        self.users_by_id: dict[int, User] = {}
        self.torrents = Torrents()
        self.absent = Absent(negative_ttl)
        self._swarms = swarms
        self.settle = settle
        self._gone: set[int | bytes] = set()
        self.has_all = False
        self.publish: Publish = unheard
        self.lookups: Counter[tuple[str, bool]] = Counter()  # by kind of store, and whether it was there
        self._loading: dict[Hashable, list[Deferred[None]]] = {}

    def is_absent(self, key: str | int | bytes, now: int) -> bool:
        """Say whether a passkey, a user id or an info hash was looked for and is in no store."""
        return self.has_all or self.absent.has(key, now)

    # ---- a miss on the announce path

    def load(self, user: str | int | None, info_hashes: Iterable[bytes]) -> Deferred[None]:
        """Read what is neither in memory nor known to be absent; many calls for the same key share one read.

        `user` is a passkey or an id.
        Fails with `StoreError` when a store cannot answer.
        """
        now = self.now()
        reads = []
        known = user in (self.users_by_id if isinstance(user, int) else self.users)
        if user is not None and not known and not self.absent.has(user, now):
            reads.append(self._shared(user, self._load_user))
        reads.extend(
            self._shared(info_hash, self._load_torrent)
            for info_hash in info_hashes
            if info_hash not in self.torrents and not self.absent.has(info_hash, now)
        )
        return gatherResults(reads, consumeErrors=True).addCallbacks(lambda _: None, _first_failure)

    async def register(self, info_hashes: Iterable[bytes]) -> None:
        """Add torrents that are announced for the first time (`auto_register`)."""
        for info_hash in info_hashes:
            try:
                await self.add_torrents([Torrent(info_hash)])
            except ConflictError:
                await self._load_torrent(info_hash)  # another announce was first

    def _shared(self, key: Any, read: Callable[[Any], Awaitable[None]]) -> Deferred[None]:
        waiter: Deferred[None] = Deferred()
        if key in self._loading:
            self._loading[key].append(waiter)
            return waiter
        self._loading[key] = [waiter]

        def wake(result: Any) -> None:
            for each in self._loading.pop(key):
                each.callback(result)  # a Failure given to callback becomes an errback

        ensureDeferred(_as_coroutine(read(key))).addBoth(wake)
        return waiter

    async def _load_user(self, key: str | int) -> None:
        read: Any = self.user_store.user_by_id if isinstance(key, int) else self.user_store.user_by_passkey
        await self.user_changes.read(lambda: read(key), self._keep("users", key, self.remember_user))

    async def _load_torrent(self, info_hash: bytes) -> None:
        read = self._torrent_store.torrent
        await self.torrent_changes.read(
            lambda: read(info_hash), self._keep("torrents", info_hash, self.remember_torrent)
        )

    def _keep(self, kind: str, key: str | int | bytes, remember: Callable[[Any], object]) -> Callable[[Any], None]:
        def keep(found: User | Torrent | None) -> None:
            self.lookups[kind, found is not None] += 1
            if found is None:
                self.absent.add(key, self.now())
            else:
                remember(found)

        return keep

    def remember_user(self, user: User) -> User:
        """Take a user into memory as stored, and answer; who is there already is the one that counts."""
        live = self.users_by_id.get(user.id)
        if live is not None:
            return live
        self.users_by_id[user.id] = self.users[user.passkey] = user
        self.absent.discard(user.passkey)
        self.absent.discard(user.id)
        return user

    def remember_torrent(self, torrent: Torrent) -> Torrent:
        """Take a torrent into memory, as `remember_user` does."""
        live = self.torrents.get(torrent.info_hash)
        if live is not None:
            return live
        for info_hash in hashes_of(torrent):
            self.torrents[info_hash] = torrent
            self.absent.discard(info_hash)
        return torrent

    # ---- users

    async def user(self, user_id: int) -> User:
        """Answer with the live user; `NotFoundError` if there is none."""
        live = self.users_by_id.get(user_id) or await self.user_changes.read(
            lambda: self.user_store.user_by_id(user_id), lambda user: user and self.remember_user(user)
        )
        if live is None:
            raise NotFoundError(f"There is no user with the id {user_id}.")
        return live

    async def list_users(self, after: int, limit: int) -> list[User]:
        """Answer with a page of users in order of id, with their live totals."""
        return [self.users_by_id.get(user.id, user) for user in await self.user_store.list_users(after, limit)]

    async def add_users(self, users: list[User], rest: Rest = at_once) -> list[User]:
        """Add all or none; a user without a passkey is given one. `ConflictError` names the index."""
        now = self.now()

        def prepare(index: int, user: User) -> None:
            user.passkey = user.passkey or new_passkey()
            user.created_at = user.updated_at = now
            user.written = user.totals.copy()
            self._check_role(user.role, index)

        await in_turns(users, prepare, rest)
        again = self._gone.intersection(user.id for user in users)
        if again:
            await gatherResults([self.settle("users"), self.settle("history")])
            self._gone -= again
        async with self.user_changes:
            added = await self.user_store.add_users(users)
            self.user_changes.made += 1

            def take(_: int, user: User) -> User:
                self.tell(user.id, "added")
                return self.remember_user(user)

            return await in_turns(added, take, rest)

    async def change_user(
        self,
        user_id: int,
        changes: dict[str, Any],
        totals: Mapping[str, int] | None = None,
        check: Check[User] = whatever,
    ) -> User:
        """Set the named fields and the named totals; answer the live user.

        `check` is shown the user before, and fails if that is not the one who was to be changed.
        """
        return (await self.change_users([Edit(user_id, changes, totals or {}, check)]))[0]

    async def change_users(self, edits: Sequence[Edit[int, User]], rest: Rest = at_once) -> list[User]:
        """Change all or none, as `edits.change_all` says."""
        await find_in_pages(
            self.user_changes,
            [edit.key for edit in edits if edit.key not in self.users_by_id],
            lambda first, limit: self.user_store.list_users(first - 1, limit),
            lambda user: user.id,
            self.remember_user,
        )

        def refuse(index: int, fields: Mapping[str, Any]) -> None:
            if "role" in fields:
                self._check_role(fields["role"], index)

        ways: Ways[int, User] = Ways(
            self.user_changes,
            self.user,
            refuse,
            self._stamp,
            self.user_store.save_user,
            self.user_store.save_users,
            self.set_user,
            lambda user, totals: self.tell(user.id, "changed", totals),
        )
        return await change_all(ways, edits, rest)

    def set_user(self, user: User, changes: dict[str, Any]) -> None:
        """Let fields that a store has already count from now on."""
        if changes.get("passkey", user.passkey) != user.passkey:
            del self.users[user.passkey]
            self.users[changes["passkey"]] = user
            self.absent.discard(changes["passkey"])
        changed = set_fields(user, changes)
        self.tell(user.id, "changed", changed)
        if not user.enabled:
            self._swarms.drop_user(user.id)

    async def delete_user(self, user_id: int, check: Check[User] = whatever) -> None:
        """Delete the account and let its peers go; `NotFoundError` if there is none."""
        async with self.user_changes:
            if check is not whatever:  # else there is no need to read
                check(await self.user(user_id))
            if not await self.user_store.delete_user(user_id):
                raise NotFoundError(f"There is no user with the id {user_id}.")
            self.user_changes.made += 1
            user = self.users_by_id.get(user_id)
            if user is not None:
                self.let_user_go(user)
            else:
                self.tell(user_id, "deleted")
            self._swarms.forget_user(user_id)

    def let_user_go(self, user: User) -> None:
        """Forget a user who is in no store any more, and their peers."""
        del self.users_by_id[user.id]
        self.users.pop(user.passkey, None)
        self._gone.add(user.id)
        self._swarms.forget_user(user.id)
        self.tell(user.id, "deleted")

    # ---- torrents

    async def torrent(self, info_hash: bytes) -> Torrent:
        """Answer with the live torrent of this hash; `NotFoundError` if there is none or it was deleted."""
        torrent = self.torrents.get(info_hash)
        if torrent is None:
            await self._load_torrent(info_hash)
            torrent = self.torrents.get(info_hash)
        if torrent is None or torrent.deleted:
            raise NotFoundError(f"There is no torrent with the info hash {info_hash.hex()}.")
        return torrent

    async def list_torrents(self, after: bytes, limit: int) -> list[Torrent]:
        """Answer with a page of torrents in order of info hash, with their live totals."""
        stored = await self._torrent_store.list_torrents(after, limit)
        return [self.torrents.get(torrent.info_hash, torrent) for torrent in stored]

    async def add_torrents(self, torrents: list[Torrent], rest: Rest = at_once) -> list[Torrent]:
        """Add all or none; one that was deleted before starts anew. `ConflictError` names the index."""
        now = self.now()

        def prepare(_: int, torrent: Torrent) -> None:
            torrent.created_at = torrent.updated_at = now
            torrent.written = torrent.totals.copy()

        await in_turns(torrents, prepare, rest)
        again = {each.info_hash for each in torrents if each.info_hash in self.torrents or each.info_hash in self._gone}
        if again:
            await self.settle("torrents")
            self._gone -= again
        async with self.torrent_changes:
            await self._torrent_store.add_torrents(torrents)
            self.torrent_changes.made += 1

            def take(_: int, torrent: Torrent) -> None:
                self._replace_deleted(torrent)
                self.remember_torrent(torrent)
                self.tell(torrent.info_hash, "added")

            await in_turns(torrents, take, rest)
        return torrents

    async def change_torrent(
        self,
        info_hash: bytes,
        changes: dict[str, Any],
        totals: Mapping[str, int] | None = None,
        check: Check[Torrent] = whatever,
    ) -> Torrent:
        """Set the named fields and the named totals, as `change_user` does; answer the live torrent."""
        return (await self.change_torrents([Edit(info_hash, changes, totals or {}, check)]))[0]

    async def change_torrents(self, edits: Sequence[Edit[bytes, Torrent]], rest: Rest = at_once) -> list[Torrent]:
        """Change all or none, as `change_users` does."""
        await find_in_pages(
            self.torrent_changes,
            [edit.key for edit in edits if edit.key not in self.torrents],
            lambda first, limit: self._torrent_store.list_torrents(_before(first), limit, True),
            lambda torrent: torrent.info_hash,
            self.remember_torrent,
        )
        ways: Ways[bytes, Torrent] = Ways(
            self.torrent_changes,
            self.torrent,
            lambda _index, _fields: None,
            self._stamp,
            self._torrent_store.save_torrent,
            self._torrent_store.save_torrents,
            self.set_torrent,
            lambda torrent, totals: self.tell(torrent.info_hash, "changed", totals),
        )
        return await change_all(ways, edits, rest)

    def set_torrent(self, torrent: Torrent, changes: dict[str, Any]) -> None:
        """Let fields that a store has already count from now on."""
        for each in hashes_of(torrent):
            self.torrents.pop(each, None)
        changed = set_fields(torrent, changes)
        self._replace_deleted(torrent)
        self.remember_torrent(torrent)
        if torrent.deleted:
            self._swarms.drop_torrent(torrent.info_hash)
        self.tell(torrent.info_hash, "deleted" if "deleted" in changed and torrent.deleted else "changed", changed)

    async def delete_torrent(self, info_hash: bytes, reason: str, check: Check[Torrent] = whatever) -> None:
        """Delete, remembering the reason for those who still announce it; `NotFoundError` if there is none."""
        await self.change_torrent(info_hash, {"deleted": True, "reason": reason}, check=check)

    def let_torrent_go(self, torrent: Torrent) -> None:
        """Forget a torrent of which no store has anything any more, and its peers."""
        for each in hashes_of(torrent):
            self.torrents.pop(each, None)
        self._gone.add(torrent.info_hash)
        self._swarms.drop_torrent(torrent.info_hash)
        self.tell(torrent.info_hash, "deleted")

    def _stamp(self, noun: User | Torrent) -> dict[str, int]:
        """Return what says that this is changed now, in another way than any change before."""
        now = self.now()
        return {"updated_at": now, "revision": noun.revision + 1 if now == noun.updated_at else 0}

    def tell(self, key: int | bytes, change: str, fields: Sequence[str] = ()) -> None:
        """Publish what became of an account, by user id or info hash."""
        type_, account = ("user", {"id": key}) if isinstance(key, int) else ("torrent", {"info_hash": key.hex()})
        if fields or change != "changed":
            self.publish(type_, {**account, "change": change, "fields": list(fields)})

    def _replace_deleted(self, torrent: Torrent) -> None:
        """Forget the deleted torrents that had one of this torrent's hashes, as the store has done."""
        for gone in {self.torrents[each] for each in hashes_of(torrent) if each in self.torrents}:
            for each in hashes_of(gone):
                self.torrents.pop(each, None)


def new_passkey() -> str:
    """Make a passkey: 32 lower-case hex digits."""
    return secrets.token_hex(16)


def _before(info_hash: bytes) -> bytes:
    """Return what a page is asked for after so that it begins with this hash."""
    number = int.from_bytes(info_hash, "big")
    return (number - 1).to_bytes(len(info_hash), "big") if number else b""


async def _as_coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


def _first_failure(failure: Any) -> Any:
    return failure.value.subFailure if hasattr(failure.value, "subFailure") else failure
