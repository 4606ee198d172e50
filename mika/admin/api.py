"""One request to one answer: finds the route, asks for the token, checks what was sent, calls the route's function.

`server/admin.py` calls `Api.answer` with what came over TLS. Whatever goes wrong becomes a problem document here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

from pydantic import BaseModel, ValidationError
from twisted.logger import Logger

from mika.admin.auth import Scope, Tokens
from mika.admin.call import Answer, Call, Context, Request
from mika.admin.etag import Condition
from mika.admin.problems import ProblemError, field_problem, invalid
from mika.admin.route import Route
from mika.admin.routes import METRICS, PARAMETERS, find
from mika.errors import ConflictError, NotFoundError, NotOfferedError, StoreError

MAX_ITEMS = 20_000
"""The most items of an array: checking them is done in one go, while announces wait."""

log = Logger()


class Api:
    """The admin API without its socket."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    def knows(self, authorization: str | None) -> bool:
        """Say whether this Authorization header holds a token of ours, whatever it allows."""
        return self._tokens.find(authorization) is not None

    async def answer(self, request: Request) -> Answer:
        """Answer a request; never fails."""
        try:
            route, encoded = _route(request)
        except ProblemError as problem:
            return problem.answer()
        try:
            answer = await self._answer(request, route, encoded)
        except ProblemError as problem:
            answer = problem.answer()
        except Exception:  # noqa: BLE001 - the edge: what nobody foresaw is logged here and told to nobody
            log.failure("{method} {path} failed", method=request.method, path=route.path)
            answer = ProblemError(500, "The tracker could not do this; its log says why.").answer()
        if route.scope is not None and route.scope > Scope.READ:
            # A path that does not fit may hold anything, a passkey too, so only one that does fit is logged.
            path = route.path if answer.status in (400, 401) else request.path.decode("ascii", "replace")
            log.info("{method} {path} {status}", method=request.method, path=path, status=answer.status)
        return answer

    async def _answer(self, request: Request, route: Route, encoded: Mapping[str, bytes]) -> Answer:
        self._permit(request, route)
        parameters = {name: _parameter(name, value) for name, value in encoded.items()}
        query = _query(request.query, route.query)
        body = None if route.body is None else _body(request, route.body, many=route.many)
        try:
            condition = _condition(request)
            return await route.function(
                Call(self._context, parameters, query, body, self._tokens, condition, request.headers)
            )
        except NotFoundError as problem:
            raise ProblemError(404, str(problem)) from None
        except ConflictError as problem:
            if not isinstance(body, list):
                raise ProblemError(409, str(problem)) from None
            raise ProblemError(409, f"item {problem.index}: {problem}", index=problem.index) from None
        except NotOfferedError as problem:
            raise ProblemError(501, str(problem)) from None
        except StoreError as problem:
            raise ProblemError(503, str(problem)) from None

    def _permit(self, request: Request, route: Route) -> None:
        if route.scope is None or (route.path == METRICS and self._context.configuration.config.api.metrics_open):
            return
        token = self._tokens.find(request.authorization)
        if token is None:
            needed = "A token is needed: Authorization: Bearer TOKEN."
            raise ProblemError(401, needed, headers={"WWW-Authenticate": "Bearer"})
        if token.scope < route.scope:
            raise ProblemError(403, f"This token may not do that: the scope {route.scope.name.lower()} is needed.")


def _route(request: Request) -> tuple[Route, Mapping[str, bytes]]:
    found = find(request.path)
    if found is None:
        raise ProblemError(404, "There is no such path.")
    methods, encoded = found
    route = methods.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        names = sorted({*methods, "HEAD"} if "GET" in methods else methods)
        raise ProblemError(405, f"This path allows {', '.join(names)}.", headers={"Allow": ", ".join(names)})
    return route, encoded


def _condition(request: Request) -> Condition:
    return Condition(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _parameter(name: str, encoded: bytes) -> Any:
    try:
        return PARAMETERS[name].validate_python(unquote_to_bytes(encoded).decode())
    except (ValidationError, UnicodeDecodeError) as problem:
        detail = "this is not UTF-8"
        if isinstance(problem, ValidationError):
            detail = problem.errors()[0]["msg"].removeprefix("Value error, ")
        raise field_problem(name, detail, status=400) from None


def _query(query: bytes, model: type[BaseModel]) -> BaseModel:
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


def _body(request: Request, model: type[BaseModel], *, many: bool) -> BaseModel | list[BaseModel]:
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
    return [_checked(item, model, index) for index, item in enumerate(value)]


def _checked(value: Any, model: type[BaseModel], index: int | None) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        raise invalid(problem, index) from None


def read_json(body: bytes) -> Any:
    """Read JSON as RFC 8259 means it: UTF-8, each name of an object once, no NaN; a 400 problem for anything else."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_once, parse_int=_integer, parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no character
    except RecursionError:
        raise ProblemError(400, "The body is nested too deep.") from None
    except UnicodeError:
        raise ProblemError(400, "The body is not UTF-8 text.") from None
    except json.JSONDecodeError as problem:
        raise ProblemError(400, f"The body is not JSON: {problem}.") from None
    except ValueError as problem:  # from one of the three below
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


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
