"""Asks a database now and then what others changed in it, where it cannot tell by itself. Dialects make it.

Rows of users and torrents say when they changed (triggers of step 0004 see to it), deleted ones leave a note, and
roles and the whitelist are few enough to be read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, Connection, delete, literal_column, select
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from mika.errors import StoreError
from mika.interfaces import Change
from mika.store.schema import deletions, roles, torrents, users, whitelist

if TYPE_CHECKING:
    from mika.store.database import Database

OVERLAP = 60
"""Seconds that are looked at again: who wrote may have a slow clock, or have been long about it before the commit."""

KEPT = 7 * 86_400
"""Seconds that notes of deleted rows are kept; who has not looked for so long takes anything to have changed."""

FORGETTING = 86_400
"""Seconds between two times that older notes are deleted."""

MANY = 1000
"""More changes of one kind at a time are told as one: that anything may have changed."""

Kind = Literal["user", "torrent"]
Key = tuple[Kind, Any]

_log = Logger()
_CHANGING: tuple[tuple[Kind, Any, Any], ...] = (
    ("user", users.c.id, users.c.updated_at),
    ("torrent", torrents.c.info_hash, torrents.c.updated_at),
)


@dataclass(slots=True)
class _Sight:
    """What one look found: all of it, or (`version` is as before) that there is nothing new."""

    version: Hashable
    now: int = 0
    changed: dict[Key, tuple[int, bool]] = field(default_factory=dict)
    """When each row changed by its own account, and whether it is deleted."""
    roles: dict[int, Any] = field(default_factory=dict)
    whitelist: frozenset[Any] = frozenset()


class Polling:
    """A `Watch` that looks every `interval` seconds, never twice at once; a look that fails is made up for later.

    `clock` is SQL for the seconds since 1970: times of rows are compared with the server's, not with ours. `version`
    returns, cheaply, something that is the same as long as nobody else wrote.
    """

    def __init__(
        self,
        database: Database,
        listener: Callable[[Change], None],
        interval: float,
        clock: str,
        version: Callable[[Connection], Hashable] = lambda _: None,
    ) -> None:
        self._database = database
        self._listener = listener
        self._interval = interval
        self._clock = select(literal_column(clock, BigInteger))
        self._version = version
        self._last: _Sight | None = None
        self._told: dict[Key, tuple[tuple[int, bool], bool]] = {}
        self._forget_at = 0
        self._loop = LoopingCall(lambda: ensureDeferred(self._poll()))
        self._loop.clock = database.reactor  # type: ignore[assignment]  # any reactor with threads has a clock
        self._ended: Deferred[Any] = succeed(None)

    def start(self) -> None:
        """Look at once, and then every interval."""
        self._ended = self._loop.start(self._interval)

    def stop(self) -> Deferred[None]:
        """Look no more; answer when the last look is done."""
        if self._loop.running:
            self._loop.stop()
        return self._ended.addCallback(lambda _: None)

    async def _poll(self) -> None:
        try:
            sight = await self._database.read(self._look, self._last)
        except StoreError:  # who writes to the store says that it is down
            return
        except Exception:  # noqa: BLE001 - a row that is not as it should be; the next look may be better
            _log.failure("what others changed in the store cannot be read")
            return
        if self._last is not None and sight.version == self._last.version and sight.version is not None:
            return
        changes = self._news(sight)
        if self._last is not None and sight.now - self._last.now > KEPT - OVERLAP:
            changes = [Change(kind) for kind in ("user", "torrent", "role", "whitelist")]
        self._last = sight
        for change in changes:
            try:
                self._listener(change)
            except Exception:  # noqa: BLE001 - whatever a listener raises, the next one is told
                _log.failure("a change in the store could not be taken over")
        if sight.now >= self._forget_at:
            self._forget_at = sight.now + FORGETTING
            await self._forget(sight.now - KEPT)

    async def _forget(self, before: int) -> None:
        """Delete notes that everybody has read long ago."""
        try:
            await self._database.write(_delete_notes, before)
        except StoreError as problem:
            _log.debug("old notes of deleted rows stay: {problem}", problem=problem)

    def _look(self, connection: Connection, last: _Sight | None) -> _Sight:
        """Read, in a thread, what may be new since the last look."""
        sight = _Sight(self._version(connection))
        if last is not None and sight.version == last.version and sight.version is not None:
            return sight
        sight.now = connection.execute(self._clock).scalar_one()
        since = min(sight.now, sight.now if last is None else last.now) - OVERLAP
        for kind, key, at in _CHANGING:
            rows = connection.execute(select(key, at).where(at >= since))
            sight.changed |= {(kind, value): (when, False) for value, when in rows}
        for kind, item, when in connection.execute(select(deletions).where(deletions.c.deleted_at >= since)):
            gone = (kind, int(item) if kind == "user" else bytes.fromhex(item))
            if gone not in sight.changed:  # else it is there again
                sight.changed[gone] = when, True
        sight.roles = {row.id: tuple(row) for row in connection.execute(select(roles))}
        sight.whitelist = frozenset(tuple(row) for row in connection.execute(select(whitelist)))
        return sight

    def _news(self, sight: _Sight) -> list[Change]:
        """Return what is new since the last look."""
        told, self._told = self._told, {}
        fresh: dict[Kind, list[Any]] = {"user": [], "torrent": []}
        for key, when in sight.changed.items():
            # A row that changed in the second of a look may change once more in it, and so is told again.
            final = when[0] < sight.now or when[0] > sight.now + OVERLAP
            self._told[key] = when, final
            if told.get(key) != (when, True):
                fresh[key[0]].append(key[1])
        changes = []
        for kind, keys in fresh.items():
            changes += [Change(kind, key) for key in (keys if len(keys) <= MANY else [None])]
        if self._last is None:  # somebody may have changed these since they were read
            return [*changes, Change("role"), Change("whitelist")]
        before = self._last.roles
        different = {number for number, _ in before.items() ^ sight.roles.items()}
        changes += [Change("role", number) for number in sorted(different)]
        if self._last.whitelist != sight.whitelist:
            changes.append(Change("whitelist"))
        return changes


def _delete_notes(connection: Connection, before: int) -> None:
    connection.execute(delete(deletions).where(deletions.c.deleted_at < before))
