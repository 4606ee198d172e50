"""One request and its answer over a connection that is there already, as a client's HTTP library would see them."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mika import __version__
from mika.probe.finding import Finding, wrong
from mika.probe.target import Target

LARGEST = 1 << 20
"""Bytes of an answer that are read: a hundred times what fifty peers take."""

AGENT = f"mika-check/{__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of `headers` are lower case; `kept`: the connection stays open; `seconds`: the wait."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    kept: bool


class Connection:
    """A connection to a tracker on which one request after the other is sent; closed by `with`. `own`: our address."""

    def __init__(self, target: Target, sock: socket.socket, timeout: float) -> None:
        kind = http.client.HTTPSConnection if target.secure else http.client.HTTPConnection
        self._http = kind(target.host, target.port)
        self._http.auto_open = 0  # connecting and TLS are steps of their own, and are done
        self._http.sock = sock
        self._timeout = timeout
        self.own = str(sock.getsockname()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, step: str, path: str) -> Answer | Finding:
        """Ask for a path and read the answer, or say why there is none."""
        begun = time.monotonic()
        try:
            self._http.putrequest("GET", path, skip_accept_encoding=True)
            self._http.putheader("User-Agent", AGENT)
            self._http.endheaders()
            response = self._http.getresponse()
            body = self._read(response, begun + self._timeout)
        except TimeoutError:
            return wrong(
                step,
                f"no whole answer within {self._timeout:g} s",
                "see whether the tracker, or what it waits for, is overloaded",
            )
        except (http.client.BadStatusLine, ConnectionError):  # the first is also what a hang-up is called
            return wrong(
                step,
                "the connection is closed, or something that is not HTTP is said, instead of an answer",
                "see whether this is the tracker's port, and whether it wants https:// rather than http://",
            )
        except (OSError, http.client.HTTPException) as error:
            return wrong(step, f"the answer breaks off: {_words(error)}", "see the log of the tracker, or of its proxy")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body, time.monotonic() - begun, self._http.sock is not None)

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        """Read the body as far as it is of use; who sends a byte now and then does not get more time for it."""
        body = b""
        while len(body) <= LARGEST and (part := response.read1(65536)):
            body += part
            if time.monotonic() > deadline:
                raise TimeoutError
        if len(body) > LARGEST or (response.length and response.length > 0):
            self._http.close()
            if len(body) <= LARGEST:
                raise http.client.IncompleteRead(body, response.length)
        response.close()  # the reading of it: the connection is free for the next request
        return body


def _words(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return f"{error.expected} bytes are missing"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
