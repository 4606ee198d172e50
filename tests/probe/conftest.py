"""What the tests of the probe share: trackers that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from servers.scripted import Scripted


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Return a function that starts a tracker, which stops with the test."""
    with ExitStack() as started:

        def start(answer, context=None, host="127.0.0.1") -> Scripted:
            tracker = Scripted(answer, context, host)
            started.callback(tracker.close)
            return tracker

        yield start
