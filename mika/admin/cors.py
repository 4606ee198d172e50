"""Cross-origin requests: what browsers ask before a page of another site may use this API. Off unless configured."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mika.admin.call import Answer, Request

ALLOWED = "Authorization, Content-Type, If-Match, If-None-Match"
EXPOSED = "ETag, Location, Retry-After"


class Cors:
    """Answers browsers for pages of the configured origins."""

    def __init__(self, origins: Iterable[str]) -> None:
        """`origins` as browsers write them, `https://example.org`; `*` is any."""
        self._origins = frozenset(origins)

    def preflight(self, request: Request, methods: Collection[str]) -> Answer | None:
        """Answer what a browser asks before it uses one of these methods; None if this is no such question."""
        headers = self._allow(request)
        if request.method != "OPTIONS" or not headers or "access-control-request-method" not in request.headers:
            return None
        headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
        headers["Access-Control-Allow-Headers"] = ALLOWED
        headers["Access-Control-Max-Age"] = "600"
        return Answer(204, headers=headers)

    def mark(self, request: Request, answer: Answer) -> None:
        """Say in an answer that the page which asked may read it."""
        if self._origins:
            answer.headers["Vary"] = "Origin"
        headers = self._allow(request)
        if headers:
            answer.headers.update(headers | {"Access-Control-Expose-Headers": EXPOSED})

    def _allow(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin is None or not self._origins & {origin, "*"}:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
