"""One client in one swarm: what it has, its counters, and when it says what. `clients.py` starts and ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.site.clients import Client
    from bench.site.torrents import Torrent

LOST = 300
"""Seconds until a client that did not reach the tracker tries again."""


class Session:
    """What is missing (`left`), what is not wanted at all (`target`), and what was transferred since the start."""

    __slots__ = (
        "before",
        "client",
        "downloaded",
        "epoch",
        "flows",
        "heard",
        "knows_others",
        "left",
        "lump",
        "owed",
        "peer_id",
        "rate_down",
        "rate_left",
        "rate_up",
        "running",
        "source",
        "target",
        "torrent",
        "uploaded",
    )

    def __init__(self, client: Client, torrent: Torrent, left: int, target: int = 0) -> None:
        self.client = client
        self.torrent = torrent
        self.left = left
        self.target = target
        self.uploaded = self.downloaded = 0
        self.running = self.flows = self.heard = self.knows_others = False
        self.rate_up = self.rate_down = self.rate_left = self.lump = 0
        self.source = self
        self.epoch = 0
        self.owed = ""  # an event that the tracker has not heard
        self.peer_id = b""
        self.before: list[bytes] = []

    # ---- transfers

    def take_up(self, speed: int) -> None:
        """Send so many bytes a second more."""
        self.rate_up += speed
        self.client.free_up -= speed

    def take_down(self, speed: int, counted: int) -> None:
        """Receive so many bytes a second more, of which the counter sees `counted`."""
        self.rate_left += speed
        self.rate_down += counted
        self.client.free_down -= speed
        self.lump = self.rate_left

    def settle(self, seconds: int) -> None:
        """End all flows, after so many seconds of them."""
        torrent, client = self.torrent, self.client
        sent, received = self.rate_up * seconds, self.rate_left * seconds
        self.uploaded += sent
        self.downloaded += self.rate_down * seconds
        self.left -= received
        torrent.sent += sent
        torrent.received += received
        client.free_up += self.rate_up
        client.free_down += self.rate_left
        self.rate_up = self.rate_down = self.rate_left = 0
        self.flows = False

    def counters(self, now: int) -> tuple[int, int, int]:
        """Return uploaded, downloaded and left as they are now."""
        if not self.flows:
            return self.uploaded, self.downloaded, self.left
        seconds = max(0, self.torrent.elapsed(now))
        return (
            self.uploaded + self.rate_up * seconds,
            self.downloaded + self.rate_down * seconds,
            self.left - self.rate_left * seconds,
        )

    def reached_target(self, now: int) -> None:
        """Have all that is wanted: complete, or a partial seed."""
        self.client.member.received(self, now)
        if self.running:
            self.announce(now, "" if self.left else "completed")

    # ---- announces

    def begin(self, now: int) -> None:
        """Start: new counters, mostly a new peer id, and others hear of it."""
        client = self.client
        self.running = True
        self.uploaded = self.downloaded = 0
        if not self.peer_id or not client.keeps_peer_ids:
            self.peer_id = client.peer_id or client.dialect.new_peer_id(client.random)
            self.before = client.beginnings(self)
        self.heard = False
        self.announce(now, "started")

    def end(self, now: int, event: str = "") -> None:
        """Be there no more; say so if there is an `event` for it."""
        if not self.running:
            return
        self.disconnect(now)
        self.running = False
        self.epoch += 1
        if event:
            self.owed = ""
            self.client.tell(self, event, now)
        self.owed = ""

    def announce(self, now: int, event: str = "") -> None:
        """Say how it is, and plan to say it again."""
        self.epoch += 1
        client = self.client
        interval = client.tell(self, self.owed or event, now)
        if interval:
            self.owed = ""
            wait = interval + client.random.randrange(6)
            if client.random.random() < 0.004:
                wait = client.random.randrange(5, interval)  # somebody presses "update tracker"
        else:
            self.owed = self.owed or event
            wait = client.random.randrange(LOST // 2, LOST)
        if not self.heard and (interval or self.knows_others):  # the tracker tells of others, or they are kept on disk
            self.heard = self.knows_others = True
            self.connect(now)
        client.world.at(now + wait, self._due, self.epoch)

    def resume(self, now: int) -> None:
        """Go on after a sleep: connected again, and announced soon."""
        if self.heard:
            self.connect(now)
        self.epoch += 1
        self.client.world.at(now + self.client.random.randrange(20), self._due, self.epoch)

    def pause(self, now: int) -> None:
        """Fall asleep with the machine: no word to anybody."""
        self.disconnect(now)
        self.epoch += 1

    def connect(self, now: int) -> None:
        """Find others to transfer with."""
        self.torrent.join(self, now)

    def disconnect(self, now: int) -> None:
        """Transfer nothing any more."""
        self.torrent.leave(self, now)

    def _due(self, now: int, epoch: int) -> None:
        if epoch == self.epoch and self.running:
            self.announce(now)
