"""Suspicions as staff see them: what is found is added to its one row, listed, and judged; `admin/` calls it.

A users store may not offer them. Several trackers over one store lose nothing: a row is replaced only as it was read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mika.directory import Directory
from mika.errors import NotFoundError, NotOfferedError, StoreError
from mika.interfaces import ISuspicionStore, Sought
from mika.model import Suspicion, SuspicionState

REOPENED_BY = 20
"""A dismissed suspicion is open again when it is found with a score greater by this than the one that was judged."""

_TRIES = 20


def merged(old: Suspicion, found: Suspicion) -> Suspicion:
    """Return a row with what was found anew.

    The highest score stays, with its evidence. Of a dismissed one both stay as they were judged, until it is reopened.
    """
    seen = replace(old, count=old.count + found.count, last_seen=max(old.last_seen, found.last_seen))
    if old.state == "dismissed":
        if found.score < old.score + REOPENED_BY:
            return seen
        return replace(seen, state="open", score=found.score, evidence=found.evidence)
    if found.score < old.score:
        return seen
    return replace(seen, score=found.score, evidence=found.evidence)


def is_news(before: Suspicion | None, now: Suspicion, threshold: int) -> bool:
    """Say whether staff have not heard of it yet: it is new, open again, or has only now such a score."""
    if now.state != "open" or now.score < threshold:
        return False
    return before is None or before.state != "open" or before.score < threshold


def suspicion_event(row: Suspicion) -> dict[str, object]:
    """Return what is published of a suspicion."""
    return {
        "id": row.id,
        "kind": row.kind,
        "user_id": row.user_id,
        "info_hash": row.info_hash.hex() or None,
        "score": row.score,
        "state": row.state,
        "evidence": row.evidence,
    }


def _offered(directory: Directory) -> ISuspicionStore:
    store: Any = directory.user_store
    if not ISuspicionStore.providedBy(store):
        raise NotOfferedError("The users store of this tracker does not keep suspicions.")
    offered: ISuspicionStore = store
    return offered


async def note(directory: Directory, found: Suspicion) -> tuple[Suspicion | None, Suspicion]:
    """Add a finding to its row; answer with the row as it was (None: there was none) and as it is."""
    store = _offered(directory)
    for _ in range(_TRIES):
        old: Suspicion | None = await store.suspicion_of(found.kind, found.user_id, found.info_hash)
        kept: Suspicion | None = await store.replace_suspicion(old, found if old is None else merged(old, found))
        if kept is not None:
            return old, kept
    raise _unsteady()


async def judge(directory: Directory, suspicion_id: int, state: SuspicionState) -> Suspicion:
    """Set the state; answer with the row. `NotFoundError` if there is none, nor a user of it any more."""
    store = _offered(directory)
    for _ in range(_TRIES):
        old = await show(directory, suspicion_id)
        kept: Suspicion | None = await store.replace_suspicion(old, replace(old, state=state))
        if kept is not None:
            directory.publish("suspicion", suspicion_event(kept))
            return kept
    raise _unsteady()


async def show(directory: Directory, suspicion_id: int) -> Suspicion:
    """Answer with one; `NotFoundError` if there is none."""
    found: Suspicion | None = await _offered(directory).suspicion(suspicion_id)
    if found is None:
        raise NotFoundError(f"There is no suspicion with the id {suspicion_id}.")
    return found


async def listed(directory: Directory, sought: Sought, before: int, limit: int) -> list[Suspicion]:
    """Answer with at most `limit` of those that are sought, the latest first."""
    found: list[Suspicion] = await _offered(directory).list_suspicions(sought, before, limit)
    return found


def _unsteady() -> StoreError:
    return StoreError("A suspicion was changed by others again and again: try it later.")
