"""Refuses what would double something: the same rules and words in every store, which looks up what it has."""

from __future__ import annotations

from collections.abc import Container, Iterable

from mika.errors import ConflictError, NotFoundError
from mika.model import DEFAULT_ROLE, INT64_MAX, Torrent, User
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


def refuse_taken_users(users: Iterable[User], ids: Container[int], passkeys: Container[str]) -> None:
    """Raise `ConflictError` for the first user whose id or passkey is among the taken ones or an earlier user's."""
    new_ids: set[int] = set()
    new_passkeys: set[str] = set()
    for index, user in enumerate(users):
        if user.id and (user.id in ids or user.id in new_ids):
            raise ConflictError(f"There is already a user with the id {user.id}.", index)
        if user.passkey in passkeys or user.passkey in new_passkeys:
            raise ConflictError(PASSKEY_TAKEN, index)
        new_ids.add(user.id)
        new_passkeys.add(user.passkey)


def refuse_taken_torrents(torrents: Iterable[Torrent], taken: Container[bytes]) -> None:
    """Raise `ConflictError` for the first torrent one of whose hashes is taken, or an earlier torrent's."""
    new: set[bytes] = set()
    for index, torrent in enumerate(torrents):
        for info_hash in sorted(hashes(torrent)):
            if info_hash in taken or info_hash in new:
                raise ConflictError(f"There is already a torrent with the info hash {info_hash.hex()}.", index)
        new |= hashes(torrent)


def refuse_default_role(role_id: int) -> None:
    """Raise `ConflictError` for the role that every users store always has."""
    if role_id == DEFAULT_ROLE:
        raise ConflictError("The default role cannot be removed.")
