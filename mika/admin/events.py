"""`/v1/events`: what happens, as server-sent events (the WHATWG's HTML standard, 9.2); `mika/events.py` tells it."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import to_json

from mika.admin.call import Answer, Call, Stream
from mika.admin.models import Watched
from mika.admin.problems import ProblemError
from mika.admin.views import rfc3339
from mika.events import TYPES, Event, Events, Subscription

MOST_READERS = 16
"""Readers at a time: each event is written to every one of them."""

RETRY = 3
"""Seconds after which a reader whose connection ended comes again."""


async def show_events(call: Call) -> Answer:
    """Watch what happens, as server-sent events.

    Of announces and refusals a reader gets a `sample`, and at most `rate` a second of each. One that comes again with
    `Last-Event-ID` is told first what it missed of torrents, users, stores, config and suspicions, as far as it is
    still kept. One that does not keep up is dropped.
    """
    events = call.context.figures.events
    if len(events) >= MOST_READERS:
        raise ProblemError(429, f"There are {MOST_READERS} readers already.", headers={"Retry-After": "60"})
    query: Watched = call.query
    types = query.types or TYPES
    last = call.headers.get("last-event-id")

    def begin(send: Callable[[bytes], None]) -> Callable[[], None]:
        send(b"retry: %d\n\n" % (RETRY * 1000))
        if last is not None:
            for event in events.after(last, types):
                send(written(events, event))
        subscription = Subscription(lambda event: send(written(events, event)), types, query.sample, query.rate)
        events.subscribe(subscription)
        return lambda: events.unsubscribe(subscription)

    return Answer(200, Stream(begin, events.drop), content_type="text/event-stream")


def written(events: Events, event: Event) -> bytes:
    """Return an event as it is sent: its id, its type, and one line of JSON with the time when it happened."""
    data = to_json({"at": rfc3339(event.at), **event.fields})
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (events.identify(event).encode(), event.type.encode(), data)
