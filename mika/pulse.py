"""How fast and how late the tracker is: rates of the last minute, and how long what is due has to wait.

Periodic work on an injected clock, outside the path of an announce. `tap.py` starts it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from mika.counts import Histogram
from mika.jobs import Periodic

WINDOW = 60
"""Seconds over which a rate is taken."""

STEP = 5
"""Seconds between two readings of the counts."""

BEAT = 0.1
"""Seconds between two looks at how late the reactor is."""

LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Bounds of the histogram, in seconds."""

Counts = Mapping[Any, int]


class Pulse(Periodic):
    """What counts grew by a second, over the last minute or since the start; and `lag`: how late is what was due.

    An announce that arrives while the reactor is late waits as long.
    """

    def __init__(self, clock: IReactorTime, read: Callable[[], Counts]) -> None:
        """`read` returns counts that only grow, by any key."""
        super().__init__(clock, STEP)
        self.lag = Histogram(LAGS)
        self._clock = clock
        self._read = read
        self._readings = deque([(clock.seconds(), read())], maxlen=WINDOW // STEP + 1)
        self._beat: IDelayedCall | None = None

    def per_second(self) -> dict[Any, float]:
        """Return what each count grew by a second."""
        then, before = self._readings[0]
        seconds = max(1.0, self._clock.seconds() - then)
        return {key: round((count - before.get(key, 0)) / seconds, 3) for key, count in self._read().items()}

    async def work(self) -> None:
        """Note how the counts are."""
        self._readings.append((self._clock.seconds(), self._read()))

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Begin."""
        super().startService()
        self._wait()

    def stopService(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        """End."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        return super().stopService()

    def _wait(self) -> None:
        self._beat = self._clock.callLater(BEAT, self._look, self._clock.seconds() + BEAT)

    def _look(self, due: float) -> None:
        self.lag.add(max(0.0, self._clock.seconds() - due))
        self._wait()
