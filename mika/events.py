"""What happens, told to whoever listens: publish and subscribe, without sockets or clock of its own.

Whatever changes something publishes it here; `admin/events.py` subscribes the readers of `/v1/events`. An event says
what happened in words and figures that a page may show, and never holds a passkey or a token.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

TYPES = ("announce", "refusal", "torrent", "user", "store", "flush", "config", "suspicion")
"""Every type there is."""

FLOWING = frozenset({"announce", "refusal"})
"""Those that come with each announce: they are offered, and a subscription takes a share of them."""

KEPT = frozenset(TYPES) - FLOWING - {"flush"}
"""Those that are kept for a reader who was away; the others say how it is now, and nobody misses them."""

MOST_KEPT = 1000
"""Events that are kept."""

_WHOLE = 1 - 1e-9
"""Ten tenths are a little less than one."""

Fields = Mapping[str, Any]
Publish = Callable[[str, Fields], None]
"""What a publisher is given: the type, and fields that become JSON."""


def unheard(_type: str, _fields: Fields) -> None:
    """Publish to nobody: what publishers have until they are given `Events.publish`."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened `at` a time in seconds since 1970. Numbers grow by one, kept or not."""

    number: int
    type: str
    at: int
    fields: Fields


class Subscription:
    """What a reader takes: `types`; of announces and refusals a `sample` (0 to 1), at most `rate` a second each."""

    def __init__(self, take: Callable[[Event], None], types: Collection[str], sample: float, rate: int) -> None:
        """`take` is called with each event; it must neither wait nor fail."""
        self.take = take
        self.types = frozenset(types)
        self._sample = sample
        self._rate = rate
        self._second = 0
        self._left = dict.fromkeys(FLOWING, 0)
        self._share = dict.fromkeys(FLOWING, 0.0)

    def takes(self, type_: str, second: int) -> bool:
        """Say whether this one of the `FLOWING` types is taken; the next one may not be."""
        if type_ not in self.types:
            return False
        if second != self._second:
            self._second = second
            self._left = dict.fromkeys(FLOWING, self._rate)
        if not self._left[type_]:
            return False
        self._share[type_] += self._sample
        if self._share[type_] < _WHOLE:
            return False
        self._share[type_] -= 1
        self._left[type_] -= 1
        return True


class Events:
    """Who listens, and the last events for who was away. `wanted` has the types that anybody takes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self.run = f"{int(clock()):x}"
        """Names this run of the process in an event's id: numbers begin anew with each."""
        self.wanted: frozenset[str] = frozenset()
        self.dropped = 0
        self.readers_changed: Callable[[], None] = lambda: None
        """Called when somebody comes or leaves."""
        self._clock = clock
        self._number = 0
        self._subscriptions: list[Subscription] = []
        self._kept: deque[Event] = deque(maxlen=MOST_KEPT)

    def __len__(self) -> int:
        return len(self._subscriptions)

    def drop(self) -> None:
        """Count a reader who did not keep up."""
        self.dropped += 1

    def publish(self, type_: str, fields: Fields) -> None:
        """Tell what happened, which is not one of the `FLOWING` types; never fails."""
        event = self._event(type_, fields)
        if type_ in KEPT:
            self._kept.append(event)
        for subscription in list(self._subscriptions):
            if type_ in subscription.types:
                subscription.take(event)

    def offer(self, type_: str, describe: Callable[[], Fields]) -> None:
        """Tell of one of the `FLOWING` types to who takes this one; without one, it is not even described."""
        second = int(self._clock())
        takers = [each for each in self._subscriptions if each.takes(type_, second)]
        if takers:
            event = self._event(type_, describe())
            for subscription in takers:
                subscription.take(event)

    def subscribe(self, subscription: Subscription) -> None:
        """Have it told from now on."""
        self._subscriptions.append(subscription)
        self._count()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell it no more; do nothing if that is so."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._count()

    def identify(self, event: Event) -> str:
        """Return the id under which a reader may ask for what came after this event."""
        return f"{self.run}-{event.number}"

    def after(self, identity: str, types: Collection[str]) -> list[Event]:
        """Return the kept events of these types behind an id; of one that is not of this run, all that are kept."""
        run, _, number = identity.partition("-")
        known = run == self.run and number.isascii() and number.isdigit() and len(number) < 20
        last = int(number) if known else 0
        return [event for event in self._kept if event.number > last and event.type in types]

    def _event(self, type_: str, fields: Fields) -> Event:
        self._number += 1
        return Event(self._number, type_, int(self._clock()), fields)

    def _count(self) -> None:
        self.wanted = frozenset().union(*(each.types for each in self._subscriptions))
        self.readers_changed()
