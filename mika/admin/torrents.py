"""`/v1/torrents`: registered torrents."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from mika import model
from mika.admin.call import Answer, Call
from mika.admin.etag import torrent_tag
from mika.admin.models import TORRENT_COUNTERS, InfoHash, NewTorrent, TorrentFields, TorrentPut
from mika.admin.problems import field_problem
from mika.admin.turns import shown_in_turns
from mika.admin.views import Items, Torrent, torrent_view
from mika.edits import Edit
from mika.errors import ConflictError, NotFoundError
from mika.standing import Check
from mika.turns import in_turns

_FACTS = set(TorrentFields.model_fields) - set(TORRENT_COUNTERS)


class ChangedTorrent(TorrentFields):
    """A torrent to change with others: which one, and what of it."""

    info_hash: InfoHash


_info_hash: TypeAdapter[bytes] = TypeAdapter(InfoHash)


async def list_torrents(call: Call) -> Answer:
    """List torrents, a page at a time.

    In order of info hash, with their live totals and swarms.
    """
    try:
        after = b"" if call.query.after is None else _info_hash.validate_python(call.query.after)
    except ValidationError:
        raise field_problem("after", "the `next` of a page before is needed") from None
    found = await call.context.directory.list_torrents(after, call.query.limit + 1)
    shown = found[: call.query.limit]
    following = shown[-1].info_hash.hex() if len(found) > len(shown) else None
    return Answer(
        200, Items[Torrent](items=[torrent_view(each, call.context.swarms) for each in shown], next=following)
    )


async def add_torrents(call: Call) -> Answer:
    """Add a torrent, or an array of them.

    An array is added whole or not at all. The answer has the same shape. One that was deleted starts anew.
    """
    bodies: list[NewTorrent] = call.body if isinstance(call.body, list) else [call.body]
    new = await in_turns(bodies, lambda _, body: _new(body, body.info_hash), call.rest)
    added = await call.context.directory.add_torrents(new, call.rest)
    if not isinstance(call.body, list):
        return _created(call, added[0])
    return Answer(201, await _shown_all(call, added))


async def change_torrents(call: Call) -> Answer:
    """Change a torrent, or an array of them.

    Each names the torrent by `info_hash`, and what is to be changed, as PATCH of one torrent does. An array is changed
    whole or not at all, and names no torrent twice. The answer has the same shape.
    """
    bodies: list[ChangedTorrent] = call.body if isinstance(call.body, list) else [call.body]

    def edit(_: int, body: ChangedTorrent) -> Edit[bytes, model.Torrent]:
        return Edit(body.info_hash, body.named(_FACTS), body.named(TORRENT_COUNTERS))

    edits = await in_turns(bodies, edit, call.rest)
    changed = await call.context.directory.change_torrents(edits, call.rest)
    if not isinstance(call.body, list):
        return Answer(200, torrent_view(changed[0], call.context.swarms))
    return Answer(200, await _shown_all(call, changed))


async def show_torrent(call: Call) -> Answer:
    """Show a torrent.

    Totals and swarm are live.
    """
    torrent = await call.context.directory.torrent(call.parameters["info_hash"])
    return _shown(call, torrent)


async def put_torrent(call: Call) -> Answer:
    """Create a torrent under this info hash, or replace it.

    What is not named gets its default, but for the counters of a torrent that is there: those stay.
    """
    body: TorrentPut = call.body
    info_hash: bytes = call.parameters["info_hash"]
    if body.info_hash not in (b"", info_hash):
        raise field_problem("info_hash", "this is another one than in the path")
    try:
        return await _replace(call, info_hash, body)
    except NotFoundError:
        call.condition.check(None)
    try:
        added = await call.context.directory.add_torrents([_new(body, info_hash)])
    except ConflictError:
        try:
            return await _replace(call, info_hash, body)  # somebody else has added it in between
        except NotFoundError:
            pass
        raise
    return _created(call, added[0])


async def change_torrent(call: Call) -> Answer:
    """Change a torrent.

    What is not named stays. A counter that is named is set; what is announced meanwhile is added to the new figure.
    """
    body: TorrentFields = call.body
    torrent = await call.context.directory.change_torrent(
        call.parameters["info_hash"], body.named(_FACTS), body.named(TORRENT_COUNTERS), _as_expected(call)
    )
    return _shown(call, torrent)


async def delete_torrent(call: Call) -> Answer:
    """Delete a torrent.

    Its swarm ends at once. Members who still announce it read `reason`.
    """
    await call.context.directory.delete_torrent(call.parameters["info_hash"], call.query.reason, _as_expected(call))
    return Answer(204)


def _new(body: TorrentFields, info_hash: bytes) -> model.Torrent:
    facts = body.facts((*TORRENT_COUNTERS, "info_hash"))
    return model.Torrent(info_hash, **facts, totals=model.Totals(**body.named(TORRENT_COUNTERS)))


async def _replace(call: Call, info_hash: bytes, body: TorrentFields) -> Answer:
    facts = body.facts((*TORRENT_COUNTERS, "info_hash"))
    torrent = await call.context.directory.change_torrent(
        info_hash, facts, body.named(TORRENT_COUNTERS), _as_expected(call)
    )
    return _shown(call, torrent)


def _as_expected(call: Call) -> Check[model.Torrent]:
    return lambda torrent: call.condition.check(torrent_tag(torrent))


async def _shown_all(call: Call, torrents: list[model.Torrent]) -> bytes:
    swarms = call.context.swarms
    return await shown_in_turns(torrents, lambda torrent: torrent_view(torrent, swarms), call.rest)


def _shown(call: Call, torrent: model.Torrent) -> Answer:
    return Answer(200, torrent_view(torrent, call.context.swarms), {"ETag": torrent_tag(torrent)})


def _created(call: Call, torrent: model.Torrent) -> Answer:
    headers = {"Location": f"/v1/torrents/{torrent.info_hash.hex()}", "ETag": torrent_tag(torrent)}
    return Answer(201, torrent_view(torrent, call.context.swarms), headers)
