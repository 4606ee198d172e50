"""How often each user has each of something, counted at changes: asking costs the same however much there is."""

from __future__ import annotations


class Tally:
    """Counts by user and key; a key whose count is 0 is not there."""

    __slots__ = ("_of_user",)

    def __init__(self) -> None:
        self._of_user: dict[int, dict[bytes, int]] = {}

    def add(self, user_id: int, key: bytes, by: int) -> None:
        """Count `by` more (or, if negative, fewer) of a key."""
        mine = self._of_user.get(user_id)
        if mine is None:
            mine = self._of_user[user_id] = {}
        count = mine.get(key, 0) + by
        if count:
            mine[key] = count
            return
        mine.pop(key, None)
        if not mine:
            del self._of_user[user_id]

    def keys(self, user_id: int) -> int:
        """Return how many different keys a user has."""
        mine = self._of_user.get(user_id)
        return 0 if mine is None else len(mine)

    def count(self, user_id: int, key: bytes) -> int:
        """Return how often a user has a key."""
        mine = self._of_user.get(user_id)
        return 0 if mine is None else mine.get(key, 0)
