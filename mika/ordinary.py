"""Ordinary announces, from the bytes of a request to the bytes of its answer: reader, tracker and writers in one go.

Nearly every request. `server/http.py` asks it first, and is asked for all that is not ordinary about an answer.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from mika.counts import Traffic
from mika.rules.refusal import Refusal
from mika.tracker import Miss, Tracker
from mika.wire._request_cy import AnnounceRequest
from mika.wire._response_cy import AnnounceResponse
from mika.wire.http import write_answer
from mika.wire.ordinary import read_ordinary
from mika.wire.request import STARTED, BadRequest
from mika.wire.response import write_announce


class Site(Protocol):
    """What is asked of `server/http.py`'s factory: its counts, and the answers that are rare."""

    traffic: Traffic
    watched: bool
    started: deque[bytes]

    def write(self, request: AnnounceRequest, result: AnnounceResponse | Refusal | Miss) -> bytes | Miss:
        """Count and encode what the tracker said; a miss is passed on."""

    def fail(self, request: AnnounceRequest) -> bytes:
        """Log the exception that is on its way, and encode that the client should try again."""


class OrdinaryAnnounces:
    """Answers announces that are like most."""

    def __init__(self, tracker: Tracker, site: Site) -> None:
        self.tracker = tracker
        self.site = site
        self.traffic = site.traffic

    def answer(self, data: bytes, position: int, address: bytes, now: int) -> tuple[bytes, bool, int] | None:
        """Answer the announce at `position`: the answer, whether the connection ends, where the next request begins.

        None, and nothing done, for any other request, or if a fact must be loaded first.
        """
        try:
            ordinary = read_ordinary(data, position, address)
        except BadRequest:
            return None  # `read_head` finds it too
        if ordinary is None:
            return None
        request, headers, end = ordinary
        body: bytes | Miss
        try:
            response = self.tracker.announce(request, now)
            if self.site.watched or not isinstance(response, AnnounceResponse):
                body = self.site.write(request, response)
                if not isinstance(body, bytes):
                    return None
            else:
                if len(address) == 4:
                    self.traffic.announces4 += 1
                else:
                    self.traffic.announces6 += 1
                body = write_announce(response)
        except Exception:  # noqa: BLE001 - our own fault must cost neither the client its connection nor us the port
            body = self.site.fail(request)
        if request.event is STARTED:
            self.site.started.append(data[position:end])
        return write_answer(body, headers), headers.close, end
