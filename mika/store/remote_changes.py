"""Asks a site again and again what others changed there, and tells it on. `remote.py` starts and stops it.

A site numbers its changes, so none is missed while it is away: the next answer begins where the last one ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mika.errors import StoreError
from mika.interfaces import Change
from mika.store import remote_json as form
from mika.store.remote_site import Site

_PATH = "/changes"
_KEYS = {"user": form.INTEGER, "torrent": form.HASH}
_KINDS = ("user", "role", "torrent", "whitelist")


class Watch:
    """Polls one site, from `start` to `stop`."""

    log = Logger()

    def __init__(
        self, site: Site, reactor: Any, interval: float, listener: Callable[[Change], None], cursor: str
    ) -> None:
        """`cursor` is how far the site's changes are known; `interval` is in seconds."""
        self._site = site
        self._reactor = reactor
        self._interval = interval
        self._listener = listener
        self._cursor = cursor
        self._next: Any = None
        self._asking: Deferred[None] | None = None
        self._stopped = False
        self._failing = False

    def start(self) -> None:
        """Ask in one interval from now."""
        self._next = self._reactor.callLater(self._interval, self._ask)

    def stop(self) -> None:
        """Tell nothing more, and give up the question that is under way."""
        self._stopped = True
        if self._next is not None:
            self._next.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> None:
        self._next = None
        self._asking = Deferred.fromCoroutine(self._poll())
        self._asking.addBoth(self._asked)

    def _asked(self, result: Any) -> None:
        self._asking = None
        if self._stopped:
            return
        if isinstance(result, Failure):
            self.log.failure("changes made by others could not be asked for", result)
        self.start()

    async def _poll(self) -> None:
        try:
            answer = await self._site.ask("GET", _PATH, {"since": self._cursor}, may=(410,))
            cursor = form.read_field("next", form.TEXT, answer.body)
            if answer.status == 410:  # it does not know any more what changed since
                changes = [Change(kind) for kind in _KINDS]  # type: ignore[arg-type]  # these are the four
            else:
                changes = list(map(_change, form.read_field("changes", form.LIST, answer.body)))
        except (StoreError, form.MalformedError) as error:
            if not self._failing and not self._stopped:
                self.log.warn("changes made by others are not heard: {words}", words=str(error))
            self._failing = True
            return
        if self._stopped:
            return
        if self._failing:
            self.log.info("changes made by others are heard again")
        self._failing = False
        for change in changes:
            self._tell(change)
        self._cursor = cursor

    def _tell(self, change: Change) -> None:
        try:
            self._listener(change)
        except Exception:  # noqa: BLE001 - what one change leads to must not keep the others from being told
            self.log.failure("a change that was heard could not be taken in")


def _change(row: Any) -> Change:
    kind = form.read_fields({"kind": form.TEXT}, row, "a change")["kind"]
    if kind not in _KINDS:
        raise form.MalformedError("'kind' of a change is none that there is")
    key = row.get("key")
    if key is None or kind not in _KEYS:
        return Change(kind)
    return Change(kind, form.read_fields({"key": _KEYS[kind]}, row, "a change")["key"])
