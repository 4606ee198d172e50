"""`/v1/whitelist`: the peer id prefixes of clients that are served when `[tracker] whitelist` is on."""

from __future__ import annotations

from mika.admin.call import Answer, Call
from mika.admin.models import ClientName
from mika.admin.views import Client, Items


async def list_clients(call: Call) -> Answer:
    """List whitelisted clients, a page at a time.

    In order of prefix.
    """
    whitelist = call.context.directory.whitelist
    prefixes = sorted(prefix for prefix in whitelist if prefix > (call.query.after or ""))
    shown = prefixes[: call.query.limit]
    following = shown[-1] if len(prefixes) > len(shown) else None
    clients = [Client(prefix=prefix, name=whitelist[prefix]) for prefix in shown]
    return Answer(200, Items[Client](items=clients, next=following))


async def put_client(call: Call) -> Answer:
    """Allow clients with this prefix, or rename them."""
    body: ClientName = call.body
    prefix: str = call.parameters["prefix"]
    directory = call.context.directory
    status = 200 if prefix in directory.whitelist else 201
    await directory.save_whitelisted(prefix, body.name)
    return Answer(status, Client(prefix=prefix, name=body.name))


async def delete_client(call: Call) -> Answer:
    """Take a prefix off the whitelist."""
    await call.context.directory.delete_whitelisted(call.parameters["prefix"])
    return Answer(204)
