"""`/v1/users/{id}/torrents/{info_hash}/key`: what announces one torrent in the passkey's place; whose one is."""

from __future__ import annotations

from pydantic import BaseModel, Field

from mika import model
from mika.admin.call import Answer, Call
from mika.admin.models import Body, Passkey
from mika.admin.views import Hash
from mika.errors import ConflictError, NotFoundError
from mika.keys import void_key


class TorrentKey(BaseModel):
    """The key by which a user announces one torrent: `/KEY/announce`."""

    user_id: int = Field(description="Whose it is.")
    info_hash: Hash
    key: str = Field(description="64 of `A-Z a-z 0-9 _ -`: a secret of the user, as a passkey is.")
    replaced: int = Field(description="How often the key of this user for this torrent was replaced.")


class GivenKey(Body):
    """A key that somebody found."""

    key: Passkey = Field(
        description="The 64 characters of a key, as they stand in an announce URL.",
        examples=["AAAAAAAAABEAAAABABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8AESIz"],
    )


class OwnedKey(TorrentKey):
    """Whose a key is, and for which torrent."""

    good: bool = Field(description="Whether it counts: it was not replaced, and the user has the same passkey still.")


async def find_owner(call: Call) -> Answer:
    """Say whose key this is.

    For a .torrent file that leaked. It is in the body, and so in no log. 404 for what is no key of this site.
    """
    body: GivenKey = call.body
    found = call.context.keys.read(body.key)
    if found is None:
        raise NotFoundError("This is no key of this site.")
    user = await call.context.directory.user(found.user_id)
    shown = OwnedKey(
        user_id=user.id,
        info_hash=found.info_hash.hex(),
        key=body.key,
        replaced=user.void_keys.get(found.info_hash, 0),
        good=call.context.keys.is_good(found, user),
    )
    return Answer(200, shown)


async def show_key(call: Call) -> Answer:
    """Show the key of a user for a torrent.

    It is the same each time, until it is replaced or the user is given a new passkey. Either hash of a hybrid torrent
    names the same key. 409 while `[tracker] torrent_keys` is off.
    """
    return _shown(call, *await _named(call))


async def replace_key(call: Call) -> Answer:
    """Replace the key of a user for a torrent.

    The old one stops at once; the user's other torrents, and other users, go on.
    """
    user, info_hash = await _named(call)
    return _shown(call, await void_key(call.context.directory, user.id, info_hash), info_hash)


async def _named(call: Call) -> tuple[model.User, bytes]:
    """Answer with the user and the torrent's own hash; `ConflictError` while keys are off."""
    user = await call.context.directory.user(call.parameters["id"])
    torrent = await call.context.directory.torrent(call.parameters["info_hash"])
    if call.context.configuration.config.tracker.torrent_keys == "off":
        raise ConflictError("Keys a torrent are off: set [tracker] torrent_keys to accepted or required.")
    return user, torrent.info_hash


def _shown(call: Call, user: model.User, info_hash: bytes) -> Answer:
    key = call.context.keys.make(user, info_hash)
    replaced = user.void_keys.get(info_hash, 0)
    return Answer(200, TorrentKey(user_id=user.id, info_hash=info_hash.hex(), key=key, replaced=replaced))
