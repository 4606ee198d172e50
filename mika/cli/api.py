"""Requests to the admin API: one conversation with the tracker a command, its faults told in one line each.

Everything of Twisted is imported inside, so that `mika --help` does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from mika.cli.reactor import run_in_reactor
from mika.cli.trust import trust_of
from mika.errors import MikaError

if TYPE_CHECKING:
    from treq.client import HTTPClient
    from twisted.web.iweb import IPolicyForHTTPS

    from mika.cli.place import Place

TIMEOUT = 30
"""Seconds that one request may take, its answer included."""

PAGE = 1000
"""Items asked for at a time: the most that the API gives."""


class ApiError(MikaError):
    """The tracker said no, or could not be reached.

    `index` is the item of a list that it names, if it names one. `status` is that of HTTP, `None` without an answer.
    """

    def __init__(self, message: str, index: int | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.status = status


class Api:
    """The API of the tracker that `find` finds. A process can use one of `call` and `pages`, once: reactors end."""

    def __init__(self, find: Callable[[], Place]) -> None:
        self._find = find

    @cached_property
    def place(self) -> Place:
        """Where the tracker is; `InputError` if nothing says so."""
        return self._find()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Answer with the decoded JSON of one request, `None` where there is none."""

        async def conversation(ask: Ask) -> Any:
            return await ask(method, path, body)

        return self.converse(conversation)

    def pages(self, path: str, limit: int | None, which: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Answer with a whole list, or its first `limit` items, as one page of the API; `which` goes into the query."""

        async def conversation(ask: Ask) -> dict[str, Any]:
            items: list[Any] = []
            query: dict[str, Any] = dict(which or {})
            while True:
                query["limit"] = PAGE if limit is None else min(PAGE, limit - len(items))
                page = await ask("GET", f"{path}?{urlencode(query)}", None)
                if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                    raise ApiError(f"{self.place.url}{path} answers no list: is this the URL of mika's API?")
                items += page["items"]
                following = page.get("next")
                if following is None or (limit is not None and len(items) >= limit):
                    return {"items": items, "next": following}
                if following == query.get("after"):
                    raise ApiError(f"{self.place.url}{path} answers the same page again and again")
                query["after"] = following

        result: dict[str, Any] = self.converse(conversation)
        return result

    def converse(self, conversation: Callable[[Ask], Awaitable[Any]]) -> Any:
        """Run the reactor until the conversation has ended; tests replace this."""
        place, policy = self.place, trust_of(self.place)
        return run_in_reactor(lambda reactor: converse_on(reactor, place, policy, conversation))

    def follow(self, path: str, receive: Callable[[str, dict[str, Any]], bool]) -> None:
        """Hand over the events of a stream, type and fields, until `receive` returns that it has enough."""
        from mika.cli.stream import follow_on  # noqa: PLC0415 - it needs this module

        place, policy = self.place, trust_of(self.place)
        run_in_reactor(lambda reactor: follow_on(reactor, place, policy, path, receive))


Ask = Callable[[str, str, Any], Awaitable[Any]]
"""Method, path with query, and body or `None`, to the decoded JSON of the answer."""


def segment(text: object) -> str:
    """Quote a value as one segment of a path."""
    return quote(str(text), safe="")


async def converse_on(
    reactor: Any, place: Place, policy: IPolicyForHTTPS, conversation: Callable[[Ask], Awaitable[Any]]
) -> Any:
    """Have a conversation over connections of its own, closed at its end."""
    from treq.client import HTTPClient  # noqa: PLC0415 - slow
    from twisted.internet.defer import Deferred  # noqa: PLC0415 - slow
    from twisted.web.client import Agent, HTTPConnectionPool  # noqa: PLC0415 - slow

    pool = HTTPConnectionPool(reactor)
    agent = Agent(reactor, policy, connectTimeout=TIMEOUT, pool=pool)
    http = HTTPClient(agent)

    async def ask(method: str, path: str, body: Any) -> Any:
        try:
            exchange = Deferred.fromCoroutine(_exchange(http, place, (method, path), body))
            status, content = await exchange.addTimeout(TIMEOUT, reactor)
        except Exception as error:
            raise unreachable(error, place) from error
        return read_answer(status, content, place)

    try:
        return await conversation(ask)
    finally:
        await pool.closeCachedConnections()


async def _exchange(http: HTTPClient, place: Place, request: tuple[str, str], body: Any) -> tuple[int, bytes]:
    headers: dict[bytes | str, bytes | str] = {"Authorization": f"Bearer {place.token}", "Accept": "application/json"}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    method, path = request
    # A redirect is not followed: the token is for this address.
    response = await http.request(method, place.url + path, headers=headers, data=data, allow_redirects=False)
    return response.code, await response.content()


def read_answer(status: int, content: bytes, place: Place) -> Any:
    """Decode a good answer; raise what a bad one means to the person who typed the command."""
    try:
        answer = json.loads(content) if content else None
    except (ValueError, RecursionError):
        answer = content
    if 200 <= status < 300 and not isinstance(answer, bytes):
        return answer
    problem = answer if isinstance(answer, dict) else {}
    words = str(problem.get("detail") or problem.get("title") or "")
    if status == 401:
        raise ApiError(
            f"the tracker at {place.url} refuses the token of {place.token_from}: is it the token of this tracker?"
        )
    if status == 403:
        raise ApiError(f"the token of {place.token_from} does not allow this: {words or 'it needs a wider scope'}")
    if not words:
        raise ApiError(f"{place.url} answers {status}, and not as mika does: is this the URL of mika's API?")
    index = problem.get("index")
    raise ApiError(words, index if isinstance(index, int) else None, status)


def unreachable(error: Exception, place: Place) -> Exception:
    """Say what a fault of the network means to the person who typed the command; any other fault stays what it is."""
    from OpenSSL import SSL  # noqa: PLC0415 - slow
    from service_identity.exceptions import VerificationError  # noqa: PLC0415 - slow
    from twisted.internet import defer  # noqa: PLC0415 - slow
    from twisted.internet import error as network  # noqa: PLC0415 - slow

    host = urlsplit(place.url).hostname
    causes = [error] + [failure.value for failure in getattr(error, "reasons", [])]
    for cause in causes:
        match cause:
            case VerificationError():
                return ApiError(f"the certificate of {place.url} is not for {host}: use a name that it is for")
            case SSL.Error() if "certificate verify failed" in str(cause):
                return ApiError(f"the certificate of {place.url} is not trusted: name it by --ca or MIKA_CA")
            case SSL.Error():
                return ApiError(f"{place.url} does not speak TLS as mika's API does: is the port right?")
            case network.DNSLookupError():
                return ApiError(f"the host {host} of {place.url} is not known")
            case network.ConnectionRefusedError():
                return ApiError(f"no tracker answers at {place.url}: is it running?")
            case defer.TimeoutError() | defer.CancelledError() | network.TimeoutError():
                return ApiError(
                    f"{place.url} did not answer within {TIMEOUT} s; a change that was asked for may have been made"
                )
            case network.ConnectError():
                return ApiError(f"cannot connect to {place.url}: {cause}")
    if causes[1:] or isinstance(error, network.ConnectionClosed):
        return ApiError(f"{place.url} hung up without an answer; a change that was asked for may have been made")
    return error
