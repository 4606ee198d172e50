"""`/v1/users/{id}/torrents` and `/v1/debts`: what a user did with each torrent, and what users owe (hit and run)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar, get_args

from pydantic import Field

from mika.admin.call import Answer, Call, Context
from mika.admin.models import Id, InfoHash, Page
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

Owed = Literal["seeding", "owing", "hit_and_run"]
"""The states in which something is owed."""

Shown = TypeVar("Shown")


class DebtPage(Page):
    """The query of the debts: which of them."""

    state: Owed | None = Field(default=None, description="Only those that stand so.")
    user: Id | None = Field(default=None, description="Only those of the user with this id.")
    torrent: InfoHash | None = Field(default=None, description="Only those of the torrent with this info hash.")


class OwedTorrent(UserTorrent):
    """What a user owes a torrent, and what they did with it."""

    user_id: int


Key = tuple[int, bytes]


async def list_user_torrents(call: Call) -> Answer:
    """List what a user did with each torrent, a page at a time.

    In order of info hash, and including the last announce. With a `state`, a page may have fewer items than `limit`,
    or none, and others may follow all the same.
    """
    context, query = call.context, call.query
    user = await context.directory.user(call.parameters["id"])
    store = await _settled(context)

    def take(row: History) -> UserTorrent | None:
        view = UserTorrent(**_fields(context, row))
        return view if query.state in {None, view.state} else None

    begin = user.id, _hash_after(query.after)
    shown, after = await _page(query, begin, lambda after, limit: store.history_of(user.id, after[1], limit), take)
    return Answer(200, Items[UserTorrent](items=shown, next=None if after is None else after[1].hex()))


async def list_debts(call: Call) -> Answer:
    """List what users owe torrents, a page at a time.

    Hit and run: torrents that they completed and have not seeded for long enough; what was paid is not among them. In
    order of user id and info hash, and including the last announce. A page may have fewer items than `limit`, or none,
    and others may follow all the same.
    """
    context, query = call.context, call.query
    store = await _settled(context)
    torrent = None if query.torrent is None else context.directory.torrents.get(query.torrent)
    info_hash = query.torrent if torrent is None else torrent.info_hash

    async def ask(after: Key, limit: int) -> list[History]:
        rows: list[History] = await store.debts(after, limit, info_hash)
        return [row for row in rows if query.user in {None, row.user_id}]

    def take(row: History) -> OwedTorrent | None:
        view = OwedTorrent(user_id=row.user_id, **_fields(context, row))
        return view if view.state == query.state or (query.state is None and view.state in get_args(Owed)) else None

    begin = max(_pair_after(query.after), (query.user or 0, b""))
    shown, after = await _page(query, begin, ask, take, chosen=True)
    following = None if after is None else f"{after[0]}-{after[1].hex()}"
    return Answer(200, Items[OwedTorrent](items=shown, next=following))


async def _settled(context: Context) -> Any:
    """Answer with the users store, in which is what was announced until now."""
    store: Any = context.directory.user_store
    if not IHistoryStore.providedBy(store):
        raise NotOfferedError("The users store of this tracker does not keep what users did with each torrent.")
    await context.directory.settle("history")
    return store


async def _page(
    query: Any,
    after: Key,
    ask: Callable[[Key, int], Awaitable[list[History]]],
    take: Callable[[History], Shown | None],
    *,
    chosen: bool = False,
) -> tuple[list[Shown], Key | None]:
    """Answer with what is taken of rows, and behind which others follow (None: no others do).

    Rows that are not taken are looked at too, so that a page may end before it is full. `chosen`: some are not.
    """
    chosen = chosen or query.state is not None
    shown: list[Shown] = []
    seen = 0
    while seen < _MOST:
        wanted = _AT_A_TIME if chosen else min(_AT_A_TIME, query.limit)
        rows = await ask(after, wanted + 1)
        for row in rows[:wanted]:
            view = take(row)
            after, seen = (row.user_id, row.info_hash), seen + 1
            if view is not None:
                shown.append(view)
            if len(shown) == query.limit:
                break
        if len(rows) <= wanted and (not rows or after == (rows[-1].user_id, rows[-1].info_hash)):
            return shown, None
        if len(shown) == query.limit:
            break
    return shown, after


def _hash_after(after: str | None) -> bytes:
    if after is None:
        return b""
    if not re.fullmatch("[0-9A-Fa-f]{40}", after):
        raise field_problem("after", "the `next` of a page before is needed")
    return bytes.fromhex(after)


def _pair_after(after: str | None) -> Key:
    if after is None:
        return 0, b""
    found = re.fullmatch("([0-9]{1,16})-([0-9a-f]{40})", after)
    if found is None:
        raise field_problem("after", "the `next` of a page before is needed")
    return int(found[1]), bytes.fromhex(found[2])


def _fields(context: Context, row: History) -> dict[str, Any]:
    """Return the fields of a row as they are shown."""
    section, now = context.configuration.config.hit_and_run, context.directory.now()
    terms = terms_of(section)
    totals, seeding = row.totals, _is_seeding(context.swarms, row)
    owing = section.enabled and is_owing(row, terms)
    return {
        "info_hash": row.info_hash.hex(),
        "uploaded": totals.uploaded,
        "downloaded": totals.downloaded,
        "uploaded_real": totals.uploaded_real,
        "downloaded_real": totals.downloaded_real,
        "bonus": points(totals.bonus),
        "seed_seconds": totals.seed_seconds,
        "announces": totals.announces,
        "left": None if row.left == LEFT_UNKNOWN else row.left,
        "first_seen": rfc3339(row.first_seen),
        "last_seen": rfc3339(row.last_seen),
        "completed_at": rfc3339(row.completed_at) if row.completed_at else None,
        "seeding": seeding,
        "state": state_of(row, terms if section.enabled else _NOTHING, seeding, now),
        "seed_seconds_owed": seconds_owed(row, terms) if owing else 0,
        "deadline": rfc3339(row.completed_at + terms.deadline) if owing else None,
    }


_NOTHING = Terms(0, 0, 0)
"""What is owed where hit and run is off: no second of seeding, so that all of it is paid."""


def _is_seeding(swarms: Swarms, row: History) -> bool:
    swarm = swarms.get(row.info_hash)
    if swarm is None:
        return False
    return any(peer.active and peer.seeder for peer in swarm.peers.of(row.user_id))
