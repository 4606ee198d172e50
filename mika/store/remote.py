"""The store that is the site itself: the interfaces as JSON over HTTP, as docs/remote-store.md has them.

What a call is given goes on changing while it travels, so it is written down, or copied, at the call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from mika.errors import ConflictError, OutOfStepError, StoreError
from mika.interfaces import (
    Change,
    Circle,
    IPeerStore,
    ITorrentStore,
    IUserStore,
    Mark,
    PeerBatch,
    TorrentBatch,
    UserBatch,
)
from mika.model import INT64_MAX, Peer, Role, Torrent, Totals, User
from mika.store import remote_json as form
from mika.store.remote_changes import Watch
from mika.store.remote_site import TIMEOUT, Address, Answer, Site
from mika.store.taken import PASSKEY_TAKEN, refuse_default_role
from mika.store.values import freeze_growth, freeze_peers

PROTOCOL = 1
"""The version of docs/remote-store.md."""

POLL_INTERVAL = 2.0
"""Seconds between two questions for what changed on the site."""

_PAGE = 1000  # users or torrents
_PEERS = 2000  # one page of them is about a megabyte
_WORDS = 200  # characters of a site's own words that are passed on

_HASH_TAKEN = "There is already a torrent with one of the info hashes."

T = TypeVar("T")


class Paged(NamedTuple, Generic[T]):
    """What is listed in pages: the name of the list, how a row is read, and what it is in order of."""

    name: str
    read: Callable[[Any], T]
    key: Callable[[T], Any]


_USERS = Paged("users", form.read_user, attrgetter("id"))
_TORRENTS = Paged("torrents", form.read_torrent, attrgetter("info_hash"))


@implementer(IUserStore, ITorrentStore, IPeerStore)
class RemoteStore:
    """All three kinds of store on one site; a site that keeps only some is asked only for those."""

    def __init__(
        self, address: Address, reactor: Any, poll_interval: float = POLL_INTERVAL, timeout: float = TIMEOUT
    ) -> None:
        """`ConfigError` if the token or the certificates of the address cannot be read."""
        self._reactor = reactor
        self._site = Site(address, reactor, timeout)
        self._poll_interval = poll_interval
        self._listener: Callable[[Change], None] | None = None
        self._watch: Watch | None = None
        self._running = 0
        self._idle: list[Deferred[None]] = []
        self._open = False

    @property
    def place(self) -> str:
        """What an operator calls the site, without its token."""
        return self._site.place

    # ---- open, close, marks, changes

    def open(self) -> Deferred[None]:
        """Ask whether the site is there, takes the token and speaks this protocol, and begin to hear of changes."""
        self._open = True
        return self._run(self._greet()).addErrback(self._not_open)

    async def _greet(self) -> None:
        answer = await self._site.ask("GET", "/store")
        with self._in_words("GET /store"):
            version = form.read_field("protocol", form.INTEGER, answer.body)
            cursor = form.read_field("changes", form.OPTIONAL_TEXT, answer.body)
        if version != PROTOCOL:
            raise StoreError(f"{self._site.place} speaks protocol {version}, and this mika speaks {PROTOCOL}.")
        if self._listener is not None and cursor is not None and self._open:
            self._watch = Watch(self._site, self._reactor, self._poll_interval, self._listener, cursor)
            self._watch.start()

    def _not_open(self, failure: Any) -> Any:
        return self.close().addCallback(lambda _: failure)

    def close(self) -> Deferred[None]:
        """Let go of the connections, after what was asked for before is answered."""
        self._open = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        while self._running:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await idle
        await self._site.close()

    def _run(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """Begin a call, which `close` then waits for."""
        if not self._open:
            work.close()
            return fail(StoreError(f"{self._site.place} is not open."))
        self._running += 1
        return Deferred.fromCoroutine(work).addBoth(self._ended)

    def _ended(self, result: T) -> T:
        self._running -= 1
        if not self._running:
            idle, self._idle = self._idle, []
            for each in idle:
                self._reactor.callLater(0, each.callback, None)  # after those who wait for this call
        return result

    def last_number(self, kind: str, instance: str) -> Deferred[int]:
        """See `IStore`."""

        async def work() -> int:
            answer = await self._site.ask("GET", f"/marks/{kind}", {"instance": instance})
            with self._in_words(f"GET /marks/{kind}"):
                number: int = form.read_field("number", form.INTEGER, answer.body)
            return number

        return self._run(work())

    def hear(self, listener: Callable[[Change], None]) -> None:
        """See `IStore`. The site is asked every `poll_interval` seconds, if it tells of changes at all."""
        self._listener = listener

    # ---- users and roles

    def user_by_passkey(self, passkey: str) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self._run(self._one("/users", form.read_user, {"passkey": passkey}))

    def user_by_id(self, user_id: int) -> Deferred[User | None]:
        """See `IUserStore`."""
        return self._run(self._one(f"/users/{user_id}", form.read_user)) if _possible(user_id) else succeed(None)

    def list_users(self, after: int, limit: int) -> Deferred[list[User]]:
        """See `IUserStore`."""
        start = max(-INT64_MAX, min(after, INT64_MAX))
        return self._run(self._list(_USERS, start, limit))

    def add_users(self, users: list[User]) -> Deferred[list[User]]:
        """See `IUserStore`. The users themselves are numbered, once all are in."""
        body = _body({"users": [form.user_as_json(user, whole=True) for user in users]})

        async def work() -> list[User]:
            answer = await self._site.ask("POST", "/users", body=body, may=(409,))
            self._refuse_conflict(answer, "The id or the passkey is another user's.", len(users))
            with self._in_words("POST /users"):
                ids = list(map(form.INTEGER.read, form.read_field("ids", form.LIST, answer.body)))
                if len(ids) != len(users) or any(user.id not in (0, new) for user, new in zip(users, ids, strict=True)):
                    raise form.MalformedError("its ids are not those of the users")
            for user, new in zip(users, ids, strict=True):
                user.id = new
            return users

        return self._run(work())

    def save_user(self, user: User, growth: Totals | None = None) -> Deferred[None]:
        """See `IUserStore`."""
        body = _body({"user": form.user_as_json(user, whole=False), "growth": _growth(growth)})
        return self._run(self._save(f"/users/{user.id}", body, PASSKEY_TAKEN))

    def delete_user(self, user_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        return self._run(self._delete(f"/users/{user_id}")) if _possible(user_id) else succeed(False)

    def list_roles(self) -> Deferred[list[Role]]:
        """See `IUserStore`."""
        return self._run(self._all("roles", form.read_role))

    def save_role(self, role: Role) -> Deferred[Role]:
        """See `IUserStore`."""
        saved = replace(role)
        body = _body({"role": form.role_as_json(role)})

        async def work() -> Role:
            answer = await self._site.ask("POST", "/roles", body=body)
            with self._in_words("POST /roles"):
                number = form.read_field("id", form.INTEGER, answer.body)
            return replace(saved, id=number)

        return self._run(work())

    def delete_role(self, role_id: int) -> Deferred[bool]:
        """See `IUserStore`."""
        try:
            refuse_default_role(role_id)
        except ConflictError as error:
            return fail(error)
        return self._run(self._delete(f"/roles/{role_id}")) if _possible(role_id) else succeed(False)

    def apply_users(self, batch: UserBatch) -> Deferred[None]:
        """See `IUserStore`."""
        growth = freeze_growth(batch.growth)
        rows = ({"id": str(user_id)} | form.growth_as_json(figures) for user_id, figures in growth)
        return self._run(self._apply("users", batch.mark, growth=rows))

    # ---- torrents and whitelist

    def torrent(self, info_hash: bytes) -> Deferred[Torrent | None]:
        """See `ITorrentStore`."""
        return self._run(self._one(f"/torrents/{info_hash.hex()}", form.read_torrent))

    def list_torrents(self, after: bytes, limit: int, whole: bool = False) -> Deferred[list[Torrent]]:
        """See `ITorrentStore`."""
        return self._run(self._list(_TORRENTS, after, limit, {"whole": "1"} if whole else None))

    def add_torrents(self, torrents: list[Torrent]) -> Deferred[None]:
        """See `ITorrentStore`."""
        body = _body({"torrents": [form.torrent_as_json(torrent, whole=True) for torrent in torrents]})

        async def work() -> None:
            answer = await self._site.ask("POST", "/torrents", body=body, may=(409,))
            self._refuse_conflict(answer, _HASH_TAKEN, len(torrents))

        return self._run(work())

    def save_torrent(self, torrent: Torrent, growth: Totals | None = None) -> Deferred[None]:
        """See `ITorrentStore`."""
        body = _body({"torrent": form.torrent_as_json(torrent, whole=False), "growth": _growth(growth)})
        return self._run(self._save(f"/torrents/{torrent.info_hash.hex()}", body, _HASH_TAKEN))

    def whitelist(self) -> Deferred[dict[str, str]]:
        """See `ITorrentStore`."""

        def read(row: Any) -> tuple[str, str]:
            fields = form.read_fields({"prefix": form.TEXT, "name": form.TEXT}, row, "a prefix")
            return fields["prefix"], fields["name"]

        return self._run(self._all("whitelist", read)).addCallback(dict)

    def save_whitelisted(self, prefix: str, name: str) -> Deferred[None]:
        """See `ITorrentStore`."""
        return self._run(self._save("/whitelist", _body({"prefix": prefix, "name": name})))

    def delete_whitelisted(self, prefix: str) -> Deferred[bool]:
        """See `ITorrentStore`."""
        return self._run(self._delete("/whitelist", {"prefix": prefix}))

    def apply_torrents(self, batch: TorrentBatch) -> Deferred[None]:
        """See `ITorrentStore`."""
        growth, completed = freeze_growth(batch.growth), sorted(batch.completers)
        rows = ({"info_hash": info_hash.hex()} | form.growth_as_json(figures) for info_hash, figures in growth)
        completers = ({"info_hash": info_hash.hex(), "user_id": str(user_id)} for info_hash, user_id in completed)
        return self._run(self._apply("torrents", batch.mark, growth=rows, completers=completers))

    # ---- peers

    def load_peers(self, keep: Callable[[Sequence[tuple[bytes, Peer]]], None]) -> Deferred[None]:
        """See `IPeerStore`."""

        async def work() -> None:
            after: str | None = ""
            while after is not None:
                answer = await self._site.ask("GET", "/peers", {"after": after, "limit": _PEERS})
                with self._in_words("GET /peers"):
                    found = list(map(form.read_peer, form.read_field("peers", form.LIST, answer.body)))
                    following = form.read_field("next", form.OPTIONAL_TEXT, answer.body)
                    if following == after:
                        raise form.MalformedError("its next page is the same one again")
                keep(found)
                after = following

        return self._run(work())

    def peers_near(self, info_hash: bytes, circle: Circle) -> Deferred[list[tuple[int, bytes]]]:
        """See `IPeerStore`."""
        query = {
            "info_hash": info_hash.hex(),
            "latitude": circle.latitude,
            "longitude": circle.longitude,
            "metres": circle.metres,
        }

        def read(row: Any) -> tuple[int, bytes]:
            fields = form.read_fields({"user_id": form.INTEGER, "peer_id": form.HASH}, row, "a peer")
            return fields["user_id"], fields["peer_id"]

        return self._run(self._all("peers", read, "/peers/near", query))

    def apply_peers(self, batch: PeerBatch) -> Deferred[None]:
        """See `IPeerStore`."""
        present, gone = freeze_peers(batch.present), list(batch.gone)
        rows = (form.peer_as_json(*each) for each in present)
        return self._run(self._apply("peers", batch.mark, present=rows, gone=(form.key_as_json(*key) for key in gone)))

    # ---- the few shapes that requests have

    async def _one(self, path: str, read: Callable[[Any], T], query: Mapping[str, object] | None = None) -> T | None:
        answer = await self._site.ask("GET", path, query, may=(404,))
        if answer.status == 404:
            return None
        with self._in_words(f"GET {path}"):
            return read(answer.body)

    async def _all(
        self, name: str, read: Callable[[Any], T], path: str = "", query: Mapping[str, object] | None = None
    ) -> list[T]:
        answer = await self._site.ask("GET", path or f"/{name}", query)
        with self._in_words(f"GET {path or f'/{name}'}"):
            return list(map(read, form.read_field(name, form.LIST, answer.body)))

    async def _list(self, kind: Paged[T], after: Any, limit: int, more: Mapping[str, object] | None = None) -> list[T]:
        """Ask page by page: a page may be shorter than asked for, so that only an empty one is the end."""
        found: list[T] = []
        while len(found) < limit:
            asked = min(limit - len(found), _PAGE)
            start = after.hex() if isinstance(after, bytes) else after
            page = await self._all(kind.name, kind.read, query={"after": start, "limit": asked, **(more or {})})
            keys = [after, *map(kind.key, page)]
            if len(page) > asked or any(one >= other for one, other in pairwise(keys)):
                raise StoreError(f"{self._site.place} answers GET /{kind.name} with too many, or out of order.")
            if not page:
                break
            found += page
            after = keys[-1]
        return found

    async def _save(self, path: str, body: bytes, taken: str = "") -> None:
        """Write what may be absent, which changes nothing, or clash if there are words for what is `taken`."""
        answer = await self._site.ask("POST", path, body=body, may=(404, 409) if taken else ())
        self._refuse_conflict(answer, taken, 1)

    async def _delete(self, path: str, query: Mapping[str, object] | None = None) -> bool:
        return (await self._site.ask("DELETE", path, query, may=(404,))).status == 200

    async def _apply(self, kind: str, mark: Mark, **rows: Iterable[dict[str, Any]]) -> None:
        """Send a batch. Its answer names the number that was written: no page of another program does by chance."""
        pool = self._reactor.getThreadPool()
        body = await deferToThreadPool(self._reactor, pool, form.batch_as_json, mark, **rows)
        path = f"/batches/{kind}"
        answer = await self._site.ask("POST", path, body=body, may=(412,))
        if answer.status == 412:
            raise OutOfStepError(
                f"The last batch of {kind} on the site is another than the one before this: nothing was written twice."
            )
        with self._in_words(f"POST {path}"):
            if form.read_field("number", form.INTEGER, answer.body) != mark.number:
                raise form.MalformedError("its number is not that of the batch")

    def _refuse_conflict(self, answer: Answer, words: str, count: int) -> None:
        if answer.status != 409:
            return
        detail, index = answer.body.get("detail"), answer.body.get("index", 0)
        if isinstance(detail, str) and detail and detail.isprintable():
            words = detail[:_WORDS]
        raise ConflictError(words, index if type(index) is int and 0 <= index < count else 0)

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        try:
            yield
        except form.MalformedError as error:
            raise StoreError(f"{self._site.place} answers {what} with what mika cannot read: {error}.") from None


def _possible(number: int) -> bool:
    """Say whether a site could know this id: a longer one, from the path of a request, is simply nobody's."""
    return -INT64_MAX <= number <= INT64_MAX


def _body(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _growth(growth: Totals | None) -> dict[str, str] | None:
    return None if growth is None else form.growth_as_json(growth.values())
