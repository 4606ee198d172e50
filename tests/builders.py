"""Subjects of tests in one line each, with defaults for everything a test does not care about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

import bencodepy
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mika.census import Census
from mika.config import Config
from mika.counts import Traffic
from mika.directory import Directory
from mika.errors import OutOfStepError, StoreError
from mika.events import Events
from mika.figures import Figures, flow
from mika.flush import Flush
from mika.interfaces import HistoryBatch, PeerBatch, TorrentBatch, UserBatch
from mika.journal import Journal
from mika.ledger.merge import PeerKeys, TorrentGrowth, UserGrowth
from mika.model import Peer, Torrent, User
from mika.pulse import Pulse
from mika.server.http import AnnounceFactory, AnnounceProtocol
from mika.store.memory import MemoryStore
from mika.store.values import freeze_peer, thaw_peer
from mika.swarm.swarms import Swarms
from mika.tap import make_swarms, make_tracker
from mika.torrent_key import TorrentKeys
from mika.wire.address import TrustedProxies, packed
from mika.wire.http import read_head

NOW = 1_795_341_600
"""2026-11-22T10:00:00Z."""

PASSKEY = "0123456789abcdef0123456789abcdef"
OTHER_PASSKEY = "fedcba9876543210fedcba9876543210"
INFO_HASH = bytes(range(100, 120))
PEER_ID = b"-TR4060-000000000001"
ADDRESS = "81.2.69.142"
"""Where announces come from when nothing else is said: an address that is routable, and so handed out."""

OTHER_ADDRESS = "81.2.69.143"
ADDRESS6 = "2a02:ec8:e1::1"
OTHER_ADDRESS6 = "2a02:ec8:e1::2"


class Site:
    """A tracker with its stages over stores in memory, on a clock that stands still, and a client of it."""

    def __init__(self, config: Config, store: MemoryStore, journal: Journal | None = None) -> None:
        self.config = config
        self.clock = Clock()
        self.clock.advance(NOW)
        self.store = store
        self.journal = journal or Journal()
        if journal is None:
            self.journal.begin(0)
        self.swarms = make_swarms(config.tracker, self.journal)
        negative_ttl = int(config.tracker.negative_ttl)
        self.directory = Directory(store, store, self.swarms, self.clock.seconds, self.settle, negative_ttl)
        self.keys = TorrentKeys(b"a secret of the test's own, that nobody else has")
        self.tracker = make_tracker(config, self.directory, self.swarms, self.journal, self.keys)
        self.tracker.random = Random(7).random
        proxies = TrustedProxies(config.tracker.trusted_proxies)
        self.factory = AnnounceFactory(self.tracker, self.directory, proxies, self.clock)
        result(self.directory.open())

    def settle(self, kind: str) -> Deferred[None]:
        """Have what waits written; a site whose stores follow its journal has this replaced."""
        del kind
        return succeed(None)

    def send(self, request: bytes, address: str = ADDRESS) -> bytes:
        """Send one whole request; answer with the bytes of the answer, what is missing in memory loaded first."""
        head = read_head(request)
        assert head is not None
        assert head.end == len(request)
        answer = self.factory.answer(head, packed(address))
        return result(self.factory.answer_later(head, packed(address))) if answer is None else answer

    def entered(self) -> dict[str, Any]:
        """Return what the journal holds, added up as the stores will have it: users, torrents, completers, peers."""
        users, torrents, peers = UserGrowth(), TorrentGrowth(), PeerKeys()
        for _, frames in self.journal.read(0, 10_000):
            for merge in (users, torrents, peers):
                merge.add(frames)
        return {
            "users": users.rows,
            "torrents": torrents.rows,
            "completers": torrents.completers,
            "peers": set(peers.rows),
        }

    def get(self, target: str | bytes, address: str = ADDRESS) -> dict[str, Any]:
        """GET a target; answer with the decoded body, keys as text."""
        target = target.encode("latin-1") if isinstance(target, str) else target
        return body_of(self.send(b"GET %b HTTP/1.1\r\nHost: tracker\r\n\r\n" % target, address))

    def announce(self, passkey: str | None = PASSKEY, address: str = ADDRESS, **params: Any) -> dict[str, Any]:
        """Announce as a leecher that has transferred nothing, but for what is said; None leaves a parameter out."""
        return self.get(announce_target(passkey, **params), address)

    def scrape(self, passkey: str | None = PASSKEY, *info_hashes: bytes, address: str = ADDRESS) -> dict[str, Any]:
        """Scrape torrents, the default one if none is named."""
        query = "&".join(f"info_hash={_quoted(each)}" for each in info_hashes or (INFO_HASH,))
        return self.get(f"{_prefix(passkey)}/scrape?{query}", address)

    def user(self, passkey: str = PASSKEY) -> User:
        """Return the live user."""
        return self.directory.users[passkey]

    def torrent(self, info_hash: bytes = INFO_HASH) -> Torrent:
        """Return the live torrent."""
        return self.directory.torrents[info_hash]


def make_site(
    users: Iterable[User | str] = (PASSKEY, OTHER_PASSKEY),
    torrents: Iterable[Torrent | bytes] = (INFO_HASH,),
    store: MemoryStore | None = None,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    journal: Journal | None = None,
    **tracker_config: Any,
) -> Site:
    """Make a site with users (a passkey will do) and torrents (an info hash will do), no jitter unless it is asked for.

    `tracker_config` is the section [tracker], `sections` are the others, both as in the TOML. With a `store` of the
    test's own, users and torrents are in it and not yet in memory: each first announce is a miss.
    """
    written = {"tracker": {"interval_jitter": "0s"} | tracker_config} | dict(sections or {})
    site = Site(Config.model_validate(written), store or MemoryStore(), journal)
    accounts = [each if isinstance(each, User) else User(0, each[:4], each) for each in users]
    entries = [each if isinstance(each, Torrent) else Torrent(each, size=2**30) for each in torrents]
    kept: Any = site.directory if store is None else store
    result(kept.add_users(accounts))
    result(kept.add_torrents(entries))
    return site


def make_figures(
    swarms: Swarms,
    clock: Clock,
    traffic: Traffic | None = None,
    flushes: Sequence[Flush[Any]] = (),
    torrents: Mapping[bytes, Torrent] | None = None,
) -> Figures:
    """Make the figures of a tracker that has answered what `traffic` says."""
    counts = {"http": traffic or Traffic()}
    return Figures(
        traffic=counts,
        accepted=lambda: {("http", 4): 7},
        connections=(),
        flushes=flushes,
        journal=Journal(),
        unsynced=lambda: 0.25,
        census=Census({} if torrents is None else torrents, swarms, clock),
        pulse=Pulse(clock, lambda: flow(counts)),
        events=Events(clock.seconds),
    )


def key_of(peer: Peer) -> tuple[int, bytes]:
    """Return what tells a peer from the others of its swarm."""
    return peer.user_id, peer.peer_id


def announce_target(passkey: str | None = PASSKEY, **params: Any) -> str:
    """Return the target of an announce; a parameter that is None is left out."""
    defaults = {"info_hash": INFO_HASH, "peer_id": PEER_ID, "port": 6881, "uploaded": 0, "downloaded": 0, "left": 1000}
    pairs = {name: value for name, value in (defaults | params).items() if value is not None}
    query = "&".join(f"{name}={_quoted(value)}" for name, value in pairs.items())
    return f"{_prefix(passkey)}/announce?{query}"


def announce_bytes(passkey: str | None = PASSKEY, headers: bytes = b"", **params: Any) -> bytes:
    """Return a whole announce over HTTP/1.1; `headers` are whole lines."""
    return b"GET %b HTTP/1.1\r\nHost: tracker\r\n%b\r\n" % (announce_target(passkey, **params).encode(), headers)


def body_of(answer: bytes) -> dict[str, Any]:
    """Decode the bencoded body of an HTTP answer, keys as text; fails unless it is a 200 of the length it says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head + b"\r\n", head
    return {name.decode(): value for name, value in bencodepy.decode(body).items()}


def result(awaitable: Any) -> Any:
    """Return what is known at once, as everything is that a store in memory answers."""
    found: list[Any] = []
    deferred = awaitable if isinstance(awaitable, Deferred) else Deferred.fromCoroutine(awaitable)
    deferred.addBoth(found.append)
    assert found, "the answer should be there at once"
    if hasattr(found[0], "raiseException"):
        found[0].raiseException()
    return found[0]


def _prefix(passkey: str | None) -> str:
    return "" if passkey is None else f"/{passkey}"


def _quoted(value: Any) -> str:
    return quote_from_bytes(value, safe="") if isinstance(value, bytes) else quote_from_bytes(str(value).encode())


class SlowStore(MemoryStore):
    """A store whose reads on the announce path wait until they are let go, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[Deferred[None]] = []

    def torrent(self, info_hash: bytes) -> Deferred[Torrent | None]:
        """Wait, then answer as memory does."""
        return self._held().addCallback(lambda _: MemoryStore.torrent(self, info_hash))

    def user_by_passkey(self, passkey: str) -> Deferred[User | None]:
        """Wait, then answer as memory does."""
        return self._held().addCallback(lambda _: MemoryStore.user_by_passkey(self, passkey))

    def _held(self) -> Deferred[None]:
        self.reads.append(Deferred())
        return self.reads[-1]

    def let_go(self, problem: Exception | None = None) -> None:
        """Let what waits go on, or fail with `problem`."""
        waiting, self.reads = self.reads, []
        for each in waiting:
            if problem is None:
                each.callback(None)
            else:
                each.errback(problem)


def answers_in(data: bytes) -> list[dict[str, Any]]:
    """Take the answers of one connection apart: each a body, decoded as `body_of` does."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(body_of(head + b"\r\n\r\n" + rest[:length]) if length else {})
        data = rest[length:]
    return found


class Transport(StringTransport):
    """A transport that can end its own side, as a TCP connection can."""

    finished = False

    def loseWriteConnection(self) -> None:
        """End our side; the client's goes on."""
        self.finished = True


class Connection:
    """One client's connection to a site."""

    def __init__(self, site: Site, address: str = ADDRESS) -> None:
        kind = IPv6Address if ":" in address else IPv4Address
        self.transport = Transport(peerAddress=kind("TCP", address, 50000), lenient=True)
        self.protocol: AnnounceProtocol = site.factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Let bytes arrive together."""
        self.protocol.dataReceived(data)

    def answers(self) -> list[dict[str, Any]]:
        """Return what has been answered so far."""
        return answers_in(self.transport.value())

    def lose(self) -> None:
        """Let the connection be gone."""
        self.protocol.connectionLost(Failure(ConnectionDone()))


class TryingStore(MemoryStore):
    """A store each kind of whose batches can be told to fail, and to be answered only when it is let go.

    `problems`: a kind fails and writes nothing. `lost`: it writes, and its answer does not arrive. `late`: it fails,
    and writes when `do_late` is called, as a database that carries out what nobody waits for any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problems: dict[str, Exception] = {}
        self.lost: set[str] = set()
        self.late: set[str] = set()
        self.slow = False
        self.held: list[Deferred[None]] = []
        self.running: Counter[str] = Counter()
        self.batches: list[tuple[str, Any]] = []
        self._later: list[tuple[Any, Any]] = []

    def last_number(self, kind: str, instance: str) -> Deferred[int]:
        """Answer, or fail as its batches do."""
        problem = self.problems.get(kind)
        return MemoryStore.last_number(self, kind, instance) if problem is None else fail(type(problem)(*problem.args))

    def apply_users(self, batch: UserBatch) -> Deferred[None]:
        """Write users, or fail."""
        return self._apply("users", MemoryStore.apply_users, batch)

    def apply_torrents(self, batch: TorrentBatch) -> Deferred[None]:
        """Write torrents, or fail."""
        return self._apply("torrents", MemoryStore.apply_torrents, batch)

    def apply_history(self, batch: HistoryBatch) -> Deferred[None]:
        """Write what users did with torrents, or fail."""
        return self._apply("history", MemoryStore.apply_history, batch)

    def apply_peers(self, batch: PeerBatch) -> Deferred[None]:
        """Write peers as they are now, or fail."""
        present = [(info_hash, thaw_peer(freeze_peer(peer))) for info_hash, peer in batch.present]
        return self._apply("peers", MemoryStore.apply_peers, PeerBatch(batch.mark, present, batch.gone))

    def let_go(self) -> None:
        """Let the batch that waits longest be answered."""
        self.held.pop(0).callback(None)

    def do_late(self) -> None:
        """Carry out what came late; what is out of step by now is refused."""
        later, self._later = self._later, []
        for apply, batch in later:
            apply(self, batch).addErrback(lambda failure: failure.trap(OutOfStepError))

    def _apply(self, kind: str, apply: Any, batch: Any) -> Deferred[None]:
        assert not self.running[kind], f"two batches of {kind} at once"
        self.running[kind] += 1
        self.batches.append((kind, batch))
        problem = self.problems.get(kind)
        applied: Deferred[None]
        if problem is not None:
            applied = fail(type(problem)(*problem.args))
        elif kind in self.late:
            self._later.append((apply, deepcopy(batch)))
            applied = fail(StoreError("No answer within a second."))
        else:
            applied = apply(self, batch)
            if kind in self.lost:
                applied.addCallback(lambda _: fail(StoreError("The connection was lost.")))
        gate: Deferred[None] = Deferred()
        gate.addCallback(lambda _: applied).addBoth(self._answered, kind)
        if self.slow:
            self.held.append(gate)
        else:
            gate.callback(None)
        return gate

    def _answered(self, outcome: Any, kind: str) -> Any:
        self.running[kind] -= 1
        return outcome


class Unchanging:
    """A configuration for the API that nobody changes."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def change(self, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Change nothing."""
        raise AssertionError(changes)
