"""Users and roles as rows: the statements behind `SqlStore`'s `IUserStore`, each inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, delete, select
from sqlalchemy.exc import IntegrityError

from mika.interfaces import Mark
from mika.model import INT64_MAX, NOTHING_HELD, Role, Totals, User
from mika.store.batches import chunks, grow, growth_of, insert_all, insert_one, save_all, saved, touch_all, write_mark
from mika.store.dialect import Dialect
from mika.store.reward_rows import by_torrent, by_torrent_between, forget
from mika.store.schema import freeleech, roles, users, void_keys
from mika.store.taken import refuse_default_role, refuse_passkeys_of_others, refuse_taken_users
from mika.store.values import TOTALS, Growth

_FACTS = [column.name for column in users.columns if column.name not in TOTALS]
_GROWTH = growth_of(users.c.id)
_SAVED = saved(users.c.id, [name for name in _FACTS if name != "id"])
_PARAMETERS = ["of" if name == "id" else f"to_{name}" for name in _FACTS]
_ID, _PASSKEY, _UPDATED_AT = map(_FACTS.index, ("id", "passkey", "updated_at"))
_COLUMNS = [*_FACTS, *TOTALS]
_OWNER = select(users.c.passkey, users.c.id)
_facts = attrgetter(*_FACTS)

Row = dict[str, Any]


def freeze(user: User) -> tuple[Any, ...]:
    """Return a user with the totals as `add` takes it: the reactor waits, and rows are made of it in a thread."""
    return (*_facts(user), *user.totals.values())


def freeze_facts(user: User) -> tuple[Any, ...]:
    """Return a user without the totals as `save` takes it."""
    facts: tuple[Any, ...] = _facts(user)
    return facts


def _user(row: Mapping[Any, Any], tokens: Mapping[bytes, int], void: Mapping[bytes, int]) -> User:
    totals = Totals(*(row[name] for name in TOTALS))
    facts = {name: row[name] for name in _FACTS}
    return User(**facts, freeleech=tokens, void_keys=void, totals=totals, written=totals.copy())


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
    if row is None:
        return None
    tokens, void = (by_torrent(connection, table, row["id"]) for table in (freeleech, void_keys))
    return _user(row, tokens or NOTHING_HELD, void or NOTHING_HELD)


def page(connection: Connection, after: int, limit: int) -> list[User]:
    """Return at most `limit` users whose id is greater than `after`."""
    start = max(-INT64_MAX, min(after, INT64_MAX))
    query = select(users).where(users.c.id > start).order_by(users.c.id).limit(limit)
    rows = connection.execute(query).mappings().all()
    if not rows:
        return []
    ends = rows[0]["id"], rows[-1]["id"]
    tokens, void = (by_torrent_between(connection, table, *ends) for table in (freeleech, void_keys))
    return [_user(row, tokens.get(row["id"], NOTHING_HELD), void.get(row["id"], NOTHING_HELD)) for row in rows]


def add(connection: Connection, frozen: list[tuple[Any, ...]]) -> list[int]:
    """Add all and return their ids in the same order; `ConflictError` if an id or a passkey is taken."""
    new = [dict(zip(_COLUMNS, each, strict=True)) for each in frozen]
    try:
        with connection.begin_nested():
            return _insert(connection, new)
    except IntegrityError:
        _refuse_taken(connection, new)
        raise


def _insert(connection: Connection, new: list[Row]) -> list[int]:
    # Those with an id come first, so that a chosen id is not given to another. The passkeys tell the ids that the
    # others were given: no way to be told many new ids in order is common to all databases.
    chosen = [row for row in new if row["id"]]
    forget(connection, [row["id"] for row in chosen])
    insert_all(connection, users, chosen)
    others = [{name: value for name, value in row.items() if name != "id"} for row in new if not row["id"]]
    insert_all(connection, users, others)
    given: dict[str, int] = {}
    for chunk in chunks(others):
        query = select(users.c.passkey, users.c.id).where(users.c.passkey.in_([row["passkey"] for row in chunk]))
        given.update((passkey, number) for passkey, number in connection.execute(query))
    return [row["id"] or given[row["passkey"]] for row in new]


def _refuse_taken(connection: Connection, new: list[Row]) -> None:
    named = [(row["id"], row["passkey"]) for row in new]
    ids, owners = _there(connection, named)
    refuse_taken_users(named, ids, owners)


def _there(connection: Connection, named: Sequence[tuple[int, str]]) -> tuple[set[int], dict[str, int]]:
    """Return the ids of users who have one of these ids or passkeys, and the id of each passkey of theirs."""
    owners: dict[str, int] = {}
    for chunk in chunks(named):
        ids, passkeys = zip(*chunk, strict=True)
        for query in (users.c.id.in_(ids), users.c.passkey.in_(passkeys)):
            owners.update((passkey, number) for passkey, number in connection.execute(_OWNER.where(query)))
    return set(owners.values()), owners


def save(connection: Connection, dialect: Dialect, frozen: list[tuple[Any, ...]], growth: Growth) -> None:
    """Write everything but the totals of those who are there, and add the growth to those."""
    named = [(row[_ID], row[_PASSKEY]) for row in frozen]
    refuse_passkeys_of_others(named, *_there(connection, named))
    rows = sorted(frozen)
    try:
        with connection.begin_nested():
            save_all(connection, dialect, _SAVED, _PARAMETERS, rows)
            touch_all(connection, users.c.id, [(row[_ID], row[_UPDATED_AT]) for row in rows])
    except IntegrityError:  # somebody else was given it since
        refuse_passkeys_of_others(named, *_there(connection, named))
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
