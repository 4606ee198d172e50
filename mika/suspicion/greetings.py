"""The first words of clients: requests with `started`, judged by how they are written and how often they come.

`server/http.py` keeps them whole for a moment; `follow.py` lets this look at them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from mika.suspicion.finding import Finding
from mika.suspicion.fingerprint import Fingerprints
from mika.suspicion.restarts import Restarts
from mika.suspicion.writing import read_writing
from mika.wire.http import read_head, read_target
from mika.wire.request import STARTED, AnnounceRequest, BadRequest

NOWHERE = bytes(4)
"""An address in the place of the client's, which says nothing here."""


class Greetings:
    """Takes requests from where they are kept, and yields what is found."""

    def __init__(self, kept: deque[bytes], user_of: Callable[[AnnounceRequest], int | None]) -> None:
        """`user_of` says whose announce it is; None: nobody's that is known."""
        self._kept = kept
        self._user_of = user_of
        self._fingerprints = Fingerprints()
        self._restarts = Restarts()
        self.stopped = self._restarts.stopped

    def clear(self) -> None:
        """Look at none of them."""
        self._kept.clear()

    def take(self, now: int, most: int) -> Iterator[Finding]:
        """Look at so many; fewer are there, or none, if nobody began."""
        for _ in range(min(most, len(self._kept))):
            yield from self._judge(self._kept.popleft(), now)

    def __len__(self) -> int:
        return len(self._kept)

    def _judge(self, request: bytes, now: int) -> Iterator[Finding]:
        try:
            head = read_head(request)
            announce = None if head is None else read_target(head.target, NOWHERE)
        except BadRequest:
            return
        if not isinstance(announce, AnnounceRequest) or announce.event is not STARTED:
            return
        user_id, writing = self._user_of(announce), read_writing(request)
        if user_id is None or writing is None:
            return
        for found in (self._fingerprints.take(user_id, writing), self._restarts.take(user_id, announce, now)):
            if found is not None:
                yield found
