"""What is kept beside totals, held against them: the ledger of the bonus, tokens, and what users did with torrents.

Somebody gives and spends bonus all the time, and says the same again until it is answered, as a site does.
"""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

from functional.crowd import Crowd
from functional.tracker_process import PATIENCE, TrackerProcess

SAME = ("uploaded", "downloaded", "uploaded_real", "downloaded_real", "seed_seconds", "announces")
UNTIL = "2099-01-01T00:00:00Z"


class Giver:
    """Gives a user two points, spends one of them, and so on; gives tokens for one torrent, and takes them, in turn."""

    def __init__(self, tracker: TrackerProcess, user_id: int, info_hash: bytes) -> None:
        self.user_id = user_id
        self.answered = 0
        self.broken = 0
        self.token = False
        self.refusals: list[Any] = []
        self._tracker = tracker
        self._hash = info_hash.hex()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._give, daemon=True)

    def begin(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Be answered for what was said last, and end."""
        self._ended.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self.refusals == []

    @property
    def given(self) -> Decimal:
        """What all answered entries add up to."""
        return Decimal(sum(self._amount(number) for number in range(self.answered)))

    @staticmethod
    def _amount(number: int) -> int:
        return -1 if number % 2 else 2

    def _give(self) -> None:
        while not self._ended.is_set():
            entry = {"amount": str(self._amount(self.answered)), "reason": "é", "key": f"gift {self.answered}"}
            self._say("POST", f"/v1/users/{self.user_id}/bonus", entry, (200, 201))
            self.answered += 1
            token = f"/v1/users/{self.user_id}/freeleech/{self._hash}"
            if self.token:
                self._say("DELETE", token, None, (204, 404))
            else:
                self._say("PUT", token, {"until": UNTIL}, (200, 201))
            self.token = not self.token

    def _say(self, method: str, path: str, body: Any, good: tuple[int, ...]) -> None:
        """Say it until it is answered."""
        while True:
            try:
                answer = self._tracker.ask(method, path, body)
            except (OSError, ValueError):  # killed: not there, hung up, or not done with its first file
                self.broken += 1
                time.sleep(0.02)
                continue
            if answer.status != 503:
                break
        if answer.status not in good:
            self.refusals.append((method, path, answer))


def check_books(crowd: Crowd, giver: Giver, *, few: bool) -> None:
    """Compare what is kept of each user and torrent with the user's totals, to the byte; of a `few` only, if so."""
    tracker = crowd.tracker
    for member in crowd.members[:: 12 if few else 1]:
        rows = tracker.api("GET", f"/v1/users/{member.user_id}/torrents")["items"]
        user = tracker.user(member.user_id)
        assert len(rows) <= 1
        (row,) = rows or [dict.fromkeys((*SAME, "bonus"), 0)]
        assert {name: row[name] for name in SAME} == {name: user[name] for name in SAME}, (member, row, user)
        entries = [] if few and member.user_id == giver.user_id else all_entries(tracker, member.user_id)
        if not few or member.user_id != giver.user_id:
            given = sum((Decimal(each["amount"]) for each in entries), Decimal(0))
            assert Decimal(user["bonus"]) == Decimal(row["bonus"]) + given
    if not few:
        entries = all_entries(tracker, giver.user_id)
        assert [each["key"] for each in entries] == [f"gift {number}" for number in reversed(range(giver.answered))]
        assert sum(Decimal(each["amount"]) for each in entries) == giver.given
        tokens = tracker.api("GET", f"/v1/users/{giver.user_id}/freeleech")["items"]
        assert len(tokens) == giver.token


def all_entries(tracker: TrackerProcess, user_id: int) -> list[dict[str, Any]]:
    """Return a user's whole ledger, the latest entry first."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = tracker.api("GET", f"/v1/users/{user_id}/bonus?limit=1000{after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"
