"""The admin API without its socket, on stores in memory; a test that leaves a traceback in the log fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from builders import Unchanging, make_figures, result
from pydantic_core import to_json
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from mika.admin.api import Api
from mika.admin.audit import AuditLog
from mika.admin.auth import Book, Scope, Token, Tokens
from mika.admin.call import Context, Health, Request, StoreHealth, Stream
from mika.admin.cors import Cors
from mika.admin.gate import Gate
from mika.config import Config
from mika.directory import Directory
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

NOW = 1_795_341_600
"""2026-11-22T10:00:00Z."""

TOKENS = {"reader": Scope.READ, "writer": Scope.WRITE, "owner": Scope.ADMIN}


class Reply(NamedTuple):
    """What a client sees of an answer."""

    status: int
    json: Any
    headers: dict[str, str]
    content_type: str
    text: str = ""
    stream: Stream | None = None


class Admin:
    """A tracker's facts, its admin API, and a client of it."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        metrics_open: bool = False,
        book: Book | None = None,
        configuration: Any = None,
        rate: int = 0,
        origins: Sequence[str] = (),
        audit: AuditLog | None = None,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = store or MemoryStore()
        self.swarms = Swarms(2700, 1_814_400, lambda _endpoint: True, lambda *_changed: None)
        self.directory = Directory(self.store, self.store, self.swarms, self.clock.seconds, lambda _kind: succeed(None))
        result(self.directory.open())
        self.health = Health([StoreHealth.of("users", "sqlite:", ok=True)], {"users": 0})
        self.configuration = configuration or Unchanging(Config(api={"metrics_open": metrics_open}))
        self.flushes: list[Any] = []
        self.figures = make_figures(self.swarms, self.clock, flushes=self.flushes, torrents=self.directory.torrents)
        self.directory.publish = self.figures.events.publish
        context = Context(self.directory, self.swarms, NOW, lambda: self.health, self.configuration, self.figures)
        tokens = Tokens((Token.of(name, name, scope) for name, scope in TOKENS.items()), book)
        self.gate = Gate(self.clock, rate, delay=0.25)
        self.api = Api(context, tokens, self.gate, Cors(origins), audit)

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        token: str | None = "writer",
        content_type: str = "application/json",
        **headers: str,
    ) -> Reply:
        """Send a body (as it is when bytes, else as JSON) and wait for the answer; `if_match` is If-Match."""
        answered = Deferred.fromCoroutine(self.begin(method, target, body, token, content_type, **headers))
        self.clock.advance(0)  # the turns that a long array gives to others
        return result(answered)

    async def begin(
        self,
        method: str,
        target: str,
        body: Any = None,
        token: str | None = "writer",
        content_type: str = "application/json",
        address: str = "192.0.2.1",
        **headers: str,
    ) -> Reply:
        """Send as `send` does; the answer may take its time."""
        path, _, query = target.encode().partition(b"?")
        request = Request(
            method,
            path,
            query,
            authorization=None if token is None else f"Bearer {token}",
            content_type=content_type,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            address=address,
        )
        answer = await self.api.answer(request)
        if isinstance(answer.body, Stream):
            return Reply(answer.status, None, answer.headers, answer.content_type, stream=answer.body)
        if isinstance(answer.body, bytes) and answer.content_type != "application/json":
            return Reply(answer.status, None, answer.headers, answer.content_type, answer.body.decode())
        shown = (
            None
            if answer.body is None
            else json.loads(answer.body if isinstance(answer.body, bytes) else to_json(answer.body))
        )
        return Reply(answer.status, shown, answer.headers, answer.content_type)

    def everything(self) -> list[Any]:
        """Return all that the API shows and the stores have, to be compared before and after."""
        paths = ("/v1/users", "/v1/torrents", "/v1/roles", "/v1/whitelist", "/v1/status")
        stored = [*result(self.store.list_users(0, 1000)), *result(self.store.list_torrents(b"", 1000))]
        return [self.send("GET", path).json for path in paths] + [
            {name: getattr(noun, name) for name in noun.__dataclass_fields__} for noun in stored
        ]


@pytest.fixture
def admin() -> Admin:
    """Make a tracker with nothing in it."""
    return Admin()


@pytest.fixture
def make_admin() -> Callable[..., Admin]:
    """Make one with a store of the test's own."""
    return Admin


@pytest.fixture
def wait() -> Callable[[Any], Any]:
    """Return what a coroutine or Deferred comes to at once."""
    return result


@pytest.fixture(autouse=True)
def _log_without_a_traceback(log: list[dict[str, Any]]) -> None:
    """Watch the log in every test here, not only where it is asked for."""
