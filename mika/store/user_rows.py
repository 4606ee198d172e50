"""Users and roles as rows: the statements behind `SqlStore`'s `IUserStore`, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update
from sqlalchemy.exc import IntegrityError

from mika.errors import ConflictError
from mika.interfaces import Mark
from mika.model import INT64_MAX, Role, Totals, User
from mika.store.batches import chunks, grow, growth_of, insert_all, insert_one, write_mark
from mika.store.dialect import Dialect
from mika.store.reward_rows import forget, tokens_between, tokens_of
from mika.store.schema import roles, users
from mika.store.taken import PASSKEY_TAKEN, refuse_default_role, refuse_taken_users
from mika.store.values import TOTALS, Growth

_FACTS = [column.name for column in users.columns if column.name not in TOTALS]
_GROWTH = growth_of(users.c.id)


def _row(user: User) -> dict[str, Any]:
    return _facts(user) | dict(zip(TOTALS, user.totals.values(), strict=True))


def _facts(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in _FACTS}


def _user(row: Mapping[Any, Any], tokens: Mapping[bytes, int]) -> User:
    totals = Totals(*(row[name] for name in TOTALS))
    facts = {name: row[name] for name in _FACTS}
    return User(**facts, freeleech=tokens, totals=totals, written=totals.copy())


def _possible(number: int) -> bool:
    """Say whether a column could hold this id: a longer one, from the path of a request, is simply nobody's."""
    return -INT64_MAX <= number <= INT64_MAX


def by_passkey(connection: Connection, passkey: str) -> User | None:
    """Return the user with this passkey."""
    return _one(connection, select(users).where(users.c.passkey == passkey))


def by_id(connection: Connection, user_id: int) -> User | None:
    """Return the user with this id."""
    if not _possible(user_id):
        return None
    return _one(connection, select(users).where(users.c.id == user_id))


def _one(connection: Connection, query: Select[Any]) -> User | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else _user(row, tokens_of(connection, row["id"]))


def page(connection: Connection, after: int, limit: int) -> list[User]:
    """Return at most `limit` users whose id is greater than `after`."""
    start = max(-INT64_MAX, min(after, INT64_MAX))
    query = select(users).where(users.c.id > start).order_by(users.c.id).limit(limit)
    rows = connection.execute(query).mappings().all()
    tokens = tokens_between(connection, rows[0]["id"], rows[-1]["id"]) if rows else {}
    return [_user(row, tokens.get(row["id"], {})) for row in rows]


def add(connection: Connection, new: list[User]) -> list[int]:
    """Add all and return their ids in the same order; `ConflictError` if an id or a passkey is taken."""
    try:
        with connection.begin_nested():
            return _insert(connection, new)
    except IntegrityError:
        _refuse_taken(connection, new)
        raise


def _insert(connection: Connection, new: list[User]) -> list[int]:
    # Those with an id come first, so that a chosen id is not given to another. The others go one by one: no way to be
    # told many new ids in order is common to all databases.
    chosen = [user for user in new if user.id]
    forget(connection, [user.id for user in chosen])
    insert_all(connection, users, [_row(user) for user in chosen])
    ids = []
    for user in new:
        number = user.id
        if not number:
            row = _row(user)
            del row["id"]
            number = insert_one(connection, users, row)
        ids.append(number)
    return ids


def _refuse_taken(connection: Connection, new: list[User]) -> None:
    ids: set[int] = set()
    passkeys: set[str] = set()
    for chunk in chunks(new):
        ids.update(connection.scalars(select(users.c.id).where(users.c.id.in_([user.id for user in chunk]))))
        wanted = [user.passkey for user in chunk]
        passkeys.update(connection.scalars(select(users.c.passkey).where(users.c.passkey.in_(wanted))))
    refuse_taken_users(new, ids, passkeys)


def save(connection: Connection, dialect: Dialect, user: User, growth: Growth) -> None:
    """Write everything but the totals, if the user is there, and add the growth to those."""
    facts = _facts(user)
    itself = users.c.id == facts.pop("id")
    try:
        with connection.begin_nested():
            connection.execute(update(users).where(itself).values(facts))
            # A trigger (step 0004) takes a time that is as before for a forgotten one; not where it is set alone.
            connection.execute(update(users).where(itself).values(updated_at=user.updated_at))
    except IntegrityError:
        if connection.execute(select(users.c.id).where(users.c.passkey == user.passkey, ~itself)).first():
            raise ConflictError(PASSKEY_TAKEN) from None
        raise
    grow(connection, dialect, _GROWTH, growth)


def remove(connection: Connection, user_id: int) -> bool:
    """Delete, and say whether there was one."""
    if not _possible(user_id):
        return False
    forget(connection, [user_id])
    return connection.execute(delete(users).where(users.c.id == user_id)).rowcount > 0


def apply(connection: Connection, dialect: Dialect, mark: Mark, growth: Growth) -> None:
    """Write the mark and add the growth to the totals."""
    write_mark(connection, "users", mark)
    grow(connection, dialect, _GROWTH, growth)


def all_roles(connection: Connection) -> list[Role]:
    """Return all roles in order of id."""
    return [Role(**row) for row in connection.execute(select(roles).order_by(roles.c.id)).mappings()]


def save_role(connection: Connection, role: Role) -> Role:
    """Add (with id 0: under a new one) or replace."""
    row = asdict(role)
    if role.id:
        connection.execute(delete(roles).where(roles.c.id == role.id))
    else:
        del row["id"]
    return replace(role, id=insert_one(connection, roles, row))


def remove_role(connection: Connection, role_id: int) -> bool:
    """Delete, and say whether there was one; `ConflictError` for the default role."""
    refuse_default_role(role_id)
    return _possible(role_id) and connection.execute(delete(roles).where(roles.c.id == role_id)).rowcount > 0
