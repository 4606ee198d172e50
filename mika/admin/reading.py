"""What a request carries into values: path parameters, query and body, each checked; a problem names what is wrong.

`api.py` calls this once it is known that the request may be made.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel, ValidationError

from mika.admin.call import Request
from mika.admin.etag import Condition
from mika.admin.models import MAX_INTEGER
from mika.admin.problems import ProblemError, field_problem, invalid
from mika.admin.routes import PARAMETERS
from mika.turns import Rest, in_turns

MAX_ITEMS = 20_000
"""The most items of an array: they are all in memory at once."""


def condition_of(request: Request) -> Condition:
    """Return what must be so for a change to be made."""
    return Condition(request.headers.get("if-match"), request.headers.get("if-none-match"))


def read_parameter(name: str, encoded: bytes) -> Any:
    """Read what stands in braces in a path; 400 if it cannot be that."""
    try:
        return PARAMETERS[name].validate_python(unquote_to_bytes(encoded).decode())
    except (ValidationError, UnicodeDecodeError) as problem:
        detail = "this is not UTF-8"
        if isinstance(problem, ValidationError):
            detail = problem.errors()[0]["msg"].removeprefix("Value error, ")
        raise field_problem(name, detail, status=400) from None


def read_query(query: bytes, model: type[BaseModel]) -> BaseModel:
    """Read a query: 400 if it is malformed, 422 if something in it is wrong or unknown."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise ProblemError(400, "The query is not percent-encoded UTF-8.") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ProblemError(400, "The query names something twice.")
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        raise invalid(problem) from None


async def read_body(request: Request, model: type[BaseModel], rest: Rest, *, many: bool) -> BaseModel | list[BaseModel]:
    """Read a body: 400 if it is no JSON, 415 if it does not say that it is, 422 if something in it is wrong."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(
            415, "The body is needed as Content-Type: application/json.", headers={"Accept": "application/json"}
        )
    value = read_json(request.body)
    if not (many and isinstance(value, list)):
        return _checked(value, model, None)
    if len(value) > MAX_ITEMS:
        raise ProblemError(422, f"An array of at most {MAX_ITEMS} items is taken, and these are {len(value)}.")
    return await in_turns(value, lambda index, item: _checked(item, model, index), rest)


def _checked(value: Any, model: type[BaseModel], index: int | None) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        raise invalid(problem, index) from None


def read_json(body: bytes) -> Any:
    """Read JSON as RFC 8259 means it: UTF-8, each name of an object once, no NaN; a 400 problem for anything else."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_no_constant,
        )
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no character
    except RecursionError:
        raise ProblemError(400, "The body is nested too deep.") from None
    except UnicodeError:
        raise ProblemError(400, "The body is not UTF-8 text.") from None
    except json.JSONDecodeError as problem:
        raise ProblemError(400, f"The body is not JSON: {problem}.") from None
    except ValueError as problem:  # from one of those below
        raise ProblemError(400, f"The body cannot be read as JSON: {problem}.") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("an object names a field twice")
    return values


def _integer(digits: str) -> int:
    if len(digits) > 20:  # more than 64 bits; and Python refuses, in words of its own, what is far longer
        raise ValueError("an integer does not fit in 64 bits")
    return int(digits)


def _number(digits: str) -> int | float:
    value = float(digits)  # 5.0 is an integer: JSON knows no other difference, and PHP writes some so
    return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
