"""The table of routes and the pydantic models into one OpenAPI 3.1 document: `/v1/openapi.json` and `/docs`.

Nothing is described twice: paths, permissions and statuses are those of the rows, schemas those of the models, and the
words are docstrings. What cannot be read from either is in `words.py`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

import mika
from mika.admin.models import UNSET
from mika.admin.problems import MEDIA_TYPE, ProblemDocument, title_of
from mika.admin.route import JSON, Route
from mika.admin.words import ABOUT, EXAMPLES, FIELDS, GROUPS, HEADERS, PARAMETER_WORDS, REFUSALS
from mika.model import INT64_MAX

Schema = dict[str, Any]
SECURITY = "token"

REFERENCE = "#/components/schemas/{model}"


INT32_MAX = 2**31 - 1


class PagesNamed(GenerateJsonSchema):
    """Names the schema of a page of `User` `UserPage`: generated clients have a class of that name."""

    def normalize_name(self, name: str) -> str:
        """Return the name of a schema."""
        return super().normalize_name(re.sub(r"^Items\[(?:.*\.)?(\w+)\]$", r"\1Page", name))


class Schemas:
    """Every model of the routes as JSON schema: what is sent as it is checked, what is answered as it is written."""

    def __init__(self, routes: Sequence[Route]) -> None:
        bodies = {route.body for route in routes if route.body is not None}
        answers = {route.answer for route in routes if route.answer is not None} | {ProblemDocument}
        modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            *((model, "validation") for model in bodies),
            *((model, "serialization") for model in answers),
        ]
        modes.sort(key=lambda each: each[0].__name__)
        self._references, found = models_json_schema(modes, ref_template=REFERENCE, schema_generator=PagesNamed)
        self.defined: dict[str, Schema] = found["$defs"]
        for schema in self.defined.values():
            describe_fields(schema)
        for model in {route.body for route in routes if route.method == "PATCH" and route.body is not None}:
            for field in self._of(self.sent(model))["properties"].values():
                field.pop("default", None)  # what is not named stays as it is

    def _of(self, reference: Schema) -> Schema:
        return self.defined[reference["$ref"].rpartition("/")[2]]

    def sent(self, model: type[BaseModel]) -> Schema:
        """Return the reference to the schema of a body."""
        return self._references[model, "validation"]

    def answered(self, model: type[BaseModel]) -> Schema:
        """Return the reference to the schema of an answer."""
        return self._references[model, "serialization"]


def openapi(routes: Sequence[Route], parameters: Mapping[str, TypeAdapter[Any]]) -> Schema:
    """Return the document; `parameters` are what may stand in the braces of a path."""
    routes = [route for route in routes if route.documented]
    schemas = Schemas(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        path = paths.setdefault(route.path, {})
        path[route.method.lower()] = _operation(route, schemas, parameters)
    groups = list(dict.fromkeys(route.group for route in routes))
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "mika",
            "version": mika.__version__,
            "summary": "The admin API of a private BitTorrent tracker.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The tracker that this document comes from."}],
        "security": [{SECURITY: []}],
        "tags": [{"name": group, "description": GROUPS[group]} for group in groups],
        "paths": paths,
        "components": {
            "schemas": schemas.defined,
            "responses": {str(status): _refusal(status, schemas) for status in sorted(_statuses(routes))},
            "securitySchemes": {
                SECURITY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the scope `read`, `write` or `admin`; each includes those before it.",
                }
            },
        },
    }


def _statuses(routes: Sequence[Route]) -> set[int]:
    return {status for route in routes for status in route.refused_with()}


def _operation(route: Route, schemas: Schemas, parameters: Mapping[str, TypeAdapter[Any]]) -> Schema:
    summary, description = words_of(route)
    scope = "No token is needed." if route.scope is None else f"Scope: `{route.scope.name.lower()}`."
    operation: Schema = {
        "operationId": route.operation,
        "tags": [route.group],
        "summary": summary,
        "description": f"{description}\n\n{scope}".strip(),
        "security": [] if route.scope is None else [{SECURITY: [route.scope.name.lower()]}],
    }
    found = [*_in_path(route, parameters), *_in_query(route), *_in_headers(route)]
    if found:
        operation["parameters"] = found
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _or_array(schemas.sent(route.body), route)}},
        }
    operation["responses"] = _responses(route, schemas)
    return operation


def words_of(route: Route) -> tuple[str, str]:
    """Return the first line of a route's docstring without its full stop, and the rest as Markdown."""
    first, _, rest = (inspect.getdoc(route.function) or "").partition("\n")
    return first.rstrip("."), rest.strip()


def _in_path(route: Route, parameters: Mapping[str, TypeAdapter[Any]]) -> Iterator[Schema]:
    for name in route.parameters:
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETER_WORDS[name],
            "schema": parameters[name].json_schema(),
        }


def _in_query(route: Route) -> Iterator[Schema]:
    schema = route.query.model_json_schema()
    describe_fields(schema)
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": field.pop("description"),
            "schema": _not_null(field),
        }


def _not_null(schema: Schema) -> Schema:
    """Return the schema of what is there at all: a query has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return {**kinds[0], **rest}


def _in_headers(route: Route) -> Iterator[Schema]:
    for name in route.takes:
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": HEADERS[name],
            "schema": {"type": "string"},
        }


def _responses(route: Route, schemas: Schemas) -> Schema:
    good = [route.status, 201] if route.creates else [route.status]
    responses: Schema = {}
    for status in good:
        answer: Schema = {"description": title_of(status)}
        headers = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in route.gives(status)}
        if headers:
            answer["headers"] = headers
        if route.answer is not None:
            answer["content"] = {JSON: {"schema": _or_array(schemas.answered(route.answer), route)}}
        elif status != 204:
            kind = "object" if route.media_type == JSON else "string"
            answer["content"] = {route.media_type: {"schema": {"type": kind}}}
        responses[str(status)] = answer
    for status in route.refused_with():
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return responses


def _or_array(schema: Schema, route: Route) -> Schema:
    if not route.many:
        return schema
    return {"oneOf": [schema, {"type": "array", "items": schema}]}


def _refusal(status: int, schemas: Schemas) -> Schema:
    refusal: Schema = {
        "description": REFUSALS[status],
        "content": {MEDIA_TYPE: {"schema": schemas.answered(ProblemDocument)}},
    }
    return refusal


def example(document: Schema, schema: Schema, name: str = "") -> Any:
    """Return something that fits a schema of the document: what a person would write, with what is required alone."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return example(document, schema[several][0], name)
    if "examples" in schema:
        return schema["examples"][0]
    if name in EXAMPLES:
        return EXAMPLES[name]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        named = schema.get("required") or (["name"] if "name" in fields else list(fields)[:1])
        return {each: example(document, fields[each], each) for each in named}
    if schema.get("type") == "array":
        return [example(document, schema["items"])]
    plain: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True}
    return schema.get("enum", [plain.get(schema.get("type", ""), "text")])[0]


def describe_fields(schema: Schema) -> None:
    """Give each field what generated clients and their readers miss, and take away what says its name again.

    A field without words of its own has those of its name: the same name means the same everywhere.
    """
    schema.pop("title", None)
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        if field.pop(UNSET, False):
            del field["default"]
        if "description" not in field and name in FIELDS:
            field["description"] = FIELDS[name]
        if field.get("type") == "integer" and field.get("maximum", INT64_MAX) > INT32_MAX:
            field["format"] = "int64"
