"""Conversations with the real API over TLS on loopback, and what each fault is called."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from builders import Unchanging, make_figures
from twisted.internet import defer, error, reactor
from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from mika import config
from mika.admin.call import Context, Health
from mika.cli import api
from mika.cli.api import Api, ApiError, converse_on, read_answer, trust_of
from mika.cli.command import InputError
from mika.cli.place import Choice, Place, find_place
from mika.directory import Directory
from mika.server.admin import admin_service
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

PLACE = Place("https://t.example:34001", "secret-token", "mika-state/api-token")


async def ask_status(ask: Callable[..., Awaitable[Any]]) -> Any:
    """Have the shortest conversation."""
    return await ask("GET", "/v1/status", None)


class ConversationTests(TestCase):
    """One tracker's API, and the faults on the way to it."""

    timeout = 20

    def setUp(self) -> None:
        """Start the API with a certificate and a token of its own, in a new state directory."""
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.state = Path(temporary.name)
        store = MemoryStore()
        swarms = Swarms(3600, 86400, lambda _endpoint: True, lambda *_changed: None)
        context = Context(
            Directory(store, store, swarms, reactor.seconds, lambda _kind: succeed(None)),
            swarms,
            0,
            lambda: Health([], {}),
            Unchanging(),
            make_figures(swarms, Clock()),
        )
        service = admin_service(reactor, config.Api(listen="0.0.0.0:0"), self.state, context)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(service.stopService)
        self.port = service.port

    def place(self, **changes: Any) -> Place:
        """Return where the API is, with changes."""
        found = find_place(Choice(state_dir=str(self.state), url=f"https://127.0.0.1:{self.port}"), {})
        facts = {"url": found.url, "token": found.token, "certificate": found.certificate} | changes
        return Place(token_from="the test", **facts)

    async def fault(self, place: Place) -> str:
        """Return the words for what goes wrong in a conversation."""
        with pytest.raises(ApiError) as caught:
            await converse_on(reactor, place, trust_of(place), ask_status)
        return str(caught.value)

    def listen(self, on_connection: Callable[[Protocol], None], on_data: Callable[[Protocol], None]) -> str:
        """Start a server that is no tracker; return its URL."""

        class Stranger(Protocol):
            def connectionMade(self) -> None:
                on_connection(self)

            def dataReceived(self, data: bytes) -> None:
                on_data(self)

        port = reactor.listenTCP(0, Factory.forProtocol(Stranger), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return f"https://127.0.0.1:{port.getHost().port}"

    async def test_several_requests_are_one_conversation(self) -> None:
        """Each is answered, over the tracker's own certificate, and nothing stays open."""

        async def conversation(ask: Callable[..., Awaitable[Any]]) -> list[Any]:
            await ask("PUT", "/v1/whitelist/-TR40", {"name": "Transmission"})
            page = await ask("GET", "/v1/whitelist?limit=1", None)
            nothing = await ask("DELETE", "/v1/whitelist/-TR40", None)
            return [page, nothing]

        place = self.place()
        answers = await converse_on(reactor, place, trust_of(place), conversation)
        assert answers == [{"items": [{"prefix": "-TR40", "name": "Transmission"}], "next": None}, None]

    async def test_token_of_another_tracker(self) -> None:
        """The source of the token is named, the token is not."""
        words = await self.fault(self.place(token="x" * 40))
        assert "refuses the token of the test" in words
        assert "xxx" not in words

    async def test_certificate_of_nobody_known(self) -> None:
        """The system's authorities did not sign it."""
        assert "is not trusted: name it by --ca" in await self.fault(self.place(certificate=None))

    async def test_certificate_for_another_name(self) -> None:
        """The certificate is the tracker's, but not for the address that was asked."""
        assert "is not for 127.0.0.2" in await self.fault(self.place(url=f"https://127.0.0.2:{self.port}"))

    async def test_nobody_listens(self) -> None:
        """The tracker is not running."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"https://127.0.0.1:{free.getsockname()[1]}"
            assert await self.fault(self.place(url=url)) == f"no tracker answers at {url}: is it running?"

    async def test_port_of_something_else(self) -> None:
        """What answers speaks plain HTTP, as the announce port does."""
        url = self.listen(lambda _it: None, lambda it: it.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        assert "does not speak TLS" in await self.fault(self.place(url=url))

    async def test_hangs_up(self) -> None:
        """A connection that is closed at once is no answer."""
        url = self.listen(lambda it: it.transport.loseConnection(), lambda _it: None)
        assert "hung up without an answer" in await self.fault(self.place(url=url))

    async def test_never_answers(self) -> None:
        """A silent peer is given up."""
        self.patch(api, "TIMEOUT", 0.2)
        url = self.listen(lambda _it: None, lambda _it: None)
        assert "did not answer within 0.2 s" in await self.fault(self.place(url=url))

    def test_certificate_files(self) -> None:
        """A file to trust that is missing or holds something else is named."""
        for name, content in (("missing.pem", None), ("empty.pem", b""), ("bad.pem", b"x-----END CERTIFICATE-----")):
            path = self.state / name
            if content is not None:
                path.write_bytes(content)
            with pytest.raises(InputError, match=name):
                trust_of(self.place(certificate=path))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (error.DNSLookupError("no such name"), "the host t.example of https://t.example:34001 is not known"),
        (error.NoRouteError(), "cannot connect to https://t.example:34001"),
        (error.TimeoutError(), "did not answer within 30 s"),
        (defer.TimeoutError(), "did not answer within 30 s"),
        (error.ConnectionLost(), "hung up without an answer"),
    ],
)
def test_faults_of_the_network(fault, words) -> None:
    """Each has words of its own."""
    assert words in str(api.unreachable(fault, PLACE))


def test_fault_of_our_own() -> None:
    """What is no fault of the network stays what it is: a bug is not blamed on the tracker."""
    bug = ZeroDivisionError()
    assert api.unreachable(bug, PLACE) is bug


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (401, b'{"detail": "A token is needed."}', "refuses the token of mika-state/api-token"),
        (403, b'{"detail": "The scope write is needed."}', "does not allow this: The scope write is needed."),
        (403, b"", "does not allow this: it needs a wider scope"),
        (404, b'{"detail": "There is no user with the id 7."}', "There is no user with the id 7."),
        (409, b'{"title": "Conflict"}', "Conflict"),
        (503, b'{"detail": "sqlite: is locked"}', "sqlite: is locked"),
        (404, b"<html>nginx</html>", "answers 404, and not as mika does"),
        (302, b"", "answers 302, and not as mika does"),
        (200, b"<html>", "answers 200, and not as mika does"),
        (500, b"[1]", "answers 500, and not as mika does"),
        (200, b"\xff\xfe", "answers 200, and not as mika does"),
        (200, b"[" * 100_000, "answers 200, and not as mika does"),
    ],
)
def test_answers_that_say_no(status, content, words) -> None:
    """The tracker's own words are passed on; what is not the tracker's is said to be so."""
    with pytest.raises(ApiError) as caught:
        read_answer(status, content, PLACE)
    assert words in str(caught.value)


@pytest.mark.parametrize(("content", "answer"), [(b"", None), (b"{}", {}), (b"[1]", [1])])
def test_answers_that_say_yes(content, answer) -> None:
    """A good answer is its JSON, or nothing."""
    assert read_answer(200, content, PLACE) == answer


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"items": [1], "next": "x"}, "answers the same page again and again"),
        ({"items": None, "next": None}, "answers no list"),
        ([], "answers no list"),
        (None, "answers no list"),
    ],
)
def test_list_that_is_none(page, words) -> None:
    """A list that leads back to the same page is given up, and so is what is no list."""

    class Odd(Api):
        def converse(self, conversation: Any) -> Any:
            async def ask(*_request: Any) -> Any:
                return page

            return conversation(ask).send(None)

    with pytest.raises(ApiError, match=words):
        Odd(lambda: PLACE).pages("/v1/users", None)
