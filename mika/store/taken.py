"""Refuses what would double something: the same rules and words in every store, which looks up what it has."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from mika.errors import ConflictError, NotFoundError
from mika.model import DEFAULT_ROLE, INT64_MAX, Torrent
from mika.store.values import hashes

PASSKEY_TAKEN = "The passkey is another user's."
TOO_LITTLE_BONUS = "The user has less bonus than that."
TOO_MUCH_BONUS = "The user would have more bonus than can be kept."


def new_balance(bonus: int, amount: int) -> int:
    """Return the bonus after an entry; `ConflictError` if it would be negative by it, or past what is kept."""
    balance = bonus + amount
    if balance < 0 and amount < 0:
        raise ConflictError(TOO_LITTLE_BONUS)
    if balance > INT64_MAX:
        raise ConflictError(TOO_MUCH_BONUS)
    return balance


def no_user(user_id: int) -> NotFoundError:
    """Return what is raised for a bonus entry of a user who is not there."""
    return NotFoundError(f"There is no user with the id {user_id}.")


def hash_taken(info_hash: bytes, index: int) -> ConflictError:
    """Return what is raised for a torrent one of whose hashes is another's."""
    return ConflictError(f"There is already a torrent with the info hash {info_hash.hex()}.", index)


def refuse_taken_users(users: Iterable[tuple[int, str]], ids: Container[int], passkeys: Container[str]) -> None:
    """Take ids and passkeys to add; `ConflictError` for the first user with a taken id or passkey, or an earlier's."""
    new_ids: set[int] = set()
    new_passkeys: set[str] = set()
    for index, (user_id, passkey) in enumerate(users):
        if user_id and (user_id in ids or user_id in new_ids):
            raise ConflictError(f"There is already a user with the id {user_id}.", index)
        if passkey in passkeys or passkey in new_passkeys:
            raise ConflictError(PASSKEY_TAKEN, index)
        new_ids.add(user_id)
        new_passkeys.add(passkey)


def refuse_passkeys_of_others(
    users: Iterable[tuple[int, str]], there: Container[int], owners: Mapping[str, int]
) -> None:
    """Take ids and passkeys to save, and raise `ConflictError` for the first passkey that is another user's.

    `owners` are the ids of those who have the passkeys now. Who is not `there` is saved nowhere, and refused nothing.
    """
    new: dict[str, int] = {}
    for index, (user_id, passkey) in enumerate(users):
        if user_id not in there:
            continue
        if owners.get(passkey, user_id) != user_id or new.setdefault(passkey, user_id) != user_id:
            raise ConflictError(PASSKEY_TAKEN, index)


def refuse_hashes_of_others(
    torrents: Iterable[Torrent], there: Container[bytes], owners: Mapping[bytes, bytes]
) -> None:
    """Raise `ConflictError` for the first torrent to save one of whose hashes is another torrent's.

    `owners` are the info hashes of those that have the hashes now and are not deleted; `there` is as of users.
    """
    new: dict[bytes, bytes] = {}
    for index, torrent in enumerate(torrents):
        itself = torrent.info_hash
        if itself not in there:
            continue
        for each in sorted(hashes(torrent)):
            if owners.get(each, itself) != itself or new.setdefault(each, itself) != itself:
                raise hash_taken(each, index)


def refuse_taken_torrents(torrents: Iterable[Torrent], taken: Container[bytes]) -> None:
    """Raise `ConflictError` for the first torrent one of whose hashes is taken, or an earlier torrent's."""
    new: set[bytes] = set()
    for index, torrent in enumerate(torrents):
        for info_hash in sorted(hashes(torrent)):
            if info_hash in taken or info_hash in new:
                raise hash_taken(info_hash, index)
        new |= hashes(torrent)


def refuse_default_role(role_id: int) -> None:
    """Raise `ConflictError` for the role that every users store always has."""
    if role_id == DEFAULT_ROLE:
        raise ConflictError("The default role cannot be removed.")
