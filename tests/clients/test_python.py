"""The Python clients: servers that fail them, the .torrent files that all clients read alike, and a day's work."""

from __future__ import annotations

import inspect
import json
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from clients.failing import Failing, failing
from clients.programs import CLIENTS, environment, run
from clients.talking import Awaiting, drive, refusal
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from clients import torrents
from mika_client import (
    BadTorrentError,
    Client,
    MikaError,
    ProblemError,
    Server,
    UnreachableError,
    User,
    read_metainfo,
)
from mika_client.deferred import TwistedClient
from mika_client.server import Call

DOCUMENT = json.loads(torrents.FILE.read_text(encoding="utf-8"))

Make = Callable[..., Any]
"""Returns a client, made awaitable, of the server that fails it in the named way."""


async def raised(kind: type[MikaError], awaitable: Awaitable[Any]) -> MikaError:
    """Return the error of this kind that comes."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


async def is_sent_again(make: Make, server: Failing) -> None:
    """Wait for 503 where a request is idempotent, and nowhere else."""
    for method, times in {"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1}.items():
        server.asked.clear()
        asking = make("busy").request(method, "/v1/status")
        if times == 3:
            assert await asking == {"version": "1"}
        else:
            assert (await refusal(asking)).status == 503
        assert len(server.asked) == times, method


async def gives_up(make: Make, server: Failing) -> None:
    """Stop after four attempts, or at once where too much patience is asked for."""
    assert (await refusal(make("away").user(1))).status == 503
    assert len(server.asked) == 4
    server.asked.clear()
    problem = await refusal(make("later").user(1))
    assert (problem.status, problem.retry_after, len(server.asked)) == (429, 3600, 1)


async def names_fields(make: Make, server: Failing) -> None:
    """Make an error of a problem document, with all that it says."""
    problem = await refusal(make("fields").add_torrents([]))
    assert (problem.status, problem.title, problem.index) == (422, "Unprocessable Content", 3)
    assert [(error.index, error.field, error.detail) for error in problem.errors] == [(3, "size", "too small")]
    assert str(problem) == "422 Unprocessable Content: item 3: size: too small"
    assert server.asked[0].body == b"[]"


async def says_what_is_not_mika(make: Make, server: Failing) -> None:
    """Refuse pages of proxies, other APIs, nothing at all; and a redirect, because the token is for mika."""
    assert (await refusal(make("gateway").user(1))).status == 502
    for how in ("welcome", "other", "nothing"):
        assert "as mika does" in str(await raised(UnreachableError, make(how).user(1)))
    server.asked.clear()
    assert (await refusal(make("moved").user(1))).status == 302
    assert len(server.asked) == 1


async def does_not_wait_for_ever(make: Make, _server: Failing) -> None:
    """Leave a server that is silent."""
    error = await raised(UnreachableError, make("silent", timeout=0.1).delete_user(1))
    assert "whether the change was made is not known" in str(error)


async def sends_what_is_needed(make: Make, server: Failing) -> None:
    """Send the token, the condition, and only the fields that are named; read exact totals."""
    user = await make("user").change_user(1, enabled=False, if_match='"one"')
    (asked,) = server.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("PATCH", "/user/v1/users/1", {"enabled": False})
    assert (asked.headers["authorization"], asked.headers["if-match"]) == ("Bearer secret", '"one"')
    assert isinstance(user, User)
    assert (user.etag, user.uploaded, str(user.bonus), user.created_at.isoformat()) == (
        '"two"',
        2**63 - 1,
        "12.5",
        "2026-11-22T10:00:00+00:00",
    )
    assert user.ratio == 2**62


async def asks_for_pages_as_they_are_needed(make: Make, server: Failing) -> None:
    """Ask for one page for the first user, for two for both; refuse a list that never ends."""
    async for _ in make("page").users():
        break
    assert len(server.asked) == 1
    server.asked.clear()
    assert len([user async for user in make("page").users()]) == 2
    assert server.asked[1].path == "/page/v1/users?limit=1000&after=a+b"

    async def endless() -> None:
        async for _ in make("same").users():
            pass

    await raised(UnreachableError, endless())


CASES = (
    is_sent_again,
    gives_up,
    names_fields,
    says_what_is_not_mika,
    does_not_wait_for_ever,
    sends_what_is_needed,
    asks_for_pages_as_they_are_needed,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_blocking_client(case):
    """Each case, with the client that blocks."""
    clients = []

    def make(how: str, **settings: Any) -> Awaiting:
        clients.append(Client(f"{server.url}/{how}", "secret", **settings))
        return Awaiting(clients[-1])

    with failing() as server:
        drive(case(make, server))
        for client in clients:
            client.close()


class TestTwistedClient(TestCase):
    """Each case, with the client for Twisted: its connections and timers are gone afterwards."""

    timeout = 60

    async def _meet(self, case: Callable[[Make, Failing], Awaitable[None]]) -> None:
        from twisted.internet import reactor

        clients = []

        def make(how: str, **settings: Any) -> TwistedClient:
            clients.append(TwistedClient(reactor, f"{server.url}/{how}", "secret", **settings))
            return clients[-1]

        with failing() as server:
            await case(make, server)
            for client in clients:
                await client.close()


def _add(case: Callable[[Make, Failing], Awaitable[None]]) -> None:
    def test(self: TestTwistedClient) -> Deferred[None]:
        return Deferred.fromCoroutine(self._meet(case))

    test.__doc__ = case.__doc__
    setattr(TestTwistedClient, f"test_{case.__name__}", test)


for each_case in CASES:
    _add(each_case)


@pytest.mark.parametrize(
    ("method", "status", "retry_after", "attempt", "wait"),
    [
        ("GET", 503, None, 1, 0.5),
        ("GET", 503, None, 3, 2.0),
        ("GET", 503, None, 4, None),
        ("GET", 429, 7.0, 1, 7.0),
        ("GET", 429, 31.0, 1, None),
        ("GET", 500, 1.0, 1, None),
        ("PUT", 503, 0.0, 2, 0.0),
        ("POST", 429, 1.0, 1, None),
        ("PATCH", 503, None, 1, None),
    ],
)
def test_waits_are_as_long_as_the_tracker_asks(method, status, retry_after, attempt, wait):
    """Without Retry-After, half a second and twice as long each time."""
    problem = ProblemError(status, "", "")
    problem.retry_after = retry_after
    call = Call(method, "/v1/status", lambda shown, _: shown)
    assert Server("https://localhost", "secret").wait(call, problem, attempt) == wait


def test_both_clients_have_the_same_methods():
    """Names, parameters and their annotations; only what is awaited differs."""

    def methods(kind: type) -> dict[str, list[inspect.Parameter]]:
        return {
            name: list(inspect.signature(method).parameters.values())
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(Client) == methods(TwistedClient)
    assert {"users", "change_user", "delete_torrent", "request"} <= set(methods(Client))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "https://127.0.0.1:34001"}, "MIKA_TOKEN"),
        ({"url": "http://tracker.example", "token": "secret"}, "use https"),
        ({"url": "ftp://127.0.0.1", "token": "secret"}, "no URL"),
        ({"url": "127.0.0.1:34001", "token": "secret"}, "no URL"),
        ({"token": "two\nlines"}, "no token"),
        ({"token": "secret", "ca_file": "/there/is/no/such/file"}, "cannot read the certificates"),
        ({"token": "secret", "ca_file": __file__}, "certificate"),
    ],
)
@pytest.mark.parametrize(
    "make", [Client, lambda **settings: TwistedClient(None, **settings)], ids=["blocking", "twisted"]
)
def test_configuration_that_cannot_work_is_refused(settings, words, make, monkeypatch):
    """In words, before anything is sent."""
    for name in ("MIKA_URL", "MIKA_TOKEN", "MIKA_CA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MikaError, match=words):
        make(**settings)


def test_environment_says_where_the_tracker_is(monkeypatch):
    """What is given counts more; and the token is not in a traceback that shows the client's parts."""
    monkeypatch.setenv("MIKA_URL", "https://tracker.example/")
    monkeypatch.setenv("MIKA_TOKEN", "secret\n")
    monkeypatch.delenv("MIKA_CA", raising=False)
    server = Client().server
    assert (server.url, server.token, server.ca_file) == ("https://tracker.example", "secret", None)
    assert Client("https://other.example").server.url == "https://other.example"
    assert "secret" not in repr(server)


@pytest.mark.parametrize("expected", DOCUMENT["good"], ids=lambda each: each["about"])
def test_torrent_files_are_read_and_made_personal(expected):
    """As all clients must."""
    metainfo = read_metainfo(b64decode(expected["torrent"]))
    assert metainfo.fields == {
        name: expected[name] for name in ("info_hash", "info_hash_v2", "name", "size") if expected[name] is not None
    }
    assert metainfo.private == expected["private"]
    private = metainfo.made_private()
    assert (private.private, private.info_hash) == (True, expected["private_info_hash"])
    assert private.announcing_to(DOCUMENT["announce"]) == b64decode(expected["personal"])


@pytest.mark.parametrize("bad", DOCUMENT["bad"], ids=lambda each: each["about"])
def test_what_is_no_torrent_file_is_refused(bad):
    """And nothing else is raised."""
    with pytest.raises(BadTorrentError):
        read_metainfo(b64decode(bad["torrent"]))


@pytest.mark.parametrize(("kind", "base"), [("blocking", 1000), ("twisted", 2000)])
def test_a_day_with_a_tracker(kind, base, tracker, deleted):
    """Roles, passkeys, totals of 63 bits, pages, all or nothing, conditions, the whitelist."""
    program = Path(__file__).with_name("talking.py")
    run(sys.executable, program, kind, str(base), cwd=CLIENTS / "python", env=environment(tracker))
    deleted(base)


def test_client_and_examples_are_typed(tmp_path):
    """Mypy says so, strictly."""
    run(sys.executable, "-m", "mypy", f"--cache-dir={tmp_path}", cwd=CLIENTS / "python", env=environment())
