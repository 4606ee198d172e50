"""An answer that goes on, such as `/v1/events`: what happens to one HTTP connection, for `admin.py`.

A reader who does not keep up is dropped, and never waited for: what waits for one is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.server import Request as WebRequest
from zope.interface import implementer

from mika.admin.call import Stream

HEARTBEAT = 15
"""Seconds between two signs of life: proxies close what is silent for a minute."""

MOST_WAITING = 4 * 1024 * 1024
"""Bytes that may wait for a reader; adding 20,000 torrents at once is told in less."""


@implementer(IPushProducer)
class Streaming:
    """One reader, and what waits while its connection takes no more."""

    log = Logger()

    def __init__(
        self, request: WebRequest, stream: Stream, clock: IReactorTime, ended: Callable[[Streaming], None]
    ) -> None:
        """Take what is called once, whichever side ends it, as `ended`."""
        self._request = request
        self._stream = stream
        self._ended = ended
        self._paused = False
        self._over = False
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._end_source: Callable[[], None] = lambda: None
        self._heart = LoopingCall(self._send, stream.heartbeat)
        self._heart.clock = clock

    @property
    def reader(self) -> str:
        """The name of the token with which it ends."""
        return self._stream.reader

    def start(self) -> None:
        """Begin; the head of the answer is written."""
        self._request.notifyFinish().addBoth(lambda _: self._close())
        self._request.registerProducer(self, True)
        self._request.write(b"")  # the head goes out at once, though nothing may happen for long
        self._heart.start(HEARTBEAT, now=False)
        self._end_source = self._stream.begin(self._send)

    def end(self) -> None:
        """End the answer as one that is whole."""
        if not self._over:
            self._request.unregisterProducer()
            self._request.finish()

    def _send(self, data: bytes) -> None:
        if self._over:
            return
        if not self._paused:
            self._request.write(data)
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > MOST_WAITING:
            self.log.warn(
                "a reader of {path} at {address} does not keep up and is dropped",
                path=self._request.path.decode("ascii", "replace"),
                address=getattr(self._request.getClientAddress(), "host", "?"),
            )
            self._stream.dropped()
            transport: Any = self._request.transport
            self._close()
            transport.abortConnection()

    def _close(self) -> None:
        if self._over:
            return
        self._over = True
        self._waiting.clear()
        if self._heart.running:
            self._heart.stop()
        self._end_source()
        self._ended(self)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Keep what comes: the connection takes no more."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Write what was kept."""
        self._paused = False
        while self._waiting and not self._paused:
            data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            self._request.write(data)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """End: the connection is gone."""
        self._close()
