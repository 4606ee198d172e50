"""The OpenAPI document: valid, made from the same table as the router, and with words for everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mika.admin.openapi import example
from mika.admin.routes import ROUTES, document

DOCUMENT = document()
OPERATIONS = [
    (f"{method} {path}", each) for path, methods in DOCUMENT["paths"].items() for method, each in methods.items()
]


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name each field of each schema."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, described in schema["properties"].items():
            yield f"{name}.{field}", described


def operation(method: str, path: str) -> dict[str, Any]:
    """Return one operation."""
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_document_is_valid():
    """In the eyes of openapi-spec-validator, as OpenAPI 3.1."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_document_is_served_to_who_has_no_token(admin):
    """Tools seldom send one; HEAD too."""
    reply = admin.send("GET", "/v1/openapi.json", token=None)
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.json["openapi"].startswith("3.1.")


def test_every_row_is_an_operation_and_nothing_else_is():
    """The table is the one source."""
    rows = {f"{route.method.lower()} {route.path}" for route in ROUTES if route.documented}
    assert {name for name, _each in OPERATIONS} == rows


def test_every_operation_has_a_name_of_its_own():
    """Generated clients make their methods of them."""
    names = [each["operationId"] for _name, each in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names), names


@pytest.mark.parametrize(("name", "found"), OPERATIONS, ids=[name for name, _each in OPERATIONS])
def test_operation_is_described_in_few_words(name, found):
    """A line in a list that is no sentence, a group that is known, every parameter."""
    assert 5 < len(found["summary"]) < 60
    assert not found["summary"].endswith(".")
    groups = {group["name"]: group["description"] for group in DOCUMENT["tags"]}
    assert all(groups[tag] for tag in found["tags"])
    for parameter in found.get("parameters", ()):
        assert parameter["description"], parameter


def test_every_field_has_words():
    """Its own, or those of its name in `words.py`."""
    assert [name for name, described in fields() if not described.get("description")] == []


def test_scope_is_said_to_people_and_programs():
    """None where no token is needed."""
    assert operation("get", "/healthz")["security"] == []
    assert operation("get", "/v1/users")["security"] == [{"token": ["read"]}]
    assert operation("post", "/v1/users")["security"] == [{"token": ["write"]}]
    assert "`write`" in operation("post", "/v1/users")["description"]


def test_body_that_may_be_an_array_says_so():
    """And so does its answer."""
    posted = operation("post", "/v1/users")
    body = posted["requestBody"]["content"]["application/json"]["schema"]
    answer = posted["responses"]["201"]["content"]["application/json"]["schema"]
    for schema, name in ((body, "NewUser"), (answer, "User")):
        reference = {"$ref": f"#/components/schemas/{name}"}
        assert schema == {"oneOf": [reference, {"type": "array", "items": reference}]}


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.body is not None], ids=lambda route: route.operation
)
def test_example_of_a_body_is_a_good_one(route):
    """It is copied from the page that shows it."""
    content = operation(route.method.lower(), route.path)["requestBody"]["content"]["application/json"]
    route.body.model_validate(example(DOCUMENT, content["schema"]))


def test_put_says_that_it_may_create():
    """201 beside 200."""
    assert {"200", "201"} <= set(operation("put", "/v1/users/{id}")["responses"])


def test_every_refusal_is_a_problem_document():
    """With its media type."""
    for status, response in DOCUMENT["components"]["responses"].items():
        assert int(status) >= 400
        assert list(response["content"]) == ["application/problem+json"]


def test_what_is_no_json_says_what_it_is():
    """Prometheus reads text."""
    assert list(operation("get", "/metrics")["responses"]["200"]["content"]) == ["text/plain"]


def test_patch_has_no_defaults_and_no_stand_ins():
    """What is not named stays as it is, and an id of 0 is no id."""
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name, field in schemas["UserFields"]["properties"].items() if "default" in field] == []
    assert "default" not in schemas["NewUser"]["properties"]["id"]
    assert schemas["NewUser"]["properties"]["multiplier_up"]["default"] == 1
    assert schemas["NewUser"]["required"] == ["name"]


def test_large_integers_are_64_bits():
    """A generated client takes 32 for granted otherwise."""
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["User"]["properties"]["uploaded"]["format"] == "int64"
    assert "format" not in schemas["NewRole"]["properties"]["priority"]
