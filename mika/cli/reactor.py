"""Work that needs Twisted, run from start to end inside a command: the one place that starts the reactor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run_in_reactor(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run the reactor until the work that it is given to has ended; a process can do this once, as reactors end.

    What the work raises is raised here. A signal that stops the reactor is a `KeyboardInterrupt`.
    """
    from twisted.internet import task  # noqa: PLC0415 - slow

    results: list[T] = []
    errors: list[Exception] = []
    signals: list[bool] = []

    async def main(reactor: Any) -> None:
        reactor.addSystemEventTrigger("before", "shutdown", signals.append, True)
        try:
            results.append(await work(reactor))
        except Exception as error:  # noqa: BLE001 - raised again below: `react` would log it and go on
            if not signals:  # else it is the reactor that hung up
                errors.append(error)

    with suppress(SystemExit):  # how `react` always ends
        task.react(main)
    if errors:
        raise errors[0]
    if not results:
        raise KeyboardInterrupt  # the reactor took the signal and stopped
    return results[0]
