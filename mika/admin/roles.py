"""`/v1/roles`: classes of users."""

from __future__ import annotations

from mika import model
from mika.admin.call import Answer, Call
from mika.admin.etag import role_tag
from mika.admin.models import NewRole, RoleFields
from mika.admin.users import after_id
from mika.admin.views import Items, Role, role_view
from mika.standing import Check


async def list_roles(call: Call) -> Answer:
    """List roles, a page at a time.

    In order of id.
    """
    after = after_id(call.query.after)
    roles = sorted(
        (role for role in call.context.directory.roles.values() if role.id > after), key=lambda role: role.id
    )
    shown = roles[: call.query.limit]
    following = str(shown[-1].id) if len(roles) > len(shown) else None
    return Answer(200, Items[Role](items=[role_view(role) for role in shown], next=following))


async def add_role(call: Call) -> Answer:
    """Add a role."""
    body: NewRole = call.body
    role = await call.context.directory.add_role(model.Role(**body.facts(())))
    return Answer(201, role_view(role), {"Location": f"/v1/roles/{role.id}", "ETag": role_tag(role)})


async def show_role(call: Call) -> Answer:
    """Show a role."""
    return _shown(call.context.directory.role(call.parameters["id"]))


async def change_role(call: Call) -> Answer:
    """Change a role.

    What is not named stays. Its users' next announces count by what is new.
    """
    body: RoleFields = call.body
    changes = body.named(type(body).model_fields)
    return _shown(await call.context.directory.change_role(call.parameters["id"], changes, _as_expected(call)))


async def delete_role(call: Call) -> Answer:
    """Delete a role.

    Who had it counts as having the default one, which itself cannot be deleted.
    """
    await call.context.directory.delete_role(call.parameters["id"], _as_expected(call))
    return Answer(204)


def _as_expected(call: Call) -> Check[model.Role]:
    return lambda role: call.condition.check(role_tag(role))


def _shown(role: model.Role) -> Answer:
    return Answer(200, role_view(role), {"ETag": role_tag(role)})
