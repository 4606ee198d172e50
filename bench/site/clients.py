"""A client on a machine with a line and addresses: it starts, stops, crashes, sleeps, moves and loses the tracker.

What it says it writes as clients of its kind do, over each address that it has and for each hash of a torrent.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from bench.site.books import Said
from bench.site.dialects import Dialect
from bench.site.sessions import Session
from bench.site.torrents import Torrent

if TYPE_CHECKING:
    from bench.site.members import Member
    from bench.site.world import World

AGAIN = 0.002
"""Of all announces, how many are sent twice: the answer did not arrive."""

EVENTS = ("", "started", "completed", "stopped", "paused")


@dataclass(frozen=True, slots=True)
class Line:
    """What a machine is connected by: bytes a second up and down; whether it has IPv6 beside IPv4."""

    up: int
    down: int
    dual: bool


class Client:
    """One client of a member, on or off, and its sessions."""

    def __init__(self, world: World, member: Member, dialect: Dialect, line: Line) -> None:
        self.world, self.member, self.dialect, self.line = world, member, dialect, line
        self.random: Random = world.random
        self.line_up = self.free_up = line.up
        self.line_down = self.free_down = line.down
        self.port = self.random.randrange(20000, 60000) if self.random.random() < 0.97 else 0
        self.keeps_peer_ids = False
        """Whether a peer id survives a restart, with counters that begin anew."""
        self.running = self.asleep = False
        self.unheard_until = 0
        self.delay = self.random.choice((0, 0, 0, 1, 2, 5))
        """Seconds for which an announce is under way."""
        self.sessions: dict[Torrent, Session] = {}
        self.key = dialect.new_key(self.random)
        self.peer_id = b""
        self._tails: dict[str, bytes] = {}
        self.addresses: list[bytes] = []
        self.move(0)

    # ---- where it is

    def move(self, _now: int) -> None:
        """Have other addresses from now on: a VPN, another place, a new lease."""
        four = bytes([self.random.randrange(60, 90), *self.random.randbytes(3)])
        self.addresses = [four]
        if self.line.dual:
            self.addresses.append(b"\x2a\x02" + self.random.randbytes(6) + bytes(7) + b"\1")

    def lose_tracker(self, until: int) -> None:
        """Not reach the tracker until then; other peers are reached all the same."""
        self.unheard_until = until

    # ---- life

    def start(self, now: int) -> None:
        """Start, with all torrents that it has."""
        if self.running:
            return
        self.running = True
        if not self.dialect.keeps_key:
            self.key = self.dialect.new_key(self.random)
        if self.dialect.one_peer_id and not (self.peer_id and self.keeps_peer_ids):
            self.peer_id = self.dialect.new_peer_id(self.random)
        self._tails = {event: self._tail(event) for event in EVENTS}
        for session in list(self.sessions.values()):
            session.begin(now)

    def stop(self, now: int, event: str = "stopped") -> None:
        """End, and say so of each torrent; with no `event` it is a crash, of which nobody hears."""
        for session in list(self.sessions.values()):
            session.end(now, "" if self.asleep else event)
        self.running = self.asleep = False

    def sleep(self, now: int) -> None:
        """Fall silent in the middle of everything."""
        if self.running and not self.asleep:
            self.asleep = True
            for session in self.sessions.values():
                session.pause(now)

    def wake(self, now: int) -> None:
        """Go on as if nothing had been."""
        if self.running and self.asleep:
            self.asleep = False
            for session in self.sessions.values():
                session.resume(now)

    def add(self, torrent: Torrent, left: int, target: int, now: int) -> Session:
        """Take a torrent in, and begin with it if the client runs."""
        session = self.sessions[torrent] = Session(self, torrent, left, target)
        if self.running:
            session.begin(now)
            if self.asleep:
                session.pause(now)
        return session

    def remove(self, session: Session, now: int) -> None:
        """Throw a torrent away with its data."""
        if self.sessions.pop(session.torrent, None) is not None:
            session.end(now, "" if self.asleep else "stopped")

    # ---- what it says

    def beginnings(self, session: Session) -> list[bytes]:
        """Return what stands before the counters, for each hash of a torrent."""
        dialect, member = self.dialect, self.member
        key = self.world.served.key(member.number, session.torrent.info_hash) if member.keyed else member.passkey
        return [
            (
                f"GET /{key}/announce?"
                + dialect.before.format(
                    info_hash=dialect.escaped(info_hash),
                    peer_id=dialect.escaped(session.peer_id),
                    port=self.port,
                    key=self.key,
                    numwant=dialect.numwant,
                )
            ).encode()
            for info_hash in session.torrent.hashes
        ]

    def _tail(self, event: str) -> bytes:
        """Return what stands after the counters."""
        dialect = self.dialect
        said = f"&event={event}" if event else ""
        numwant = 0 if event == "stopped" else dialect.numwant
        after = dialect.after.format(key=self.key, event=said, numwant=numwant)
        return f"{after} HTTP/1.1\r\nHost: tracker.example.org\r\n{dialect.headers}\r\n".encode()

    def tell(self, session: Session, event: str, now: int) -> int:
        """Announce; return the interval that the tracker asks for, 0 if it was not reached."""
        if now < self.unheard_until or self.world.is_down(now):
            return 0
        dialect, torrent = self.dialect, session.torrent
        uploaded, downloaded, left = session.counters(now - self.delay)
        if dialect.whole_pieces and left:
            left = min(torrent.size, -(-left // torrent.piece) * torrent.piece)
        elif event == "completed":
            downloaded += 65536  # libtorrent says less again the next time (LT#3008)
        if dialect.pauses and left and left <= -(-session.target // torrent.piece) * torrent.piece:
            event = "stopped" if event == "stopped" else "paused"
        counters = b"uploaded=%d&downloaded=%d&left=%d" % (uploaded, downloaded, left)
        tail = self._tails[event]
        key = self.key.encode()
        interval = 0
        for address in self.addresses:
            said = Said(
                self.member.number, torrent.number, session.peer_id, key, address, event, uploaded, downloaded, left
            )
            for beginning in session.before:
                interval = self.world.deliver(beginning + counters + tail, said)
                if self.random.random() < AGAIN:
                    interval = self.world.deliver(beginning + counters + tail, said)
        return interval
