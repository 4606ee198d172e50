"""What requests to a site that is the store have in common: begin and end, changes, marks, and the shapes they have.

`remote.py` and `remote_rewards.py` are the requests themselves, over this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from zope.interface import directlyProvides
from zope.interface.interface import InterfaceClass

from mika.errors import ConflictError, OutOfStepError, StoreError
from mika.interfaces import Change, IBonusStore, IFreeleechStore, IHistoryStore, IKeyStore, ISuspicionStore, Mark
from mika.model import INT64_MAX
from mika.store import remote_json as form
from mika.store.remote_changes import Watch
from mika.store.remote_site import TIMEOUT, Address, Answer, Site

PROTOCOL = 1
"""The version of docs/remote-store.md."""

OFFERS: Mapping[str, InterfaceClass] = {
    "freeleech": IFreeleechStore,
    "keys": IKeyStore,
    "bonus": IBonusStore,
    "history": IHistoryStore,
    "suspicions": ISuspicionStore,
}
"""What a site may keep beside, and says so."""

POLL_INTERVAL = 2.0
"""Seconds between two questions for what changed on the site."""

_PAGE = 1000  # users or torrents
_WORDS = 200  # characters of a site's own words that are passed on

T = TypeVar("T")


class Paged(NamedTuple, Generic[T]):
    """What is listed in pages: the name of the list, how a row is read, and what it is in order of."""

    name: str
    read: Callable[[Any], T]
    key: Callable[[T], Any]


class Asking:
    """One site that is open or not, what it offers, and the shapes that requests have."""

    def __init__(
        self, address: Address, reactor: Any, poll_interval: float = POLL_INTERVAL, timeout: float = TIMEOUT
    ) -> None:
        """`ConfigError` if the token or the certificates of the address cannot be read."""
        self._reactor = reactor
        self.site = Site(address, reactor, timeout)
        self._poll_interval = poll_interval
        self._listener: Callable[[Change], None] | None = None
        self._watch: Watch | None = None
        self._running = 0
        self._idle: list[Deferred[None]] = []
        self._open = False

    @property
    def place(self) -> str:
        """What an operator calls the site, without its token."""
        return self.site.place

    # ---- open, close, marks, changes

    def open(self) -> Deferred[None]:
        """Ask whether the site is there, takes the token and speaks this protocol, and begin to hear of changes."""
        self._open = True
        return self.run(self._greet()).addErrback(self._not_open)

    async def _greet(self) -> None:
        answer = await self.site.ask("GET", "/store")
        with self.in_words("GET /store"):
            version = form.read_field("protocol", form.INTEGER, answer.body)
            cursor = form.read_field("changes", form.OPTIONAL_TEXT, answer.body)
            offers = form.read_field("offers", form.LIST, {"offers": []} | answer.body)
        if version != PROTOCOL:
            raise StoreError(f"{self.site.place} speaks protocol {version}, and this mika speaks {PROTOCOL}.")
        directlyProvides(self, *(OFFERS[each] for each in OFFERS if each in offers))
        if self._listener is not None and cursor is not None and self._open:
            self._watch = Watch(self.site, self._reactor, self._poll_interval, self._listener, cursor)
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
        await self.site.close()

    def run(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """Begin a call, which `close` then waits for."""
        if not self._open:
            work.close()
            return fail(StoreError(f"{self.site.place} is not open."))
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
            answer = await self.site.ask("GET", f"/marks/{kind}", {"instance": instance})
            with self.in_words(f"GET /marks/{kind}"):
                number: int = form.read_field("number", form.INTEGER, answer.body)
            return number

        return self.run(work())

    def hear(self, listener: Callable[[Change], None]) -> None:
        """See `IStore`. The site is asked every `poll_interval` seconds, if it tells of changes at all."""
        self._listener = listener

    # ---- the few shapes that requests have

    async def one(self, path: str, read: Callable[[Any], T], query: Mapping[str, object] | None = None) -> T | None:
        """Answer with the one thing at a path, None if it is absent."""
        answer = await self.site.ask("GET", path, query, may=(404,))
        if answer.status == 404:
            return None
        with self.in_words(f"GET {path}"):
            return read(answer.body)

    async def all(
        self, name: str, read: Callable[[Any], T], path: str = "", query: Mapping[str, object] | None = None
    ) -> list[T]:
        """Answer with a list that comes in one answer."""
        answer = await self.site.ask("GET", path or f"/{name}", query)
        with self.in_words(f"GET {path or f'/{name}'}"):
            return list(map(read, form.read_field(name, form.LIST, answer.body)))

    async def pages(self, kind: Paged[T], after: Any, limit: int, more: Mapping[str, object] | None = None) -> list[T]:
        """Ask page by page: a page may be shorter than asked for, so that only an empty one is the end."""
        found: list[T] = []
        while len(found) < limit:
            asked = min(limit - len(found), _PAGE)
            start = after.hex() if isinstance(after, bytes) else after
            page = await self.all(kind.name, kind.read, query={"after": start, "limit": asked, **(more or {})})
            keys = [after, *map(kind.key, page)]
            if len(page) > asked or any(one >= other for one, other in pairwise(keys)):
                raise StoreError(f"{self.site.place} answers GET /{kind.name} with too many, or out of order.")
            if not page:
                break
            found += page
            after = keys[-1]
        return found

    async def save(self, path: str, body: bytes, taken: str = "") -> None:
        """Write what may be absent, which changes nothing, or clash if there are words for what is `taken`."""
        answer = await self.site.ask("POST", path, body=body, may=(404, 409) if taken else ())
        self.refuse_conflict(answer, taken, 1)

    async def save_all(self, kind: str, rows: Iterable[dict[str, Any]], taken: str, count: int) -> None:
        """Write so many that may be absent, which changes nothing, or clash: all of them, or none."""
        pool = self._reactor.getThreadPool()
        body = await deferToThreadPool(self._reactor, pool, form.rows_as_json, saves=rows)
        answer = await self.site.ask("POST", f"/saves/{kind}", body=body, may=(409,))
        self.refuse_conflict(answer, taken, count)

    async def delete(self, path: str, query: Mapping[str, object] | None = None) -> bool:
        """Delete what is at a path, and say whether it was there."""
        return (await self.site.ask("DELETE", path, query, may=(404,))).status == 200

    async def apply(self, kind: str, mark: Mark, **rows: Iterable[dict[str, Any]]) -> None:
        """Send a batch. Its answer names the number that was written: no page of another program does by chance."""
        pool = self._reactor.getThreadPool()
        body = await deferToThreadPool(self._reactor, pool, form.batch_as_json, mark, **rows)
        path = f"/batches/{kind}"
        answer = await self.site.ask("POST", path, body=body, may=(412,))
        if answer.status == 412:
            raise OutOfStepError(
                f"The last batch of {kind} on the site is another than the one before this: nothing was written twice."
            )
        with self.in_words(f"POST {path}"):
            if form.read_field("number", form.INTEGER, answer.body) != mark.number:
                raise form.MalformedError("its number is not that of the batch")

    def refuse_conflict(self, answer: Answer, words: str, count: int) -> None:
        """Raise `ConflictError` if the answer is one, with the site's own words if it has any."""
        if answer.status != 409:
            return
        detail, index = answer.body.get("detail"), answer.body.get("index", 0)
        if isinstance(detail, str) and detail and detail.isprintable():
            words = detail[:_WORDS]
        raise ConflictError(words, index if type(index) is int and 0 <= index < count else 0)

    @contextmanager
    def in_words(self, what: str) -> Iterator[None]:
        """Make a `StoreError` of what cannot be read in the answer to `what`."""
        try:
            yield
        except form.MalformedError as error:
            raise StoreError(f"{self.site.place} answers {what} with what mika cannot read: {error}.") from None


def possible(number: int) -> bool:
    """Say whether a site could know this id: a longer one, from the path of a request, is simply nobody's."""
    return -INT64_MAX <= number <= INT64_MAX


def body_of(content: Mapping[str, Any]) -> bytes:
    """Return the body of a request."""
    return json.dumps(content, separators=(",", ":")).encode()
