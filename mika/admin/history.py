"""`/v1/users/{id}/torrents`: what a user did with each torrent, and what they owe it (hit and run)."""

from __future__ import annotations

import re
from typing import Any

from mika.admin.call import Answer, Call, Context
from mika.admin.problems import field_problem
from mika.admin.views import Items, UserTorrent, points, rfc3339
from mika.debts import terms_of
from mika.errors import NotOfferedError
from mika.interfaces import IHistoryStore
from mika.ledger.debts import Terms, is_owing, seconds_owed, state_of
from mika.model import LEFT_UNKNOWN, History
from mika.swarm.swarms import Swarms

_AT_A_TIME = 1000
_MOST = 10_000


async def list_user_torrents(call: Call) -> Answer:
    """List what a user did with each torrent, a page at a time.

    In order of info hash, and including the last announce. With a `state`, a page may have fewer items than `limit`,
    or none, and others may follow all the same.
    """
    context, query = call.context, call.query
    user = await context.directory.user(call.parameters["id"])
    store: Any = context.directory.user_store
    if not IHistoryStore.providedBy(store):
        raise NotOfferedError("The users store of this tracker does not keep what users did with each torrent.")
    await context.directory.settle("history")
    after, seen, shown = _after(query.after), 0, []
    while seen < _MOST:
        wanted = min(_AT_A_TIME, query.limit if query.state is None else _AT_A_TIME)
        rows = await store.history_of(user.id, after, wanted + 1)
        for row in rows[:wanted]:
            view = _view(context, row)
            after, seen = row.info_hash, seen + 1
            if query.state in {None, view.state}:
                shown.append(view)
            if len(shown) == query.limit:
                break
        if len(rows) <= wanted and (not rows or after == rows[-1].info_hash):
            return Answer(200, Items[UserTorrent](items=shown, next=None))
        if len(shown) == query.limit:
            break
    return Answer(200, Items[UserTorrent](items=shown, next=after.hex()))


def _after(after: str | None) -> bytes:
    if after is None:
        return b""
    if not re.fullmatch("[0-9A-Fa-f]{40}", after):
        raise field_problem("after", "the `next` of a page before is needed")
    return bytes.fromhex(after)


def _view(context: Context, row: History) -> UserTorrent:
    section, now = context.configuration.config.hit_and_run, context.directory.now()
    terms = terms_of(section)
    totals, seeding = row.totals, _is_seeding(context.swarms, row)
    owing = section.enabled and is_owing(row, terms)
    return UserTorrent(
        info_hash=row.info_hash.hex(),
        uploaded=totals.uploaded,
        downloaded=totals.downloaded,
        uploaded_real=totals.uploaded_real,
        downloaded_real=totals.downloaded_real,
        bonus=points(totals.bonus),
        seed_seconds=totals.seed_seconds,
        announces=totals.announces,
        left=None if row.left == LEFT_UNKNOWN else row.left,
        first_seen=rfc3339(row.first_seen),
        last_seen=rfc3339(row.last_seen),
        completed_at=rfc3339(row.completed_at) if row.completed_at else None,
        seeding=seeding,
        state=state_of(row, terms if section.enabled else _NOTHING, seeding, now),
        seed_seconds_owed=seconds_owed(row, terms) if owing else 0,
        deadline=rfc3339(row.completed_at + terms.deadline) if owing else None,
    )


_NOTHING = Terms(0, 0, 0)
"""What is owed where hit and run is off: no second of seeding, so that all of it is paid."""


def _is_seeding(swarms: Swarms, row: History) -> bool:
    swarm = swarms.get(row.info_hash)
    if swarm is None:
        return False
    return any(peer.active and peer.seeder for peer in swarm.peers.of(row.user_id))
