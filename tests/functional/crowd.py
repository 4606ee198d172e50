"""Members who announce all the time with growing counters, as fast as they are answered, and know what they were told.

A member whose connection breaks says the same again until it is answered, as real clients do: so that in the end every
byte that was said has been answered for, once.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import bencodepy
from functional.tracker_process import PATIENCE, TrackerProcess

THREADS = 4
GROWTH = 1 << 20


@dataclass
class Member:
    """One client: what it says of itself, and what of that was answered."""

    user_id: int
    passkey: str
    info_hash: bytes
    peer_id: bytes
    uploaded: int = 0
    downloaded: int = 0
    left: int = 1 << 30
    event: str = "started"
    known: bool = False
    """Whether the tracker has a baseline of it."""

    since: tuple[int, int] = (0, 0)
    """The counters that were answered last."""

    earned: tuple[int, int] = (0, 0)
    """What it has been answered for: what the account must hold of it."""

    answers: int = 0
    counted: int = 0
    """Answers but those to stops: the stop of a peer that is gone already is nobody's announce."""

    sure: bool = True
    """Whether everything that was said was answered."""

    def announce(self) -> str:
        """Return the target of its announce."""
        fields = {
            "port": 6881,
            "uploaded": self.uploaded,
            "downloaded": self.downloaded,
            "left": self.left,
            "numwant": 10,
        } | ({"event": self.event} if self.event else {})
        names = f"info_hash={quote_from_bytes(self.info_hash)}&peer_id={quote_from_bytes(self.peer_id)}"
        return f"/{self.passkey}/announce?{names}&{urlencode(fields)}"

    def earns(self) -> tuple[int, int]:
        """Return what it will have earned when its announce has been answered."""
        if not self.known:
            return self.earned
        return self.earned[0] + self.uploaded - self.since[0], self.earned[1] + self.downloaded - self.since[1]

    def was_answered(self) -> None:
        """Take note."""
        self.earned = self.earns()
        self.since = self.uploaded, self.downloaded
        self.known = self.event != "stopped"
        self.answers += 1
        self.counted += self.event != "stopped"
        self.sure = True

    def go_on(self, chance: random.Random) -> None:
        """Decide what to say next; the session begins anew after a stop."""
        if self.event == "stopped":
            self.uploaded = self.downloaded = 0
            self.event = "started"
        else:
            self.uploaded += chance.randrange(GROWTH)
            self.downloaded += chance.randrange(GROWTH)
            self.event = chance.choices(["", "completed", "stopped"], [20, 1, 1])[0]
            self.left = 0 if self.event == "completed" else self.left
        self.sure = False


@dataclass
class Crowd:
    """Users with a client each (`users` of them) in a few torrents, in threads until `end`."""

    tracker: TrackerProcess
    users: int = 60
    torrents: int = 5
    members: list[Member] = field(default_factory=list)
    refusals: list[Any] = field(default_factory=list)
    broken: int = 0
    """How many announces found no tracker."""

    slowest: float = 0.0
    """The longest that an answer took, in seconds."""

    def __post_init__(self) -> None:
        hashes = [bytes([number]) * 20 for number in range(1, self.torrents + 1)]
        self.tracker.api("POST", "/v1/torrents", [{"info_hash": each.hex(), "size": 1 << 30} for each in hashes])
        accounts = self.tracker.api("POST", "/v1/users", [{"name": f"m{number}"} for number in range(self.users)])
        for number, account in enumerate(accounts):
            self.tracker.secrets.add(account["passkey"])
            peer_id = b"-XX0001-%012d" % number
            self.members.append(Member(account["id"], account["passkey"], hashes[number % len(hashes)], peer_id))
        self._running = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Let them announce."""
        self._running.set()
        for number in range(THREADS):
            thread = threading.Thread(target=self._announce, args=(self.members[number::THREADS], number), daemon=True)
            thread.start()
            self._threads.append(thread)

    def pause(self) -> None:
        """Let nobody announce; return when nobody does."""
        self._running.clear()
        deadline = time.monotonic() + PATIENCE
        while self._busy:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def go_on(self) -> None:
        """Let them announce again."""
        self._running.set()

    def end(self) -> None:
        """Let each be answered for what it said last, and end."""
        self._ended.set()
        self._running.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert all(member.sure for member in self.members)

    @property
    def answers(self) -> int:
        """How many announces were answered."""
        return sum(member.answers for member in self.members)

    def _announce(self, members: list[Member], seed: int) -> None:
        chance = random.Random(seed)
        connection = self._connect()
        while not self._ended.is_set() or not all(member.sure for member in members):
            for member in members:
                self._running.wait()
                with self._lock:
                    self._busy += 1
                try:
                    if member.sure:
                        if self._ended.is_set():
                            continue
                        member.go_on(chance)
                    self._say(connection, member)
                    if chance.random() < 0.1:
                        connection.close()  # the next request opens it again
                except (OSError, http.client.HTTPException):
                    self.broken += 1
                    connection.close()
                    connection = self._connect()  # the tracker may have another port by now
                    time.sleep(0.02)
                finally:
                    with self._lock:
                        self._busy -= 1
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.tracker.port(), timeout=PATIENCE)

    def _say(self, connection: http.client.HTTPConnection, member: Member) -> None:
        begun = time.monotonic()
        connection.request("GET", member.announce())
        response = connection.getresponse()
        answer = bencodepy.decode(response.read())
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if b"failure reason" in answer:
            self.refusals.append(answer[b"failure reason"])
        else:
            member.was_answered()

    # ---- what must be so

    def check(self, *, sure: bool) -> None:
        """Compare the accounts with what the members were answered for, to the byte.

        Not `sure`: a member who got no answer may have been credited for what it said, or not, but for nothing else.
        """
        shown = {user["id"]: user for user in self.tracker.api("GET", "/v1/users?limit=1000")["items"]}
        torrents: dict[bytes, tuple[int, int]] = {}
        for member in self.members:
            user = shown[member.user_id]
            found = user["uploaded"], user["downloaded"]
            allowed = {member.earned} if sure or member.sure else {member.earned, member.earns()}
            assert found in allowed, (member, found)
            assert found == (user["uploaded_real"], user["downloaded_real"])
            assert user["announces"] >= member.counted
            before = torrents.get(member.info_hash, (0, 0))
            torrents[member.info_hash] = before[0] + found[0], before[1] + found[1]
        for info_hash, found in torrents.items():
            torrent = self.tracker.torrent(info_hash)
            assert (torrent["uploaded"], torrent["downloaded"]) == found
        assert self.refusals == []
