"""The admin API's port: HTTP requests over TLS to and from `mika.admin.api`. `tap.py` makes the service."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic_core import to_json
from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.server import Request as WebRequest

from mika import config
from mika.admin.api import Api
from mika.admin.audit import AUDIT_FILE, AuditLog
from mika.admin.auth import BOOK_FILE, Book, Tokens, local_token
from mika.admin.call import HEADERS, Answer, Context, Request, Stream
from mika.admin.cors import Cors
from mika.admin.gate import Gate
from mika.admin.problems import ProblemError, title_of
from mika.config_values import HostPort
from mika.errors import ConfigError
from mika.server.stream import Streaming
from mika.server.tls import Tls

MAX_BODY = 16 * 1024 * 1024
"""Bytes of a body, at most."""

BACKLOG = 1024
"""Connections that wait to be accepted: with Twisted's 50, one of a rush was tried again after seconds."""

IDLE_TIMEOUT = 60
"""Seconds after which a connection on which nothing comes is closed."""

log = Logger()


class ApiRequest(WebRequest):
    """A request whose body is kept only as far as `MAX_BODY`, and only for who shows a token."""

    defaultContentType = None  # noqa: N815 - Twisted's name

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Start on the body, `length` bytes or (`None`) in chunks."""
        site: ApiSite = self.channel.site  # type: ignore[attr-defined]  # Site adds it to each channel
        # Twisted would write a large body to a file; with the limit, memory will do.
        self.content = self._body = BytesIO()
        self._keep = site.api.knows(authorization_of(self))
        self._arrived = 0
        self._refused = False
        if length is not None and length > MAX_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep a part of the body."""
        self._arrived += len(data)
        if self._arrived > MAX_BODY:
            self._refuse()
        elif self._keep:
            self._body.write(data)

    def process(self) -> None:
        """Answer, unless this was refused while it came."""
        if not self._refused:
            WebRequest.process(self)

    def whole(self) -> Request:
        """Return the request as the API takes it."""
        content_type = self.requestHeaders.getRawHeaders(b"Content-Type", [b""])[0]
        return Request(
            method=self.method.decode("ascii", "replace"),
            path=self.path,
            query=self.uri.partition(b"?")[2],
            authorization=authorization_of(self),
            content_type=content_type.decode("ascii", "replace"),
            body=self._body.getvalue(),
            headers=self._headers(),
            address=getattr(self.getClientAddress(), "host", ""),
        )

    def _headers(self) -> dict[str, str]:
        """Return the headers that the API asks for; one that is there more than once as one line (RFC 9110 5.3)."""
        found = {name: self.requestHeaders.getRawHeaders(name) for name in HEADERS}
        return {name: ", ".join(values) for name, values in found.items() if values}

    def _refuse(self) -> None:
        """Answer 413 before the body has come, and close; what comes until then is dropped."""
        if self._refused:
            return
        self._refused = True
        self._keep = False
        self._body.truncate(0)
        answer = ProblemError(413, f"The body is larger than {MAX_BODY} bytes.").answer()
        body = to_json(answer.body)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(body)), "Connection": "close"}
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.channel.writeHeaders(b"HTTP/1.1", b"413", title_of(413).encode(), encoded)
        self.channel.write(body)
        self.channel.loseConnection()


def authorization_of(request: WebRequest) -> str | None:
    """Return the one Authorization header; `None` if there is none or more than one."""
    values = request.requestHeaders.getRawHeaders(b"Authorization", [])
    return values[0].decode("utf-8", "surrogateescape") if len(values) == 1 else None


class _Root(Resource):
    """Every path: the table of routes decides, not twisted.web."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, api: Api, reactor: Any) -> None:
        Resource.__init__(self)
        self._api = api
        self._reactor = reactor
        self._streams: set[Streaming] = set()
        self._running = 0
        self._waiting: list[Deferred[None]] = []
        api.tokens.revoked = self._end_of

    def render(self, request: ApiRequest) -> int:
        """Let the API answer in its time."""
        self._running += 1
        Deferred.fromCoroutine(self._answer(request)).addErrback(self._failed).addCallback(self._answered)
        return NOT_DONE_YET

    def end(self) -> Deferred[None]:
        """End the answers that go on; fire when no request is being answered."""
        for streaming in list(self._streams):
            streaming.end()
        if not self._running:
            return succeed(None)
        waiter: Deferred[None] = Deferred()
        self._waiting.append(waiter)
        return waiter

    def _end_of(self, reader: str) -> None:
        """End the answers that go on for who has a token that was revoked."""
        for streaming in [each for each in self._streams if each.reader == reader]:
            streaming.end()

    def _failed(self, failure: Failure) -> None:
        log.failure("an answer could not be written", failure)

    def _answered(self, _result: None) -> None:
        self._running -= 1
        while not self._running and self._waiting:
            self._waiting.pop().callback(None)

    async def _answer(self, request: ApiRequest) -> None:
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        answer = await self._api.answer(request.whole())
        if gone:
            return  # a change that was begun is finished, though nobody waits for the answer
        if isinstance(answer.body, Stream) and request.method != b"HEAD":
            write_head(request, answer)
            streaming = Streaming(request, answer.body, self._reactor, self._streams.discard)
            self._streams.add(streaming)
            streaming.start()
        else:
            write_answer(request, answer)


def write_answer(request: WebRequest, answer: Answer) -> None:
    """Write an answer; to HEAD without its body."""
    write_head(request, answer)
    if isinstance(answer.body, Stream):
        body = b""
    else:
        body = b"" if answer.body is None else answer.body if isinstance(answer.body, bytes) else to_json(answer.body)
        if answer.status != HTTPStatus.NO_CONTENT:
            request.setHeader("Content-Length", str(len(body)))
    request.write(b"" if request.method == b"HEAD" else body)
    request.finish()


def write_head(request: WebRequest, answer: Answer) -> None:
    """Set status and headers, but for the length of what follows."""
    request.setResponseCode(answer.status, title_of(answer.status).encode())
    request.setHeader("Server", "mika")
    request.setHeader("Cache-Control", "no-store")
    request.setHeader("X-Content-Type-Options", "nosniff")
    for name, value in answer.headers.items():
        request.setHeader(name, value)
    if answer.status != HTTPStatus.NO_CONTENT:
        request.setHeader("Content-Type", answer.content_type)


class ApiSite(Site):
    """The API over HTTP/1.1, with no log of requests but its own lines."""

    noisy = False

    def __init__(self, api: Api, reactor: Any) -> None:
        self.api = api
        self.root = _Root(api, reactor)
        Site.__init__(
            self,
            self.root,
            requestFactory=ApiRequest,
            parsePOSTFormSubmission=False,
            timeout=IDLE_TIMEOUT,
            reactor=reactor,
        )

    def log(self, request: object) -> None:
        """Log nothing: `Api` logs what was changed."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802 - Twisted's name
        """Offer no HTTP/2, where a request cannot be refused before its body has come."""
        return [b"http/1.1"]


class AdminService(Service):
    """Listens as long as it runs; a port that is in use fails the start (`CannotListenError`)."""

    def __init__(self, reactor: Any, listen: HostPort, context: IOpenSSLContextFactory, api: Api) -> None:
        self.port = listen.port
        self._reactor = reactor
        self.host = listen.host
        self._site = ApiSite(api, reactor)
        self._factory = TLSMemoryBIOFactory(context, False, self._site, reactor)
        self._listening: Any = None

    def privilegedStartService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen before rights are given up: the port may be below 1024."""
        Service.privilegedStartService(self)
        self._open()

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Listen, unless that is done."""
        self._open()
        Service.startService(self)

    def _open(self) -> None:
        if self._listening is None:
            self._listening = self._reactor.listenTCP(self.port, self._factory, BACKLOG, self.host)
            self.port = self._listening.getHost().port  # where any free one was asked for, now that one

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """Stop listening; what is being answered is answered first, then connections are closed."""
        Service.stopService(self)
        self._site.api.gate.hurry()
        listening, self._listening = self._listening, None
        closed = succeed(None) if listening is None else maybeDeferred(listening.stopListening)
        return gatherResults([closed, self._site.root.end()]).addCallback(self._disconnect)

    def _disconnect(self, _results: object) -> None:
        for connection in list(self._factory.protocols):
            connection.loseConnection()


def admin_service(
    reactor: Any, section: config.Api, state_dir: Path, context: Context, tls: Tls | None = None
) -> AdminService:
    """Make the service with certificate and token, which are made if need be; `ConfigError` says what is wrong."""
    tls = tls or Tls(section, state_dir)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigError(f"{state_dir}: {problem.strerror}") from None
    tokens = Tokens([local_token(state_dir)], Book(state_dir / BOOK_FILE))
    tls.publish()
    gate = Gate(reactor, section.rate_limit, section.failure_delay)
    audit = AuditLog(state_dir / AUDIT_FILE, section.audit_size, section.audit_files)
    return AdminService(reactor, section.listen, tls.api, Api(context, tokens, gate, Cors(section.cors_origins), audit))
