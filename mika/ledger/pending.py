"""Accounts whose totals grew since a store last wrote them. `tracker.py` adds, `jobs.Flusher` takes and confirms.

Only who changed is kept here; how much is the difference of two totals on the account itself, so that a batch that
fails needs nothing but to be taken again, and what came meanwhile is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from mika.model import Torrent, Totals, User

_Account = TypeVar("_Account", User, Torrent)


@dataclass(slots=True)
class Pending:
    """Users and torrents that wait to be written, and completions: of which torrent, by the user with which id."""

    users: set[User] = field(default_factory=set)
    torrents: set[Torrent] = field(default_factory=set)
    completions: set[tuple[Torrent, int]] = field(default_factory=set)

    def take_users(self, most: int) -> list[tuple[User, Totals]]:
        """Take up to `most` users and what each grew by."""
        return [(user, user.totals.since(user.written)) for user in _pop(self.users, most)]

    def take_torrents(self, most: int) -> list[tuple[Torrent, Totals]]:
        """Take up to `most` torrents and what each grew by."""
        return [(torrent, torrent.totals.since(torrent.written)) for torrent in _pop(self.torrents, most)]

    def take_completions(self) -> set[tuple[Torrent, int]]:
        """Take all but those of deleted torrents, which are forgotten: one may have been added with the same hash."""
        taken, self.completions = self.completions, set()
        return {(torrent, user_id) for torrent, user_id in taken if not torrent.deleted}


def _pop(waiting: set[_Account], most: int) -> list[_Account]:
    return [waiting.pop() for _ in range(min(most, len(waiting)))]
