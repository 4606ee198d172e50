"""The table of routes is whole: what the OpenAPI document will be made from."""

from __future__ import annotations

from mika.admin.auth import Scope
from mika.admin.routes import PARAMETERS, ROUTES, find


def test_every_method_of_a_path_is_there_once():
    """No row hides another."""
    rows = [(route.method, route.path) for route in ROUTES]
    assert len(set(rows)) == len(rows)


def test_every_row_finds_itself():
    """Each path, with something in its braces, leads to its own row."""
    for route in ROUTES:
        path = route.path.format(**dict.fromkeys(PARAMETERS, "x"))
        methods, _parameters = find(path.encode())
        assert methods[route.method] is route


def test_every_row_is_described():
    """By the docstring of its function."""
    assert [route.path for route in ROUTES if not route.function.__doc__] == []


OPEN = {"/healthz", "/readyz", "/v1/openapi.json", "/docs", "/docs/{asset}"}
"""What balancers and tools ask, which have no token."""

ADMIN = ("/v1/tokens", "/v1/config")
"""What a token that may write must not reach."""


def test_what_changes_something_needs_a_token_that_may_write():
    """Reading needs one too, but for what is open to all; a few need more."""
    for route in ROUTES:
        expected = Scope.READ if route.method == "GET" else Scope.WRITE
        if route.path in OPEN:
            assert route.scope is None
        elif route.path.startswith(ADMIN):
            assert route.scope >= expected
        else:
            assert route.scope is expected
