"""Where one user is: in which swarms, and for how many of them a download slot is taken. `presence.py` has one of each.

`_member_cy.pyx` is the same, compiled.
"""

from __future__ import annotations

from typing import Any


class Member:
    """A user who has a peer somewhere, active or silent."""

    __slots__ = ("leeching", "swarms")

    def __init__(self) -> None:
        self.leeching = 0
        self.swarms: list[Any] = []

    def __len__(self) -> int:
        return len(self.swarms)

    def enter(self, swarm: Any) -> None:
        """Note a swarm that the user is not in yet."""
        self.swarms.append(swarm)

    def leave(self, swarm: Any) -> None:
        """Note that the user is in a swarm no more."""
        self.swarms.remove(swarm)
