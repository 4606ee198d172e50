"""Server-sent events of the API, as they come: one long answer into one call an event (WHATWG HTML, 9.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mika.cli.api import TIMEOUT, ApiError, read_answer, unreachable

if TYPE_CHECKING:
    from twisted.web.iweb import IPolicyForHTTPS

    from mika.cli.place import Place

LONGEST = 1 << 20
"""Bytes of one event: what sends more is no tracker."""

Receive = Callable[[str, dict[str, Any]], bool]
"""Takes type and fields of an event; returns whether it wants more."""


class EventReader:
    """Pieces of a stream, cut anywhere, into events."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the events that are whole now; `ApiError` for what is none."""
        self._waiting += data
        *whole, self._waiting = self._waiting.split(b"\n\n")
        if len(self._waiting) > LONGEST:
            raise ApiError("the tracker sends an event without an end")
        for block in whole:
            kind, lines = "message", []
            for line in block.decode("utf-8", "replace").splitlines():
                name, _, value = line.partition(":")
                if name == "event":
                    kind = value.removeprefix(" ")
                elif name == "data":
                    lines.append(value.removeprefix(" "))
            if lines:
                yield kind, _fields("\n".join(lines))


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ApiError("the tracker sends an event that is no JSON object")
    return fields


async def follow_on(reactor: Any, place: Place, policy: IPolicyForHTTPS, path: str, receive: Receive) -> None:
    """Hand over each event until `receive` has enough; `ApiError` when the tracker ends it."""
    from treq.client import HTTPClient  # noqa: PLC0415 - slow
    from twisted.internet.defer import Deferred  # noqa: PLC0415 - slow
    from twisted.internet.protocol import Protocol  # noqa: PLC0415 - slow
    from twisted.python.failure import Failure  # noqa: PLC0415 - slow
    from twisted.web.client import Agent  # noqa: PLC0415 - slow

    class Following(Protocol):
        def __init__(self) -> None:
            self.over: Deferred[None] = Deferred()
            self._reader = EventReader()

        def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
            try:
                enough = any(not receive(kind, fields) for kind, fields in self._reader.feed(data))
            except Exception:  # noqa: BLE001 - to who waits, and not to Twisted's log
                self._end(Failure())
            else:
                if enough:
                    self._end(None)

        def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002, N802 - Twisted's name
            self._end(Failure(ApiError(f"{place.url} has ended the events: was the tracker stopped?")))

        def _end(self, result: Failure | None) -> None:
            if not self.over.called:
                self.over.callback(result)  # a Failure takes the errback's side
                if self.transport is not None:
                    self.transport.loseConnection()

    headers: dict[bytes | str, bytes | str] = {"Authorization": f"Bearer {place.token}", "Accept": "text/event-stream"}
    http = HTTPClient(Agent(reactor, policy, connectTimeout=TIMEOUT))
    try:
        request = http.request("GET", place.url + path, headers=headers, allow_redirects=False, unbuffered=True)
        response = await request.addTimeout(TIMEOUT, reactor)
    except Exception as error:
        raise unreachable(error, place) from error
    if response.code != 200:
        read_answer(response.code, await response.content().addTimeout(TIMEOUT, reactor), place)
        raise ApiError(f"{place.url}{path} answers no events: is this the URL of mika's API?")
    following = Following()
    response.deliverBody(following)
    await following.over
