"""Requests to a site that is the store: one JSON object there and one back, every failure a clear line, no secrets.

`remote.py` asks; `registry.py` reads the site's URL. What is asked and answered is in docs/remote-store.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from treq.client import HTTPClient
from twisted.internet import defer
from twisted.internet import error as network
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IPolicyForHTTPS

from mika.errors import ConfigError, StoreError

TIMEOUT = 20.0
"""Seconds that one request may take, from the call to the last byte of its answer."""

LARGEST = 64 * 1024 * 1024
"""Bytes that an answer may have."""

AT_ONCE = 8
"""Requests that a site has to serve at a time; others wait for their turn."""

_KEPT = 3.0  # seconds: servers close idle connections after 5 s and more, and a request must not cross that

_WORDS = {
    404: "which means that it does not know this path: is it the right URL, and does the site keep these?",
    413: "which means that the batch is too large for it: let it take 16 MiB, or make [flush] batch smaller",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a site is and what is needed to speak with it. `base` is what paths are appended to."""

    base: str
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    ca: Path | None = None


def read_address(url: str, state_dir: Path) -> Address:
    """Read `https://[:TOKEN@]HOST[:PORT][/PATH][?token_file=PATH&ca=PATH]`; `ConfigError` says what is wrong."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else [])
    except ValueError:
        host, options = None, {}
    if not host or port == 0 or parts.fragment or not (url.isascii() and url.isprintable()) or " " in url:
        raise ConfigError("a site is named https://HOST/PATH?token_file=PATH")
    unknown = sorted(set(options) - {"token_file", "ca"})
    if unknown:
        raise ConfigError("the URL of a site has the options token_file and ca, and no others")
    if parts.scheme == "http" and not _is_here(host):
        raise ConfigError("http: is for a site on this machine (127.0.0.1, ::1) alone: write https:")
    if parts.username:
        raise ConfigError("a site takes a token and no user: write https://:TOKEN@HOST, or better ?token_file=PATH")
    token = _checked(unquote(parts.password or ""), "the token in the URL")
    if bool(token) == bool(options.get("token_file")):
        raise ConfigError("a site takes one token: name the file that it is in by ?token_file=PATH")
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    return Address(base, token, _path(options, "token_file", state_dir), _path(options, "ca", state_dir))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _path(options: Mapping[str, str], name: str, state_dir: Path) -> Path | None:
    return state_dir / options[name] if options.get(name) else None


def _checked(token: str, source: object) -> str:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError(f"what is in {source} is not a token")
    return token


def read_token(address: Address) -> str:
    """Return the token; `ConfigError` if its file cannot be used."""
    if address.token_file is None:
        return address.token
    try:
        token = address.token_file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"the token file {address.token_file}: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"what is in {address.token_file} is not a token") from None
    if not token:
        raise ConfigError(f"the token file {address.token_file} is empty")
    return _checked(token, address.token_file)


def trust_of(address: Address) -> IPolicyForHTTPS:
    """Trust the authorities in the file of the address alone, or those of the system; `ConfigError` if it has none."""
    if address.ca is None:
        return BrowserLikePolicyForHTTPS()
    end = b"-----END CERTIFICATE-----"
    try:
        roots = [Certificate.loadPEM(part + end) for part in address.ca.read_bytes().split(end)[:-1]]
    except OSError as error:
        raise ConfigError(f"the certificates in {address.ca}: {error.strerror}") from None
    except Exception:  # noqa: BLE001 - OpenSSL's errors are tuples of codes
        roots = []
    if not roots:
        raise ConfigError(f"{address.ca} holds no certificate in PEM")
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates(roots))


class Answer(NamedTuple):
    """A status and the JSON object that came with it."""

    status: int
    body: dict[str, Any]


class Site:
    """The connections to one site."""

    def __init__(self, address: Address, reactor: Any, timeout: float = TIMEOUT, largest: int = LARGEST) -> None:
        """`ConfigError` if the token or the certificates cannot be read."""
        self.place = f"The site {address.base}"
        self._base = address.base
        self._token = read_token(address)
        self._reactor = reactor
        self._timeout = timeout
        self._largest = largest
        self._pool = HTTPConnectionPool(reactor)  # a GET or DELETE that meets a connection's end is asked once more
        self._pool.maxPersistentPerHost = AT_ONCE
        self._pool.cachedConnectionTimeout = _KEPT  # type: ignore[assignment]  # any number will do
        self._agent = Agent(reactor, trust_of(address), connectTimeout=timeout, pool=self._pool)
        self._turns = DeferredSemaphore(AT_ONCE)

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: bytes | None = None,
        may: Collection[int] = (),
    ) -> Answer:
        """Answer with what a request came to: 200, or a status that it `may` come to; all else is a `StoreError`.

        The path is named in errors and the query is not: a passkey may be in it.
        """
        url = f"{self._base}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        exchange = Deferred.fromCoroutine(self._exchange(method, url, body))
        try:
            status, content = await exchange.addTimeout(self._timeout, self._reactor)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever sockets, TLS and HTTP/1.1 can fail with
            raise StoreError(f"{self.place} {self._unreached(error, f'{method} {path}')}.") from None
        return self._understood(status, content, f"{method} {path}", may)

    def close(self) -> Deferred[None]:
        """Let go of the connections that wait for the next request."""
        return self._pool.closeCachedConnections()  # type: ignore[no-any-return]

    async def _exchange(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        await self._turns.acquire()
        try:
            headers: dict[bytes | str, bytes | str] = {
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": "mika",
            }
            if body is not None:
                headers["Content-Type"] = "application/json"
            # A client of its own has no cookies: a site's session would make its requests wait for one another. A
            # redirect is not followed: the token is for this address.
            http = HTTPClient(self._agent)
            response = await http.request(
                method, url, headers=headers, data=body, allow_redirects=False, unbuffered=True, reactor=self._reactor
            )
            whole: Deferred[bytes] = Deferred(lambda _: received.give_up())
            received = _Received(whole, self._largest)
            response.deliverBody(received)
            return response.code, await whole
        finally:
            self._turns.release()

    def _understood(self, status: int, content: bytes, what: str, may: Collection[int]) -> Answer:
        if status in (401, 403):
            raise StoreError(f"{self.place} refuses the token (it answers {what} with {status}): give both the same.")
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        is_answer = status == 200 or status in may
        if is_answer and isinstance(body, dict) and (status != 404 or "absent" in body):
            return Answer(status, body)
        if 300 <= status < 400:
            words = f"answers {what} with {status}, a redirect: name the URL that it leads to"
        elif is_answer and status != 404:
            words = f"answers {what} with {status} and no JSON object"
        else:
            words = f"answers {what} with {status}" + (f", {_WORDS[status]}" if status in _WORDS else "")
        raise StoreError(f"{self.place} {words}.")

    def _unreached(self, error: Exception, what: str) -> str:
        causes = [error, *(failure.value for failure in getattr(error, "reasons", []))]
        for cause in causes:
            match cause:
                case _TooLargeError():
                    return f"answers {what} with more than {self._largest} bytes"
                case VerificationError():
                    return "has a certificate for another name: use the name that it is for"
                case SSL.Error() if "certificate verify failed" in str(cause):
                    return "has a certificate that is not trusted: name its authority by ?ca=PATH"
                case SSL.Error():
                    return "does not speak TLS as it should: is the port right?"
                case network.DNSLookupError():
                    return "cannot be found: its host is not known"
                case network.ConnectionRefusedError():
                    return "cannot be reached: nobody listens there"
                case defer.TimeoutError() | defer.CancelledError() | network.TimeoutError():
                    return f"did not answer {what} within {self._timeout:g} s"
                case network.ConnectError():
                    return "cannot be reached: the network says no"
        return f"hung up before it had answered {what}"


class _TooLargeError(Exception):
    """An answer that is longer than one may be."""


class _Received(Protocol):
    """Gathers the body of an answer, up to a size."""

    def __init__(self, whole: Deferred[bytes], largest: int) -> None:
        self._whole = whole
        self._room = largest
        self._parts: list[bytes] = []

    def give_up(self) -> None:
        """Hang up: nobody waits for the rest any more."""
        self._parts.clear()
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep what came, or hang up if it is too much."""
        self._room -= len(data)
        self._parts.append(data)
        if self._room < 0 and not self._whole.called:
            self.give_up()
            self._whole.errback(_TooLargeError())

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Answer with all of it, or say that it was cut short."""
        if self._whole.called:
            return
        # Without a length the end of the connection is the end of the answer: JSON that is cut short does not decode.
        if reason.check(ResponseDone, PotentialDataLoss):
            self._whole.callback(b"".join(self._parts))
        else:
            self._whole.errback(reason)
