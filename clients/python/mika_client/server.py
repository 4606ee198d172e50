"""Where the tracker's API is, how a request to it looks, and what its answer means. No sockets: both clients use it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlsplit

from mika_client.errors import FieldError, MikaError, ProblemError, UnreachableError

T = TypeVar("T")

IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
"""Methods that may be sent again: twice is as good as once. PATCH and POST are never sent twice."""

LONGEST_WAIT = 30.0
"""Seconds: a tracker that asks for more patience is not waited for; `ProblemError.retry_after` says so."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request: `path` with its query, a JSON body or `None`; `read` takes decoded JSON and the ETag."""

    method: str
    path: str
    read: Callable[[Any, str | None], T]
    body: Any = None
    if_match: str | None = None
    only_new: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """The API's address and token.

    `ca_file` is a PEM file of the certificates that alone are trusted (a tracker makes one: `api-certificate.pem`),
    `None` for the system's. `timeout` is in seconds, for connecting and for each wait. An idempotent request that is
    answered 429 or 503 is sent at most `attempts` times.
    """

    url: str
    token: str = field(repr=False)
    ca_file: str | None = None
    timeout: float = 30.0
    attempts: int = 4

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise MikaError(f"{self.url!r} is no URL of an API, such as https://127.0.0.1:34001")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise MikaError(f"{self.url} would show the token to the network: use https")
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise MikaError("there is no token: give one, or set MIKA_TOKEN")

    @classmethod
    def of(cls, url: str | None, token: str | None, ca_file: str | None, timeout: float, attempts: int) -> Self:
        """Take from MIKA_URL, MIKA_TOKEN and MIKA_CA what is not given."""
        return cls(
            (url or os.environ.get("MIKA_URL") or "https://127.0.0.1:34001").rstrip("/"),
            (token or os.environ.get("MIKA_TOKEN") or "").strip(),
            ca_file or os.environ.get("MIKA_CA") or None,
            timeout,
            attempts,
        )

    def headers(self, call: Call[Any]) -> dict[str, str]:
        """Return the headers of a request."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.if_match is not None:
            headers["If-Match"] = call.if_match
        if call.only_new:
            headers["If-None-Match"] = "*"
        return headers

    def unreachable(self, call: Call[Any], why: object) -> UnreachableError:
        """Return what no answer at all means."""
        again = "" if call.method == "GET" else " (whether the change was made is not known)"
        return UnreachableError(f"{self.url} does not answer: {why}{again}")

    def read(self, call: Call[T], status: int, headers: Mapping[str, str], content: bytes) -> T:
        """Read an answer, with the names of its headers in lower case; `ProblemError` for a refusal."""
        try:
            decoded = json.loads(content) if content else None
        except ValueError:
            decoded = content
        if not 200 <= status < 300:
            raise _problem(status, headers, decoded)
        try:
            return call.read(decoded, headers.get("etag"))
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise UnreachableError(f"{self.url}{call.path} does not answer as mika does: is the URL right?") from error

    def wait(self, call: Call[Any], problem: ProblemError, attempt: int) -> float | None:
        """Return how many seconds to wait before a request is sent again; `None`: it is not."""
        if problem.status not in (429, 503) or call.method not in IDEMPOTENT or attempt >= self.attempts:
            return None
        wait = 0.5 * 2 ** (attempt - 1) if problem.retry_after is None else problem.retry_after
        return wait if wait <= LONGEST_WAIT else None


def encode(body: Any) -> bytes | None:
    """Encode a body; `None` is none."""
    return None if body is None else json.dumps(body).encode()


def _problem(status: int, headers: Mapping[str, str], decoded: Any) -> ProblemError:
    document = decoded if isinstance(decoded, dict) else {}
    errors = tuple(
        FieldError(str(error.get("field", "")), str(error.get("detail", "")), error.get("index"))
        for error in document.get("errors", ())
    )
    title = str(document.get("title") or "not an answer of mika")
    problem = ProblemError(status, title, str(document.get("detail", "")), errors, document.get("index"))
    after = headers.get("retry-after", "")
    problem.retry_after = float(after) if after.isdecimal() else None
    return problem
