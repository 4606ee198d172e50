"""The suspicions that `memory.py` keeps, and how its methods answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute

from mika.interfaces import Sought
from mika.model import Suspicion

P = ParamSpec("P")
T = TypeVar("T")


def answered(method: Callable[P, T]) -> Callable[P, Deferred[T]]:
    """Let a method that answers at once answer with a Deferred, also when it raises."""

    def answer(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return execute(method, *args, **kwargs)

    return answer


class MemorySuspicions:
    """Suspicions in a dictionary, by id."""

    def __init__(self) -> None:
        self._suspicions: dict[int, Suspicion] = {}
        self._next_suspicion = 1

    @answered
    def suspicion(self, suspicion_id: int) -> Suspicion | None:
        """See `ISuspicionStore`."""
        return self._suspicions.get(suspicion_id)

    @answered
    def suspicion_of(self, kind: str, user_id: int, info_hash: bytes) -> Suspicion | None:
        """See `ISuspicionStore`."""
        return self._suspicion_of(kind, user_id, info_hash)

    def _suspicion_of(self, *about: Any) -> Suspicion | None:
        rows = self._suspicions.values()
        return next((row for row in rows if (row.kind, row.user_id, row.info_hash) == about), None)

    @answered
    def list_suspicions(self, sought: Sought, before: int, limit: int) -> list[Suspicion]:
        """See `ISuspicionStore`."""
        found = [row for key, row in sorted(self._suspicions.items(), reverse=True) if key < before]
        return [row for row in found if sought.takes(row)][:limit]

    @answered
    def replace_suspicion(self, old: Suspicion | None, new: Suspicion) -> Suspicion | None:
        """See `ISuspicionStore`."""
        kept = self._suspicion_of(new.kind, new.user_id, new.info_hash)
        if kept is None and old is None:
            kept, self._next_suspicion = replace(new, id=self._next_suspicion), self._next_suspicion + 1
        elif kept is None or old is None or (kept.count, kept.state) != (old.count, old.state):
            return None
        self._suspicions[kept.id] = replace(new, id=kept.id)
        return self._suspicions[kept.id]
