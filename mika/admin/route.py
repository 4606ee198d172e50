"""One row of the table of routes: what the router, the permissions and the OpenAPI document are all read from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel

from mika.admin.auth import Scope
from mika.admin.call import Answer, Call
from mika.admin.models import NoQuery

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path; a row names what is beside method, path, function, scope and answer.

    `scope` is `None` where no token is needed. `answer` is the model of a JSON answer, and of each item where it is an
    array; without one the answer is of `media_type`, or nothing at all (204). `many`: body and answer may be an array.
    `creates`: 201 if something was made, else `status`. `etag`: it answers with one, and heeds it before a change.
    `documented`: it belongs into the OpenAPI document.
    `refusals` are the statuses that the rest of the row does not imply: see `refused_with`. What people read about it
    is the docstring of `function`, its first line in a list.
    """

    method: str
    path: str
    function: Callable[[Call], Awaitable[Answer]]
    scope: Scope | None
    answer: type[BaseModel] | None
    status: int = 200
    body: type[BaseModel] | None = None
    many: bool = False
    query: type[BaseModel] = NoQuery
    creates: bool = False
    media_type: str = JSON
    etag: bool = False
    documented: bool = True
    refusals: tuple[int, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """The names in braces in the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def operation(self) -> str:
        """What a client that is generated calls it: the name of the function as `listTorrents`."""
        first, *others = self.function.__name__.split("_")
        return first + "".join(word.capitalize() for word in others)

    @property
    def takes(self) -> list[str]:
        """Name the headers that change what a request means."""
        if self.media_type == "text/event-stream":
            return ["Last-Event-ID"]
        if not self.etag or self.method == "GET" or self.many:
            return []
        return ["If-Match", "If-None-Match"] if self.method == "PUT" else ["If-Match"]

    @property
    def group(self) -> str:
        """What it is about: the first word of the path."""
        words = self.path.strip("/").split("/")
        return words[1] if words[0] == "v1" and words[1].isalpha() else "tracker"

    def gives(self, status: int) -> list[str]:
        """Name the headers of an answer with this status, beside the usual; one that is an array has none of them."""
        found = ["ETag"] if self.etag and status != 204 else []
        return [*found, "Location"] if status == 201 else found

    def refused_with(self) -> list[int]:
        """Return every status of a problem that this route may answer with."""
        found = {422, 429, 500, *self.refusals}  # an unknown name in a query is 422, wherever
        if self.scope is not None:
            found |= {401, 403, 503}  # no token; too small a scope; a store that does not answer
        if self.takes:
            found.add(412)
        if self.parameters:
            found |= {400, 404}
        if self.query is not NoQuery:
            found.add(400)
        if self.body is not None:
            found |= {400, 409, 413, 415}
        return sorted(found)
