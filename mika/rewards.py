"""What a site gives its members beside what they earn: freeleech tokens, and bonus given or spent. `admin/` calls it.

Each is in the store before the answer, and counts from the next announce on. A users store may offer neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zope.interface.interface import InterfaceClass

from mika.changes import take_totals
from mika.directory import Directory
from mika.errors import NotOfferedError
from mika.interfaces import IBonusStore, IFreeleechStore
from mika.model import BonusEntry, Totals, User

_OFFERS: Mapping[Any, str] = {IFreeleechStore: "freeleech tokens", IBonusStore: "a ledger of the bonus"}


def _offered(directory: Directory, interface: InterfaceClass) -> Any:
    """Return the users store; `NotOfferedError` if it does not keep this."""
    if not interface.providedBy(directory.user_store):
        raise NotOfferedError(f"The users store of this tracker does not keep {_OFFERS[interface]}.")
    return directory.user_store


async def tokens_in_force(directory: Directory, user_id: int) -> Mapping[bytes, int]:
    """Answer with until when downloads are free, by info hash, in order; `NotFoundError` if there is no such user."""
    _offered(directory, IFreeleechStore)
    user, now = await directory.user(user_id), directory.now()
    return {info_hash: until for info_hash, until in sorted(user.freeleech.items()) if until > now}


async def give_token(directory: Directory, user_id: int, info_hash: bytes, until: int) -> tuple[bytes, bool]:
    """Give a token for a torrent, by any of its hashes, or change until when it is in force.

    Answers with the torrent's own info hash and whether the token is new. Those of the user that are over are deleted.
    """
    store: IFreeleechStore = _offered(directory, IFreeleechStore)
    torrent, now = await directory.torrent(info_hash), directory.now()
    async with directory.user_changes:
        user = await directory.user(user_id)
        for each in [each for each, end in user.freeleech.items() if end <= now]:
            await store.delete_freeleech(user_id, each)
        await store.save_freeleech(user_id, torrent.info_hash, until)
        kept = {each: end for each, end in user.freeleech.items() if end > now}
        _set_tokens(directory, user, {**kept, torrent.info_hash: until})
    return torrent.info_hash, torrent.info_hash not in kept


async def take_token(directory: Directory, user_id: int, info_hash: bytes) -> bool:
    """Take a token away, by any hash of its torrent; answer whether there was one."""
    store: IFreeleechStore = _offered(directory, IFreeleechStore)
    torrent = directory.torrents.get(info_hash)
    own = info_hash if torrent is None else torrent.info_hash  # of a torrent that is gone, its own is the one left
    async with directory.user_changes:
        user = await directory.user(user_id)
        there = await store.delete_freeleech(user_id, own)
        _set_tokens(directory, user, {each: end for each, end in user.freeleech.items() if each != own})
    return there


def _set_tokens(directory: Directory, user: User, tokens: Mapping[bytes, int]) -> None:
    directory.user_changes.made += 1
    directory.set_user(user, {"freeleech": tokens})


async def bonus_entries(directory: Directory, user_id: int, before: int, limit: int) -> list[BonusEntry]:
    """Answer with at most `limit` entries whose id is less than `before`, the latest first."""
    store: IBonusStore = _offered(directory, IBonusStore)
    await directory.user(user_id)
    return await store.bonus_entries(user_id, before, limit)


async def add_bonus(directory: Directory, entry: BonusEntry) -> tuple[BonusEntry, bool]:
    """Add an entry, and its amount to the user's bonus; answer with it, and whether it is new.

    What announces earned is written first, so that all that a member was shown can be spent. `ConflictError` if the
    amount is more than that; an entry with the same `key` is answered as it is.
    """
    store: IBonusStore = _offered(directory, IBonusStore)
    await directory.settle("users")
    async with directory.user_changes:
        user = await directory.user(entry.user_id)
        kept, new = await store.add_bonus_entry(entry)
        directory.user_changes.made += 1
        if new:
            growth = Totals(bonus=entry.amount)
            user.totals.add(growth)
            user.written.add(growth)
            directory.set_user(user, {"updated_at": max(user.updated_at, entry.created_at)})
            directory.tell(user.id, "changed", ["bonus"])
        elif not directory.user_changes.in_doubt:  # its first answer may have been lost, and the growth with it
            stored = await directory.user_store.user_by_id(user.id)
            if stored is not None:
                take_totals(user, stored)
    return kept, new
