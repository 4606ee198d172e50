"""A terminal's keys as the reactor reads them; imported by the command that needs it, as Twisted is slow to import."""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IReadDescriptor)
class Keyboard:
    """A terminal as the reactor reads it: `q`, or its end, ends the show."""

    def __init__(self, descriptor: int, over: Deferred[bool]) -> None:
        self._descriptor, self._over = descriptor, over

    def fileno(self) -> int:
        """Return what to watch."""
        return self._descriptor

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        """Take what was typed."""
        typed = os.read(self._descriptor, 1024)
        if (not typed or b"q" in typed.lower()) and not self._over.called:
            self._over.callback(False)

    def connectionLost(self, _reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """End as well when the terminal is gone."""
        if not self._over.called:
            self._over.callback(False)

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        """Name it in the reactor's own messages."""
        return "keyboard"
