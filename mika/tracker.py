"""The flow of an announce and of a scrape, one line a stage: requests in, answers, refusals or a `Miss` out.

Synchronous and without I/O. `server/http.py` calls it; when it misses a fact, the server has `Directory.load` read it
and calls again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, Protocol

from mika._ahead_cy import FETCHES, fetch_ahead
from mika._peer_cy import Peer
from mika._torrents_cy import Torrents
from mika._totals_cy import Totals, worth_of
from mika.config import Tracker as TrackerSection
from mika.ledger.credit import Ledger
from mika.ledger.tail import Tail
from mika.model import PASSKEY, Torrent, User
from mika.rules import refusal
from mika.rules.refusal import Refusal
from mika.rules.ruleset import Ruleset
from mika.swarm.selection import RANDOM, Choice, Random, select_peers
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms
from mika.torrent_key import LENGTH, TorrentKey, TorrentKeys
from mika.wire._request_cy import AnnounceRequest
from mika.wire._response_cy import AnnounceResponse, response_of
from mika.wire.address import is_routable
from mika.wire.request import COMPLETED, STOPPED, ScrapeRequest, hashes_of
from mika.wire.response import ScrapedTorrent, ScrapeResponse

NO_LISTENING_PORT = b"Your client reports no listening port, so that nobody can connect to it"


class Miss(NamedTuple):
    """What is neither in memory nor known to be absent: to be loaded, or (`register`) to be added.

    `user` is a passkey, or the id that a key of a torrent names.
    """

    user: str | int | None
    info_hashes: tuple[bytes, ...]
    register: bool = False


class Facts(Protocol):
    """What the tracker asks of `directory.Directory`: dictionaries, and what is known not to be there."""

    users: dict[str, User]
    users_by_id: dict[int, User]
    torrents: Torrents

    def is_absent(self, key: str | int | bytes, now: int) -> bool:
        """Say whether a passkey, a user id or an info hash was looked for and is in no store."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What the tracker works with: facts, rules, swarms, ledger, the journal's end, chance, and who is handed out."""

    facts: Facts
    ruleset: Ruleset
    swarms: Swarms
    ledger: Ledger
    journal: Tail
    random: Random
    keys: TorrentKeys
    choice: Choice = RANDOM


class Tracker:
    """The tracker: the announces of every protocol come through `announce`."""

    def __init__(self, config: TrackerSection, stages: Stages) -> None:
        self.facts = stages.facts
        self.users = stages.facts.users
        self.torrents = stages.facts.torrents
        self.ruleset = stages.ruleset
        self.swarms = stages.swarms
        self.ledger = stages.ledger
        self.journal = stages.journal
        self.random = stages.random
        self.torrent_keys = stages.keys
        self.choose(stages.choice)
        self.configure(config)

    def configure(self, config: TrackerSection) -> None:
        """Answer by these settings from now on."""
        self.config = config
        self.keys = None if config.torrent_keys == "off" else self.torrent_keys
        self.interval = int(config.announce_interval)
        self.min_interval = config.minimum
        self.jitter = int(config.interval_jitter) + 1
        self.numwant = config.numwant
        self.numwant_max = config.numwant_max

    def choose(self, choice: Choice) -> None:
        """Answer announces with other peers from now on."""
        self.select = choice.select
        self.is_random = choice is RANDOM  # compiled, that is called without a detour
        self.measure = choice.measure

    def announce(self, request: AnnounceRequest, now: int) -> AnnounceResponse | Refusal | Miss:
        """Take one announce through all stages; what it is worth is in accounts and journal when this returns."""
        if FETCHES:
            self.torrents.fetch_ahead(request.info_hash)
        user = self.users.get(request.passkey or "")
        if user is None:
            found = self._find_user(request, now)
            if not isinstance(found, User):
                return found
            user = found
        torrent = self.torrents.find(request.info_hash)
        if torrent is None:
            return self._without_torrent(request, now)
        swarm = self.swarms.of(torrent)
        if FETCHES and swarm is not None:
            fetch_ahead(user, torrent, swarm)
        peer = None if swarm is None else swarm.peers.find(user.id, request.peer_id)
        if request.event is STOPPED:
            return self._stop(request, user, torrent, swarm, peer, now)

        if self.journal.full:
            return refusal.JOURNAL_FULL  # the baseline stays, so that nothing is lost to who comes again later
        refused = self.ruleset.judge(request, user, torrent, peer, swarm)
        if refused is not None:
            return refused
        if swarm is None or peer is None:
            swarm, peer = self.swarms.join(torrent.info_hash, user.id, request.peer_id, now)
            self.swarms.silence_ghosts(swarm, peer, request)
            credit = worth_of(0, 0, 0, 0, 0, 0)  # no baseline, no credit
        else:
            credit = self.ledger.credit(user, torrent, peer, request, swarm.complete, now)
        if self.measure is not None:
            self.measure(peer, request, now)
        if request.event is COMPLETED and user.id not in torrent.completers:
            torrent.completers.add(user.id)  # once a user and torrent, whatever a client says how often
            credit.completed = 1
        self.swarms.refresh(swarm, peer, request, now)
        if request.left or peer.waiting:
            self.ruleset.slots.ration(user, swarm, peer)
        _enter(user, torrent, credit)
        self.journal.append(torrent.info_hash, peer, credit, False)
        return self._answer(request, user, torrent, swarm, peer)

    def scrape(self, request: ScrapeRequest, now: int) -> ScrapeResponse | Refusal | Miss:
        """Answer with the figures of the torrents that are registered among those asked for (BEP 48)."""
        user = self.users.get(request.passkey or "") or self._find_user(request, now)
        if not isinstance(user, User):
            return user
        if not user.enabled:
            return refusal.USER_DISABLED
        if self.config.torrent_keys == "required" and request.passkey == user.passkey:
            return refusal.KEY_NEEDED
        torrents = self.torrents
        misses = tuple(h for h in request.info_hashes if h not in torrents and not self.facts.is_absent(h, now))
        if misses:
            return Miss(None, misses)
        files = {}
        for info_hash in request.info_hashes:
            torrent = torrents.get(info_hash)
            if torrent is not None and not torrent.deleted:
                swarm = self.swarms.get(torrent.info_hash)
                seeders, leechers, paused = (swarm.complete, swarm.incomplete, swarm.paused) if swarm else (0, 0, 0)
                files[info_hash] = ScrapedTorrent(seeders, torrent.totals.completed, leechers - paused, leechers)
        return ScrapeResponse(files, self.min_interval)

    def _find_user(self, request: AnnounceRequest | ScrapeRequest, now: int) -> User | Refusal | Miss:
        """Answer for a passkey that is not in memory; without one (public mode) every peer is its own account."""
        passkey = request.passkey
        if passkey is None:
            if isinstance(request, ScrapeRequest):
                return User(-1, "", "")
            # The client's secret key is part of it, so that nobody can stop or rob the peer of another.
            digest = blake2b(request.peer_id + request.key, digest_size=7).digest()
            return User(-1 - int.from_bytes(digest, "big"), "", "")
        if not PASSKEY.fullmatch(passkey):
            return refusal.PASSKEY_INVALID
        key = self.keys.read(passkey) if self.keys is not None and len(passkey) == LENGTH else None
        if key is not None:
            return self._find_user_of(key, request, now)
        return refusal.PASSKEY_INVALID if self.facts.is_absent(passkey, now) else Miss(passkey, hashes_of(request))

    def _find_user_of(
        self, key: TorrentKey, request: AnnounceRequest | ScrapeRequest, now: int
    ) -> User | Refusal | Miss:
        """Answer for a key of one torrent, which must be the one that is asked for, by whichever of its hashes."""
        facts, asked = self.facts, hashes_of(request)
        user = facts.users_by_id.get(key.user_id)
        if user is None:
            return refusal.PASSKEY_INVALID if facts.is_absent(key.user_id, now) else Miss(key.user_id, asked)
        if not self.torrent_keys.is_good(key, user):
            return refusal.KEY_VOID
        for info_hash in asked:
            torrent = facts.torrents.get(info_hash)
            if torrent is None and info_hash != key.info_hash and not facts.is_absent(info_hash, now):
                return Miss(None, asked)
            if (info_hash if torrent is None else torrent.info_hash) != key.info_hash:
                return refusal.KEY_OF_ANOTHER_TORRENT
        return user

    def _without_torrent(self, request: AnnounceRequest, now: int) -> AnnounceResponse | Refusal | Miss:
        """Answer for a torrent that is not in memory."""
        if not self.facts.is_absent(request.info_hash, now):
            return Miss(None, (request.info_hash,))
        if request.event is STOPPED:
            return self._figures(request, None, None)
        if self.config.auto_register:
            return Miss(None, (request.info_hash,), register=True)
        return refusal.TORRENT_UNREGISTERED

    def _stop(
        self, request: AnnounceRequest, user: User, torrent: Torrent, swarm: Swarm | None, peer: Peer | None, now: int
    ) -> AnnounceResponse:
        """Credit the last announce of a peer and forget it; a stop of nobody is answered like any other."""
        if swarm is not None and peer is not None:
            credit = self.ledger.credit(user, torrent, peer, request, swarm.complete, now)
            self.swarms.remove(swarm, peer)
            peer.left, peer.last_seen = request.left, now  # the record is what the user's history learns this from
            _enter(user, torrent, credit)
            self.journal.append(torrent.info_hash, peer, credit, True)
        return self._figures(request, torrent, swarm)

    def _answer(
        self, request: AnnounceRequest, user: User, torrent: Torrent, swarm: Swarm, peer: Peer
    ) -> AnnounceResponse:
        """Answer with figures and peers; a leecher that waits for a download slot is told so, and gets none."""
        response = self._figures(request, torrent, swarm)
        if peer.waiting:
            response.warning = self.ruleset.slots.words(user)
            return response
        numwant = request.numwant
        if numwant < 0:
            numwant = self.numwant
        elif numwant > self.numwant_max:
            numwant = self.numwant_max
        width = len(request.endpoint)
        if self.is_random:
            response.peers = select_peers(swarm, peer, width, numwant, self.random)
        else:
            response.peers = self.select(swarm, peer, width, numwant, self.random)
        if request.endpoint.endswith(b"\0\0"):
            response.warning = NO_LISTENING_PORT
        return response

    def _figures(self, request: AnnounceRequest, torrent: Torrent | None, swarm: Swarm | None) -> AnnounceResponse:
        chance = self.random()
        return response_of(
            request.endpoint[:-2],
            self.interval + int(chance * self.jitter),
            self.min_interval,
            0 if swarm is None else swarm.complete,
            0 if swarm is None else swarm.incomplete,
            0 if torrent is None else torrent.totals.completed,
        )


def _enter(user: User, torrent: Torrent, credit: Totals) -> None:
    """Add what an announce was worth to both accounts."""
    user.totals.add(credit)
    torrent.totals.add(credit)


def listable(*, allow_non_routable: bool) -> Callable[[bytes], bool]:
    """Return the rule by which endpoints are handed out: with a port, and (normally) on a routable address."""

    def judge(endpoint: bytes) -> bool:
        return not endpoint.endswith(b"\0\0") and (allow_non_routable or is_routable(endpoint[:-2]))

    return judge
