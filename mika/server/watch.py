"""What an announce is to who watches: a line of the log at `debug`, an event of `/v1/events`. For `server/http.py`.

Nobody may read a passkey there.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.logger import Logger

from mika.events import Events
from mika.rules.refusal import Refusal
from mika.tracker import Tracker
from mika.wire.address import to_text
from mika.wire.request import AnnounceRequest, ScrapeRequest, hashes_of
from mika.wire.response import AnnounceResponse, ScrapeResponse

FAMILIES = {4: "ipv4", 16: "ipv6"}
"""By the length of a packed address."""

Request = AnnounceRequest | ScrapeRequest


class Watch:
    """Told of requests and answers of one protocol ("http", "https") while somebody wants to know; never fails."""

    log = Logger()

    def __init__(self, tracker: Tracker, events: Events, protocol: str = "http", *, verbose: bool = False) -> None:
        """`verbose` logs every request."""
        self.verbose = verbose
        self._tracker = tracker
        self._events = events
        self._protocol = protocol

    def over(self, protocol: str) -> Watch:
        """Return the same for another protocol."""
        return Watch(self._tracker, self._events, protocol, verbose=self.verbose)

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to know."""
        return self.verbose or not self._events.wanted.isdisjoint(("announce", "refusal"))

    def see(self, request: Request, answer: AnnounceResponse | ScrapeResponse) -> None:
        """Tell of a request that was answered."""
        if self.verbose:
            self._log(request, "answered")
        if isinstance(answer, AnnounceResponse) and isinstance(request, AnnounceRequest):
            self._events.offer("announce", partial(self._announce, request, answer))

    def see_refusal(self, refused: Refusal, address: bytes, request: Request | None) -> None:
        """Tell of a refusal; without a request, what came from this packed address could not be read as one."""
        if self.verbose and request is not None:
            self._log(request, f"refused: {refused.code}")
        self._events.offer("refusal", partial(self._refusal, refused, address, request))

    def _announce(self, request: AnnounceRequest, answer: AnnounceResponse) -> dict[str, Any]:
        return {
            "info_hash": request.info_hash.hex(),
            "user_id": self.user_id(request),
            "event": request.event.name.lower(),
            "ip": to_text(request.endpoint[:-2]),
            "port": int.from_bytes(request.endpoint[-2:], "big"),
            "family": FAMILIES[len(request.endpoint) - 2],
            "protocol": self._protocol,
            "uploaded": request.uploaded,
            "downloaded": request.downloaded,
            "left": request.left,
            "seeders": answer.complete,
            "leechers": answer.incomplete,
        }

    def _refusal(self, refused: Refusal, address: bytes, request: Request | None) -> dict[str, Any]:
        hashes = () if request is None else hashes_of(request)
        return {
            "code": refused.code,
            "reason": refused.words,
            "info_hash": hashes[0].hex() if len(hashes) == 1 else None,
            "user_id": None if request is None else self.user_id(request),
            "ip": to_text(address),
            "family": FAMILIES[len(address)],
            "protocol": self._protocol,
        }

    def user_id(self, request: Request) -> int | None:
        """Return whose request it is, None if nobody has its passkey, or its user is not in memory."""
        tracker, passkey = self._tracker, request.passkey or ""
        user = tracker.facts.users.get(passkey)
        if user is not None:
            return user.id
        key = None if tracker.keys is None else tracker.keys.read(passkey)
        return None if key is None else key.user_id

    def _log(self, request: Request, outcome: str) -> None:
        if isinstance(request, ScrapeRequest):
            what = f"scrape of {len(request.info_hashes)}"
        else:
            what = f"announce {request.event.name} of {request.info_hash.hex()}"
        whence = to_text(address_of(request))
        self.log.debug("{what} from {whence} {outcome}", what=what, whence=whence, outcome=outcome)


def address_of(request: Request) -> bytes:
    """Return the packed address that a request came from."""
    return request.address if isinstance(request, ScrapeRequest) else request.endpoint[:-2]
