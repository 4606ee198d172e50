"""Who may pass: the token and its scope, how many requests a second, and a growing delay for who tries tokens out.

`api.py` asks at each request. What is kept of addresses is bounded, however many try.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater

from mika.admin.auth import Scope, Token
from mika.admin.call import Request
from mika.admin.problems import ProblemError

FREE_FAILURES = 3
"""Unknown tokens that an address may send before its answers wait: somebody mistypes, or a site has an old one."""

LONGEST_DELAY = 8.0
"""Seconds that an answer waits at most."""

FORGIVEN_AFTER = 900
"""Seconds without another unknown token after which an address is as good as new."""

MOST_ADDRESSES = 10_000
"""Addresses that are remembered; then the one that was quiet for longest is forgotten."""

MOST_WAITING = 100
"""Answers that wait at a time; who comes then is told to come later."""


class Gate:
    """Lets requests pass. A token that is known is never delayed, whatever others do at the same address."""

    def __init__(self, clock: IReactorTime, rate: int, delay: float) -> None:
        """`rate` is requests a second for each token, and for each address without one; 0: as many as there are.

        `delay` is how many seconds the answer to the first unknown token too many waits; each further one doubles it.
        """
        self._clock = clock
        self._delay = delay
        self._rate = Rate(rate)
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting: dict[Deferred[None], IDelayedCall] = {}

    async def admit(self, request: Request, token: Token | None, scope: Scope | None) -> None:
        """Let a request with this token pass to what needs this scope, or fail with 401, 403 or 429."""
        self._rate.count(_place(request.address) if token is None else f"token {token.name}", self._clock.seconds())
        if scope is None:
            return
        if token is None:
            if request.authorization is not None:
                await self._slow_down(_place(request.address))
            needed = "A token is needed: Authorization: Bearer TOKEN."
            raise ProblemError(401, needed, headers={"WWW-Authenticate": "Bearer"})
        if token.scope < scope:
            raise ProblemError(403, f"This token may not do that: the scope {scope.name.lower()} is needed.")

    async def rest(self) -> None:
        """Let the reactor do what waits."""
        await deferLater(self._clock, 0)

    def hurry(self) -> None:
        """Let every answer that waits go: the tracker stops."""
        waiting, self._waiting = self._waiting, {}
        for answer, call in waiting.items():
            call.cancel()
            answer.callback(None)

    async def _slow_down(self, place: str) -> None:
        now = self._clock.seconds()
        failures, last = self._failures.pop(place, (0, now))
        failures = 1 if now - last > FORGIVEN_AFTER else failures + 1
        self._failures[place] = (failures, now)
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
        if failures <= FREE_FAILURES or not self._delay:
            return
        delay = min(LONGEST_DELAY, self._delay * 2.0 ** min(failures - FREE_FAILURES - 1, 30))
        if len(self._waiting) >= MOST_WAITING:
            raise _too_many("Too many unknown tokens", delay)
        answer: Deferred[None] = Deferred()
        self._waiting[answer] = self._clock.callLater(delay, self._let_go, answer)
        await answer

    def _let_go(self, answer: Deferred[None]) -> None:
        del self._waiting[answer]
        answer.callback(None)


class Rate:
    """Counts requests: at most so many a second for each key, and a second's worth at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what has not yet run off, and when

    def count(self, key: str, now: float) -> None:
        """Count a request; 429 with the time to wait if it is one too many, which is then not counted."""
        if not self._rate:
            return
        level, last = self._levels.pop(key, (0.0, now))
        level = max(0.0, level - (now - last) * self._rate)
        excess = level + 1 - self._rate
        refused = excess > 0.001  # a clock that counts from 1970 is exact to a millionth of a second or so
        self._levels[key] = (level if refused else level + 1, now)
        if len(self._levels) > MOST_ADDRESSES:
            self._levels.popitem(last=False)
        if refused:
            raise _too_many(f"More than {self._rate} requests a second", excess / self._rate)


def _too_many(what: str, wait: float) -> ProblemError:
    seconds = max(1, math.ceil(wait))
    return ProblemError(429, f"{what}: wait {seconds} s.", headers={"Retry-After": str(seconds)})


def _place(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of 64 bits, which is what one customer has at least."""
    if ":" not in address:
        return address
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(address.partition("%")[0])) >> 64 << 64))
