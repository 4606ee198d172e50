"""`/v1/tokens`: who may use this API. A token itself is shown once, in the answer to who made it."""

from __future__ import annotations

from mika.admin.auth import Scope, Token
from mika.admin.call import Answer, Call
from mika.admin.models import NewToken
from mika.admin.views import Items, MadeToken, TokenView, rfc3339
from mika.errors import NotFoundError, StoreError


async def list_tokens(call: Call) -> Answer:
    """List tokens, a page at a time.

    In order of name, without the tokens themselves: only their hashes are kept.
    """
    tokens = sorted(call.tokens, key=lambda token: token.name)
    rest = [token for token in tokens if token.name > (call.query.after or "")]
    shown = rest[: call.query.limit]
    following = shown[-1].name if len(rest) > len(shown) else None
    return Answer(200, Items[TokenView](items=[_view(token) for token in shown], next=following))


async def add_token(call: Call) -> Answer:
    """Make a token.

    It is shown in this answer and never again. It counts at once.
    """
    body: NewToken = call.body
    scopes = [Scope[name.upper()] for name in body.scopes]
    try:
        token, secret = call.tokens.make(body.name, scopes, call.context.directory.now())
    except OSError as problem:
        raise StoreError(f"The token cannot be kept in the state directory: {problem.strerror}.") from None
    made = MadeToken(**_view(token).model_dump(), token=secret)
    return Answer(201, made, {"Location": f"/v1/tokens/{token.name}"})


async def show_token(call: Call) -> Answer:
    """Show what is known of a token."""
    for token in call.tokens:
        if token.name == call.parameters["name"]:
            return Answer(200, _view(token))
    raise NotFoundError(f"There is no token named {call.parameters['name']}.")


async def delete_token(call: Call) -> Answer:
    """Revoke a token.

    It stops at once, and the events that are watched with it end. The one that the tracker made for its own machine
    stays as long as its file does.
    """
    try:
        call.tokens.revoke(call.parameters["name"])
    except OSError as problem:
        raise StoreError(f"The tokens in the state directory cannot be written: {problem.strerror}.") from None
    return Answer(204)


def _view(token: Token) -> TokenView:
    made = rfc3339(token.created_at) if token.created_at else None
    return TokenView(name=token.name, scopes=[scope.name.lower() for scope in token.scopes], created_at=made)
