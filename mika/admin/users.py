"""`/v1/users`: accounts and their passkeys."""

from __future__ import annotations

import re

from mika import model
from mika.admin.call import Answer, Call, Context
from mika.admin.etag import user_tag
from mika.admin.models import USER_COUNTERS, Id, NewUser, UserFields
from mika.admin.problems import field_problem
from mika.admin.turns import shown_in_turns
from mika.admin.views import Items, User, user_view
from mika.directory import new_passkey
from mika.edits import Edit
from mika.errors import ConflictError, NotFoundError
from mika.standing import Check
from mika.turns import in_turns

_FACTS = set(UserFields.model_fields) - set(USER_COUNTERS)


class ChangedUser(UserFields):
    """A user to change with others: which one, and what of them."""

    id: Id


async def list_users(call: Call) -> Answer:
    """List users, a page at a time.

    In order of id, with their live totals.
    """
    after = after_id(call.query.after)
    found = await call.context.directory.list_users(after, call.query.limit + 1)
    shown = found[: call.query.limit]
    following = str(shown[-1].id) if len(found) > len(shown) else None
    return Answer(200, Items[User](items=[user_view(each) for each in shown], next=following))


async def add_users(call: Call) -> Answer:
    """Add a user, or an array of them.

    An array is added whole or not at all. The answer has the same shape, with ids and passkeys.
    """
    many = isinstance(call.body, list)
    bodies: list[NewUser] = call.body if many else [call.body]

    def new(index: int, body: NewUser) -> model.User:
        _check_role(call.context, body, index if many else None)
        return _new(body, body.id)

    added = await call.context.directory.add_users(await in_turns(bodies, new, call.rest), call.rest)
    if not many:
        return _created(added[0])
    return Answer(201, await shown_in_turns(added, user_view, call.rest))


async def change_users(call: Call) -> Answer:
    """Change a user, or an array of them.

    Each names the user by `id`, and what is to be changed, as PATCH of one user does. An array is changed whole or not
    at all, and names nobody twice. The answer has the same shape.
    """
    many = isinstance(call.body, list)
    bodies: list[ChangedUser] = call.body if many else [call.body]

    def edit(index: int, body: ChangedUser) -> Edit[int, model.User]:
        _check_role(call.context, body, index if many else None)
        return Edit(body.id, body.named(_FACTS), body.named(USER_COUNTERS))

    edits = await in_turns(bodies, edit, call.rest)
    changed = await call.context.directory.change_users(edits, call.rest)
    return Answer(200, await shown_in_turns(changed, user_view, call.rest) if many else user_view(changed[0]))


async def show_user(call: Call) -> Answer:
    """Show a user.

    Totals are live: one that is read after the answer to an announce includes it.
    """
    return _shown(await call.context.directory.user(call.parameters["id"]))


async def put_user(call: Call) -> Answer:
    """Create a user under this id, or replace it.

    What is not named gets its default, but for the passkey and the counters of a user who is there: those stay.
    """
    body: NewUser = call.body
    user_id: int = call.parameters["id"]
    if body.id not in (0, user_id):
        raise field_problem("id", "this is another one than in the path")
    _check_role(call.context, body)
    try:
        return await _replace(call, user_id, body)
    except NotFoundError:
        call.condition.check(None)
    try:
        added = await call.context.directory.add_users([_new(body, user_id)])
    except ConflictError:
        try:
            return await _replace(call, user_id, body)  # somebody else has added it in between
        except NotFoundError:
            pass  # no: the conflict is about the passkey
        raise
    return _created(added[0])


async def change_user(call: Call) -> Answer:
    """Change a user.

    What is not named stays. A counter that is named is set; what is announced meanwhile is added to the new figure.
    """
    body: UserFields = call.body
    _check_role(call.context, body)
    user = await call.context.directory.change_user(
        call.parameters["id"], body.named(_FACTS), body.named(USER_COUNTERS), _as_expected(call)
    )
    return _shown(user)


async def delete_user(call: Call) -> Answer:
    """Delete a user.

    Their peers leave their swarms at once.
    """
    await call.context.directory.delete_user(call.parameters["id"], _as_expected(call))
    return Answer(204)


async def renew_passkey(call: Call) -> Answer:
    """Give a user a new passkey.

    The old one stops at once.
    """
    user = await call.context.directory.change_user(
        call.parameters["id"], {"passkey": new_passkey()}, check=_as_expected(call)
    )
    return _shown(user)


def after_id(after: str | None) -> int:
    """Return the id that a page starts after, 0 for the first page."""
    if after is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,16}", after):
        raise field_problem("after", "the `next` of a page before is needed")
    return int(after)


def _check_role(context: Context, body: UserFields, index: int | None = None) -> None:
    # The directory checks it again, in its turn; here the field can be named.
    if "role" in body.model_fields_set and body.role not in context.directory.roles:
        raise field_problem("role", f"there is no role with the id {body.role}", index)


def _new(body: NewUser, user_id: int) -> model.User:
    facts = body.facts((*USER_COUNTERS, "id"))
    return model.User(user_id, **facts, totals=model.Totals(**body.named(USER_COUNTERS)))


async def _replace(call: Call, user_id: int, body: NewUser) -> Answer:
    facts = body.facts((*USER_COUNTERS, "id", "passkey")) | body.named(["passkey"])
    user = await call.context.directory.change_user(user_id, facts, body.named(USER_COUNTERS), _as_expected(call))
    return _shown(user)


def _as_expected(call: Call) -> Check[model.User]:
    return lambda user: call.condition.check(user_tag(user))


def _shown(user: model.User) -> Answer:
    return Answer(200, user_view(user), {"ETag": user_tag(user)})


def _created(user: model.User) -> Answer:
    return Answer(201, user_view(user), {"Location": f"/v1/users/{user.id}", "ETag": user_tag(user)})
