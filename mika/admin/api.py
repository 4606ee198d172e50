"""One request to one answer: finds the route, asks for the token, checks what was sent, calls the route's function.

`server/admin.py` calls `Api.answer` with what came over TLS. Whatever goes wrong becomes a problem document here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from twisted.logger import Logger

from mika.admin.audit import AuditLog, fields_of, moment
from mika.admin.auth import Token, Tokens
from mika.admin.call import Answer, Call, Context, Request, Stream
from mika.admin.cors import Cors
from mika.admin.gate import Gate
from mika.admin.problems import ProblemError
from mika.admin.reading import condition_of, read_body, read_parameter, read_query
from mika.admin.route import Route
from mika.admin.routes import METRICS, find
from mika.errors import ConflictError, NotFoundError, NotOfferedError, StoreError

log = Logger()

_CLOSED = Cors(())


class Api:
    """The admin API without its socket."""

    def __init__(
        self, context: Context, tokens: Tokens, gate: Gate, cors: Cors = _CLOSED, audit: AuditLog | None = None
    ) -> None:
        """Without an audit log, changes are told to the log of the tracker alone."""
        self._context = context
        self.tokens = tokens
        self.gate = gate
        self._cors = cors
        self.audit = audit

    def knows(self, authorization: str | None) -> bool:
        """Say whether this Authorization header holds a token of ours, whatever it allows."""
        return self.tokens.find(authorization) is not None

    async def answer(self, request: Request) -> Answer:
        """Answer a request; never fails."""
        try:
            methods, encoded = _path(request)
            preflight = self._cors.preflight(request, methods)
            if preflight is not None:
                return preflight
            route = _route(request, methods)
        except ProblemError as problem:
            answer = problem.answer()
        else:
            answer = await self._routed(Made(request, route, encoded, self.tokens.find(request.authorization)))
        self._cors.mark(request, answer)
        return answer

    async def _routed(self, made: Made) -> Answer:
        route = made.route
        try:
            answer = await self._answer(made)
        except ProblemError as problem:
            answer = problem.answer()
        except Exception:  # noqa: BLE001 - the edge: what nobody foresaw is logged here and told to nobody
            log.failure("{method} {path} failed", method=made.request.method, path=route.path)
            answer = ProblemError(500, "The tracker could not do this; its log says why.").answer()
        if route.scope is not None and route.method != "GET":
            path = made.path(answer)
            log.info("{method} {path} {status}", method=made.request.method, path=path, status=answer.status)
            if self.audit is not None:
                self.audit.write(made.entry(answer, self._context.directory.moment()))
        return answer

    async def _answer(self, made: Made) -> Answer:
        request, route = made.request, made.route
        open_to_all = route.scope is None or (
            route.path == METRICS and self._context.configuration.config.api.metrics_open
        )
        await self.gate.admit(request, made.token, None if open_to_all else route.scope)
        parameters = {name: read_parameter(name, value) for name, value in made.encoded.items()}
        query = read_query(request.query, route.query)
        body = made.body = (
            None if route.body is None else await read_body(request, route.body, self.gate.rest, many=route.many)
        )
        call = Call(
            self._context, parameters, query, body, self.tokens, condition_of(request), request.headers, self.gate.rest
        )
        try:
            return _of(made.token, await route.function(call))
        except (NotFoundError, ConflictError) as problem:
            status = 404 if isinstance(problem, NotFoundError) else 409
            if not isinstance(body, list):
                raise ProblemError(status, str(problem)) from None
            raise ProblemError(status, f"item {problem.index}: {problem}", index=problem.index) from None
        except NotOfferedError as problem:
            raise ProblemError(501, str(problem)) from None
        except StoreError as problem:
            raise ProblemError(503, str(problem)) from None


def _of(token: Token | None, answer: Answer) -> Answer:
    """Return an answer that, if it goes on, is marked with the token with which it ends."""
    if isinstance(answer.body, Stream) and token is not None:
        return replace(answer, body=replace(answer.body, reader=token.name))
    return answer


@dataclass(slots=True)
class Made:
    """A request that has a route: its token, if it is known, and its body, once that is known to be good."""

    request: Request
    route: Route
    encoded: Mapping[str, bytes]
    token: Token | None
    body: Any = None

    def path(self, answer: Answer) -> str:
        """Return the path as it may be logged: one that does not fit may hold anything, a passkey too."""
        fits = answer.status not in (400, 401, 429)
        return self.request.path.decode("ascii", "replace") if fits else self.route.path

    def entry(self, answer: Answer, seconds: float) -> dict[str, Any]:
        """Return what the audit log says of it."""
        return {
            "time": moment(seconds),
            "who": None if self.token is None else self.token.name,
            "from": self.request.address,
            "method": self.request.method,
            "path": self.path(answer),
            "status": answer.status,
            "made": answer.headers.get("Location"),
            "fields": fields_of(self.body) or None,
            "items": len(self.body) if isinstance(self.body, list) else None,
        }


def _path(request: Request) -> tuple[Mapping[str, Route], Mapping[str, bytes]]:
    found = find(request.path)
    if found is None:
        raise ProblemError(404, "There is no such path.")
    return found


def _route(request: Request, methods: Mapping[str, Route]) -> Route:
    route = methods.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        names = sorted({*methods, "HEAD"} if "GET" in methods else methods)
        raise ProblemError(405, f"This path allows {', '.join(names)}.", headers={"Allow": ", ".join(names)})
    return route
