"""A lock for those who change the same store: the API (`directory.py`), the batches (`flush.py`), and what others did.

One for users, one for torrents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock

from mika.model import Torrent, User

Asked = TypeVar("Asked")
Kept = TypeVar("Kept")


class Changes(DeferredLock):
    """Held by who makes a change, one at a time; `made` counts them, so that nothing older is read past them.

    A batch is a change too. While it is unknown whether a store took one, `in_doubt`, nobody can tell what of a stored
    total is ours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.in_doubt = False

    async def read(self, ask: Callable[[], Deferred[Asked]], keep: Callable[[Asked], Kept]) -> Kept:
        """Answer with what `keep` makes of what `ask` is answered.

        If a change was made meanwhile, that may be older: it is asked again, now in turn with the changes, so that
        a read ends however many there are.
        """
        made = self.made
        found = await ask()
        if made == self.made:
            return keep(found)
        async with self:
            return keep(await ask())


def set_fields(account: User | Torrent, changes: Mapping[str, Any]) -> list[str]:
    """Set fields; answer the names of those that were something else before, the time of the change aside."""
    changed = []
    for name, value in changes.items():
        if name not in ("updated_at", "revision") and getattr(account, name) != value:
            changed.append(name)
        setattr(account, name, value)
    return sorted(changed)


def take_totals(live: User | Torrent, stored: User | Torrent) -> None:
    """Add what somebody else added to the stored totals: they are more than what we know to have written there."""
    others = stored.totals.since(live.written)
    live.totals.add(others)
    live.written.add(others)
