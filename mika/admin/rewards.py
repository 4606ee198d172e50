"""`/v1/users/{id}/freeleech` and `/v1/users/{id}/bonus`: what a site gives its members, and what they spend."""

from __future__ import annotations

from mika import model, rewards
from mika.admin.call import Answer, Call
from mika.admin.models import NewBonusEntry, TokenFields
from mika.admin.problems import field_problem
from mika.admin.users import after_id
from mika.admin.views import BonusEntry, FreeleechToken, Items, points, rfc3339
from mika.errors import NotFoundError
from mika.model import INT64_MAX


async def list_freeleech(call: Call) -> Answer:
    """List the freeleech tokens of a user, a page at a time.

    In order of info hash; those that are over are not shown.
    """
    tokens = await rewards.tokens_in_force(call.context.directory, call.parameters["id"])
    views = [_token(info_hash, until) for info_hash, until in tokens.items()]
    rest = [view for view in views if view.info_hash > (call.query.after or "").lower()]
    shown = rest[: call.query.limit]
    following = shown[-1].info_hash if len(rest) > len(shown) else None
    return Answer(200, Items[FreeleechToken](items=shown, next=following))


async def show_freeleech(call: Call) -> Answer:
    """Show a freeleech token."""
    user_id, info_hash = call.parameters["id"], _own_hash(call)
    tokens = await rewards.tokens_in_force(call.context.directory, user_id)
    if info_hash not in tokens:
        raise _absent(call)
    return Answer(200, _token(info_hash, tokens[info_hash]))


async def put_freeleech(call: Call) -> Answer:
    """Give a freeleech token, or change it.

    Until then, what the user downloads of this torrent is not charged, under whichever of its hashes it is announced.
    """
    body: TokenFields = call.body
    directory = call.context.directory
    if body.until <= directory.now():
        raise field_problem("until", "this is over already")
    user_id = call.parameters["id"]
    info_hash, new = await rewards.give_token(directory, user_id, call.parameters["info_hash"], body.until)
    where = {"Location": f"/v1/users/{user_id}/freeleech/{info_hash.hex()}"} if new else {}
    return Answer(201 if new else 200, _token(info_hash, body.until), where)


async def delete_freeleech(call: Call) -> Answer:
    """Take a freeleech token away.

    What was downloaded while it was in force stays free.
    """
    if not await rewards.take_token(call.context.directory, call.parameters["id"], call.parameters["info_hash"]):
        raise _absent(call)
    return Answer(204)


async def list_bonus(call: Call) -> Answer:
    """List the bonus ledger of a user, a page at a time.

    The latest entry comes first. What announces earn is no entry each: the user's `bonus` is what was earned and the
    sum of all entries.
    """
    before = after_id(call.query.after) or INT64_MAX
    directory, limit = call.context.directory, call.query.limit
    found = await rewards.bonus_entries(directory, call.parameters["id"], before, limit + 1)
    shown = found[:limit]
    following = str(shown[-1].id) if len(found) > len(shown) else None
    return Answer(200, Items[BonusEntry](items=[_entry(each) for each in shown], next=following))


async def add_bonus(call: Call) -> Answer:
    """Give a user bonus, or (a negative amount) spend it.

    More than the user has cannot be spent, however many try at once: that is a conflict. An entry whose `key` the user
    has an entry of already is not added again; the answer is then the first one, with 200.
    """
    body: NewBonusEntry = call.body
    user_id, now = call.parameters["id"], call.context.directory.now()
    entry = model.BonusEntry(0, user_id, body.amount, body.reason, now, key=body.key)
    kept, new = await rewards.add_bonus(call.context.directory, entry)
    if not new and (kept.amount, kept.reason) != (entry.amount, entry.reason):
        raise field_problem("key", "there is another entry with this key", status=409)
    where = {"Location": f"/v1/users/{user_id}/bonus?after={kept.id + 1}&limit=1"} if new else {}
    return Answer(201 if new else 200, _entry(kept), where)


def _own_hash(call: Call) -> bytes:
    info_hash: bytes = call.parameters["info_hash"]
    torrent = call.context.directory.torrents.get(info_hash)
    return info_hash if torrent is None else torrent.info_hash


def _absent(call: Call) -> NotFoundError:
    return NotFoundError(f"The user has no freeleech token for {call.parameters['info_hash'].hex()}.")


def _token(info_hash: bytes, until: int) -> FreeleechToken:
    return FreeleechToken(info_hash=info_hash.hex(), until=rfc3339(until))


def _entry(entry: model.BonusEntry) -> BonusEntry:
    return BonusEntry(
        id=entry.id,
        amount=points(entry.amount),
        reason=entry.reason,
        balance=points(entry.balance),
        created_at=rfc3339(entry.created_at),
        key=entry.key,
    )
