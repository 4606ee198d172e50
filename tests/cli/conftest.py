"""A `mika` command line run in this process against the real admin API, without the socket between the two."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import Unchanging, make_figures
from pydantic import BaseModel
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mika.admin.api import Api as AdminApi
from mika.admin.auth import Book, Scope, Token, Tokens
from mika.admin.call import Context, Health, Request
from mika.admin.gate import Gate
from mika.cli import main
from mika.cli.api import Api, read_answer
from mika.config import Config
from mika.directory import Directory
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

TOKEN = "t" * 43


@dataclass
class Outcome:
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as one JSON document."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the state directory of a tracker in the working directory, and an environment that says nothing."""
    for name in ("MIKA_STATE", "MIKA_URL", "MIKA_TOKEN", "MIKA_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "mika-state"
    directory.mkdir()
    (directory / "api-token").write_text(TOKEN + "\n")
    (directory / "announce-url").write_text("http://tracker.example:34000\n")
    return directory


@pytest.fixture
def store() -> MemoryStore:
    """Return what the tracker of `run` keeps everything in."""
    return MemoryStore()


@pytest.fixture
def run(state: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line; all of them speak with the same new tracker."""
    swarms = Swarms(3600, 86400, lambda _address: True, lambda *_changed: None)
    directory = Directory(store, store, swarms, lambda: 1_800_000_000.0, lambda _kind: succeed(None))
    finished(directory.open())
    figures = make_figures(swarms, Clock(), torrents=directory.torrents)
    configuration = Unchanging(Config(tracker={"torrent_keys": "accepted"}))
    context = Context(directory, swarms, 1_799_990_000, lambda: Health([], {"users": 0}), configuration, figures)
    clock = Clock()
    tokens = Tokens([Token.of("local", TOKEN, Scope.ADMIN)], Book(state / "api-tokens.json"))
    admin = AdminApi(context, tokens, Gate(clock, rate=0, delay=0))

    class DirectApi(Api):
        def converse(self, conversation: Callable[[Any], Any]) -> Any:
            async def ask(method: str, path: str, body: Any) -> Any:
                target, _, query = path.partition("?")
                sent = b"" if body is None else json.dumps(body).encode()
                bearer = f"Bearer {self.place.token}"
                request = Request(method, target.encode(), query.encode(), bearer, "application/json", sent)
                answer = await admin.answer(request)
                return read_answer(answer.status, as_bytes(answer.body), self.place)

            answered = Deferred.fromCoroutine(conversation(ask))
            clock.advance(0)  # the turns that a long array gives to others
            return finished(answered)

        def follow(self, path: str, receive: Callable[..., bool]) -> None:
            self.converse(lambda ask: ask("GET", path, None))  # to be refused: streams need a socket

    monkeypatch.setattr("mika.cli.asking.Api", DirectApi)

    def run_line(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = main(arguments)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run_line


def finished(coroutine: Any) -> Any:
    """Return what a coroutine that never has to wait came to."""
    results: list[Any] = []
    deferred = coroutine if isinstance(coroutine, Deferred) else Deferred.fromCoroutine(coroutine)
    deferred.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        raise result.value
    return result


def as_bytes(body: Any) -> bytes:
    """Write a body of the admin API as its server does."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, BaseModel):
        return body.model_dump_json().encode()
    return json.dumps([item.model_dump(mode="json") for item in body]).encode()
