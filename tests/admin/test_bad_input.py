"""Bad input for every route, made from the table of routes itself: a new one is tried without another line here.

`test_api.py` has what is wrong in ways of its own; here is what can be wrong anywhere.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import RootModel

from mika.admin.auth import Book, Scope
from mika.admin.openapi import example
from mika.admin.routes import ROUTES, document

HASH = "aa" * 20

THERE = {"info_hash": HASH, "id": "1", "prefix": "-TR40", "name": "site", "asset": "docs.css"}
"""What may stand in the braces of a path: something that is there. A new kind of parameter needs a line."""

ABSENT = {"info_hash": "cc" * 20, "id": "77", "prefix": "-XX", "name": "nobody", "asset": "nothing"}

MALFORMED = {"info_hash": "12", "id": "0", "prefix": "%20", "name": "a%20b", "asset": "a%20b"}

HOLDERS = {None: None, Scope.READ: "reader", Scope.WRITE: "writer", Scope.ADMIN: "owner"}
"""Who may use a route of this scope."""

WITH_BODY = [route for route in ROUTES if route.body is not None and not issubclass(route.body, RootModel)]


def named(routes) -> Any:
    """Try every one of these routes."""
    return pytest.mark.parametrize("route", routes, ids=lambda route: f"{route.method} {route.path}")


@pytest.fixture
def admin(make_admin, tmp_path):
    """Make a tracker with one of each."""
    admin = make_admin(book=Book(tmp_path / "tokens"))
    admin.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-one"})
    admin.send("POST", "/v1/torrents", {"info_hash": HASH, "name": "one"})
    admin.send("PUT", "/v1/whitelist/-TR40", {"name": "Transmission"})
    admin.send("POST", "/v1/tokens", {"name": "site", "scopes": ["read"]}, token="owner")
    return admin


def good(route, **parameters: str) -> tuple[str, str, Any]:
    """Return method, path and body of a request that fits its route."""
    body = {}
    if route.body is not None:
        content = document()["paths"][route.path][route.method.lower()]["requestBody"]["content"]
        body = example(document(), content["application/json"]["schema"])
    return route.method, route.path.format(**THERE | parameters), body


def refused(admin, route, request: tuple[Any, ...], **more: Any) -> Any:
    """Send what must be refused, and return the answer: a documented problem, after which all is as it was."""
    before = admin.everything()
    reply = admin.send(*request, **{"token": HOLDERS[route.scope], **more})
    assert reply.content_type == "application/problem+json", reply
    assert reply.json["status"] == reply.status
    assert reply.status in route.refused_with(), "the OpenAPI document does not say so"
    assert admin.everything() == before
    return reply


def fields(reply) -> list[str]:
    """Name the fields that a problem names."""
    return [error["field"] for error in reply.json.get("errors", ())]


@named(ROUTES)
def test_unknown_name_in_the_query_is_422(admin, route):
    """A mistyped one is not passed over."""
    method, path, body = good(route)
    reply = refused(admin, route, (method, f"{path}?nonsense=1", body))
    assert (reply.status, fields(reply)) == (422, ["nonsense"])


@named([route for route in ROUTES if route.query.model_fields])
def test_query_that_is_malformed_is_400(admin, route):
    """Not percent-encoded UTF-8, or something twice."""
    method, path, body = good(route)
    name = next(iter(route.query.model_fields))
    for query in (f"{name}=%ff", f"{name}=1&{name}=1", "\u00e4=1"):
        assert refused(admin, route, (method, f"{path}?{query}", body)).status == 400


@named([route for route in ROUTES if route.parameters])
def test_malformed_part_of_the_path_is_400(admin, route):
    """Each part is named."""
    for name in route.parameters:
        for wrong in (MALFORMED[name], "%ff", "%00"):
            reply = refused(admin, route, good(route, **{name: wrong}))
            assert (reply.status, fields(reply)) == (400, [name])


@named([route for route in ROUTES if route.parameters and route.method not in ("PUT", "POST")])
def test_what_is_not_there_is_404(admin, route):
    """PUT may create it."""
    reply = refused(admin, route, good(route, **{name: ABSENT[name] for name in route.parameters}))
    assert reply.status == 404


@named([route for route in ROUTES if route.scope is not None])
def test_no_token_is_401_and_a_small_one_403(admin, route):
    """Before anything else is looked at: the body may be whatever it is."""
    method, path, _body = good(route)
    assert refused(admin, route, (method, path, b"{"), token=None).status == 401
    assert refused(admin, route, (method, path, b"{"), token="stranger").status == 401
    if route.scope > Scope.READ:
        assert refused(admin, route, (method, path, b"{"), token=HOLDERS[Scope(route.scope - 1)]).status == 403


@named([route for route in ROUTES if route.body is not None])
def test_body_that_is_no_json_is_refused(admin, route):
    """Nor what does not say that it is; nor a number, a list of numbers, or nothing."""
    method, path, body = good(route)
    for junk in (b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 9999):
        assert refused(admin, route, (method, path, junk)).status == 400
    for wrong in (5, "text", None, [5], [[]]):
        assert refused(admin, route, (method, path, wrong)).status == 422
    assert refused(admin, route, (method, path, body), content_type="text/plain").status == 415


@named(WITH_BODY)
def test_each_wrong_field_is_named(admin, route):
    """One that is unknown, one that is missing, and each that there is with something that it cannot be."""
    method, path, body = good(route)
    assert fields(refused(admin, route, (method, path, body | {"nonsense": 1}))) == ["nonsense"]
    for name, field in route.body.model_fields.items():
        named_ = field.alias or name
        reply = refused(admin, route, (method, path, body | {named_: {"an": "object"}}))
        assert reply.status == 422
        assert {each.partition(".")[0] for each in fields(reply)} == {named_}
        assert reply.json["detail"].startswith(named_)
        if field.is_required():
            rest = {other: value for other, value in body.items() if other != named_}
            assert fields(refused(admin, route, (method, path, rest))) == [named_]


@named([route for route in WITH_BODY if route.many])
def test_wrong_item_is_named_by_its_index(admin, route):
    """And none of the others is taken."""
    method, path, body = good(route)
    reply = refused(admin, route, (method, path, [body, body | {"nonsense": 1}]))
    assert (reply.status, reply.json["index"], fields(reply)) == (422, 1, ["nonsense"])


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_other_method_is_405(admin, path):
    """With those that there are."""
    there = {route.method for route in ROUTES if route.path == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", ""} - there:
        reply = admin.send(method, path.format(**THERE))
        assert reply.status == 405
        assert there <= set(reply.headers["Allow"].split(", "))
