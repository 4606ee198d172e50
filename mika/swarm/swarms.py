"""All swarms by info hash: who joins and leaves, and who fell silent.

`tracker.py` and `directory.py` change it, `jobs.py` expires it, `flush.py` reads from it how peers are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from mika import _peer_cy
from mika._peer_cy import Peer
from mika.model import Torrent
from mika.swarm.ghosts import ghosts_of
from mika.swarm.presence import Presence, network_of
from mika.swarm.swarm import NEVER, Listable, Swarm
from mika.wire._request_cy import AnnounceRequest
from mika.wire.address import packed

Changed = Callable[[bytes, Peer, bool], None]
"""Told of the info hash and the peer that changed otherwise than by its own announce, and whether it is gone."""


SOON = 60
"""Seconds: who would be silent within them is looked at in that very second; a swarm is gone through no more often."""

REVISED_AT_ONCE = 100
"""Peers that are gone through before an announce may come between: less than a millisecond."""


class Swarms:
    """Every swarm. A peer that is silent for `peer_ttl` seconds leaves; after `counters_ttl` it is forgotten.

    `changed` is told of what happens to peers without an announce; what announces do, the tracker enters itself.
    """

    def __init__(
        self,
        peer_ttl: int,
        counters_ttl: int,
        listable: Listable,
        changed: Changed,
        *,
        believe_claims: bool = False,
    ) -> None:
        self.peer_ttl = peer_ttl
        self.counters_ttl = counters_ttl
        self.listable = listable
        self.believe_claims = believe_claims
        self.peer_count = 0
        self.presence = Presence()
        self._changed = changed
        self._swarms: dict[bytes, Swarm] = {}
        # What to look at in each second, and in which swarm it is: the swarm itself, in the second in which the first
        # of its peers may have fallen silent, or a peer that will have soon. The heap has the seconds in order. So a
        # peer takes no room here for a `peer_ttl`, and one that is gone is held for a minute at most.
        self._due: dict[int, dict[Peer | Swarm, Swarm]] = {}
        self._seconds: list[int] = []

    def __len__(self) -> int:
        return len(self._swarms)

    def __iter__(self) -> Iterator[Swarm]:
        return iter(self._swarms.values())

    def get(self, info_hash: bytes) -> Swarm | None:
        """Return the swarm of a torrent (by its first hash), None if nobody is in it."""
        return self._swarms.get(info_hash)

    def of(self, torrent: Torrent) -> Swarm | None:
        """Return the swarm of a live torrent, None if nobody is in it.

        The torrent remembers it, so that it is looked up once. One that is gone may have another in its place.
        """
        swarm: Swarm | None = torrent.swarm
        if swarm is None or swarm.gone:
            swarm = torrent.swarm = self._swarms.get(torrent.info_hash)
        return swarm

    def of_user(self, user_id: int) -> list[Swarm]:
        """Return the swarms in which a user has a peer, active or silent."""
        member = self.presence.members.get(user_id)
        return [] if member is None else list(member.swarms)

    def join(self, info_hash: bytes, user_id: int, peer_id: bytes, now: int) -> tuple[Swarm, Peer]:
        """Make a peer, which its announce has yet to `refresh`, in a swarm that is made if need be."""
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            swarm = self._swarms[info_hash] = Swarm(info_hash, self.presence)
        peer = Peer(user_id, peer_id, now)
        swarm.add(peer)
        if swarm.peers.is_alone(peer):
            self.presence.enter(swarm, user_id)
        return swarm, peer

    def refresh(self, swarm: Swarm, peer: Peer, request: AnnounceRequest, now: int) -> None:
        """Bring a peer up to date with its announce; one that is new or was silent becomes active."""
        if not peer.active:
            self.peer_count += 1
            self._look_by(swarm, now + self.peer_ttl)
        swarm.refresh(peer, request, now, self.listable)
        if request.claims and self.believe_claims:
            self._place_claims(swarm, peer, request, now)

    def _place_claims(self, swarm: Swarm, peer: Peer, request: AnnounceRequest, now: int) -> None:
        """Believe what the client says of its own addresses (`allow_client_ip`); no address, no effect."""
        for claim in request.claims:
            try:
                address = packed(claim.decode("latin-1"))
            except ValueError:
                continue
            if len(address) == 4:
                peer.seen4 = now
            else:
                peer.seen6 = now
            swarm.place(peer, address + request.endpoint[-2:], self.listable)

    def silence_ghosts(self, swarm: Swarm, peer: Peer, request: AnnounceRequest) -> None:
        """Let what a new peer was before it was restarted leave at once.

        Its counters stay, as those of anybody who falls silent: a client that was taken for a ghost and announces again
        is credited from where it was. The new peer has none, so that nothing counts for both.
        """
        for ghost in ghosts_of(swarm, peer.user_id, request):
            self.silence(swarm, ghost)

    def let_in(self, swarm: Swarm, peer: Peer) -> None:
        """Let a peer wait no longer."""
        swarm.let_in(peer, self.listable)

    def count_addresses(self) -> None:
        """Count the addresses of each user from now on, those that are there already among them."""
        presence = self.presence
        if presence.counting:
            return
        presence.counting = True
        for swarm in self:
            for peer in swarm.peers:
                for endpoint, addresses in (
                    (peer.endpoint4, presence.addresses4),
                    (peer.endpoint6, presence.addresses6),
                ):
                    if endpoint:
                        addresses.add(peer.user_id, network_of(endpoint), 1)

    def remove(self, swarm: Swarm, peer: Peer) -> None:
        """Forget a peer altogether: it announced its stop, or another takes its place."""
        self.peer_count -= peer.active
        alone = swarm.peers.is_alone(peer)
        swarm.discard(peer)
        if alone:
            self.presence.leave(swarm, peer.user_id)
        if not len(swarm.peers):
            self._look_at(swarm, NEVER)
            swarm.gone = True
            del self._swarms[swarm.info_hash]

    def forget(self, swarm: Swarm, peer: Peer) -> None:
        """Forget a peer that did not stop itself."""
        self.remove(swarm, peer)
        self._changed(swarm.info_hash, peer, True)

    def silence(self, swarm: Swarm, peer: Peer) -> None:
        """Take a peer out of lists and counts, and keep its counters until `counters_ttl`."""
        self.peer_count -= 1
        swarm.silence(peer)
        self._changed(swarm.info_hash, peer, False)
        self._look_by(swarm, self._next(peer))

    def drop_torrent(self, info_hash: bytes) -> None:
        """Forget every peer of a torrent that was deleted."""
        swarm = self._swarms.get(info_hash)
        if swarm is not None:
            for peer in swarm.peers:
                self.forget(swarm, peer)

    def drop_user(self, user_id: int) -> int:
        """Let a user's peers leave; their counters stay. Answers how many left."""
        left = 0
        for swarm in self.of_user(user_id):
            for peer in swarm.active_of(user_id):
                self.silence(swarm, peer)
                left += 1
        return left

    def forget_user(self, user_id: int) -> None:
        """Forget a deleted user's peers altogether."""
        for swarm in self.of_user(user_id):
            for peer in swarm.peers.of(user_id):
                self.forget(swarm, peer)

    def replace(self, info_hash: bytes, peer: Peer, *, gone: bool) -> None:
        """Take in a peer as the journal left it, in the place of what a store kept of it."""
        swarm = self._swarms.get(info_hash)
        old = None if swarm is None else swarm.peers.find(peer.user_id, peer.peer_id)
        if swarm is not None and old is not None:
            peer.location = old.location
            self.remove(swarm, old)
        if not gone:
            self.restore(info_hash, peer)

    def restore(self, info_hash: bytes, peer: Peer) -> None:
        """Take in a peer as a store kept it."""
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            swarm = self._swarms[info_hash] = Swarm(info_hash, self.presence)
        swarm.add(peer)
        if swarm.peers.is_alone(peer):
            self.presence.enter(swarm, peer.user_id)
        swarm.restore(peer, self.listable)
        self.peer_count += peer.active
        self._look_by(swarm, self._next(peer))

    def revise(self) -> Iterator[None]:
        """Let the peers that are here follow changed attributes: when they are looked at, and whether they are listed.

        Announces may come between two steps, which are short. Who comes meanwhile is right already.
        """
        for swarm in list(self._swarms.values()):
            peers = list(swarm.peers)
            for start in range(0, len(peers), REVISED_AT_ONCE):
                for peer in peers[start : start + REVISED_AT_ONCE]:
                    if swarm.peers.find(peer.user_id, peer.peer_id) is peer:
                        self._revise(swarm, peer)
                yield

    def _revise(self, swarm: Swarm, peer: Peer) -> None:
        self._look_by(swarm, self._next(peer))  # one that is looked at too early is looked at again
        if peer.active:
            swarm.relist(peer, self.listable)

    def has_due(self, now: int) -> bool:
        """Say whether there are peers to look at."""
        return bool(self._seconds) and self._seconds[0] < now

    def expire(self, now: int, most: int = 10_000) -> int:
        """Look at the peers that are due, at most so many at a time; answer how many left or were forgotten.

        Where a peer of a swarm is due, all of it is looked at, at most once a minute: that costs a share of the
        announces, whatever the sizes of the swarms.
        """
        changed = 0
        while self._seconds and self._seconds[0] < now and most > 0:
            second = self._seconds[0]
            bucket = self._due[second]
            while bucket and most > 0:
                what, swarm = bucket.popitem()
                if isinstance(what, Peer):
                    peers = [each for each in swarm.peers.of(what.user_id) if each is what]
                else:
                    peers = self._next_part(swarm, second, most)
                most -= max(1, len(peers))
                for peer in self._due_among(swarm, peers, now):
                    changed += self._judge(swarm, peer, now)
                if what is swarm and len(swarm.peers) and not swarm.peers.is_walking():
                    self._look_at(swarm, swarm.soonest)
            if not bucket and self._seconds[0] == second:  # else one of them is due even before, and comes first
                heapq.heappop(self._seconds)
                del self._due[second]
        return changed

    def _next_part(self, swarm: Swarm, second: int, most: int) -> list[Peer]:
        """Begin to look at a swarm, or go on."""
        if not swarm.peers.is_walking():
            swarm.soonest = NEVER
        peers = swarm.peers.walk(most)
        if swarm.peers.is_walking():
            self._due[second][swarm] = swarm
        return peers

    def _due_among(self, swarm: Swarm, peers: list[Peer], now: int) -> list[Peer]:
        """Return which of these are due, and note when to look at the others.

        They come by number, not as they stand in a table, so that the same story has the same end in both modes.
        """
        due, soon, soonest = [], [], NEVER
        for peer in peers:
            second = self._next(peer)
            if second < now:
                due.append(peer)
            elif second < now + SOON:
                soon.append(peer)
            elif second < soonest:
                soonest = second
        self._look_by(swarm, soonest)
        for peer in sorted(soon, key=_key_of):
            self._bucket(self._next(peer))[peer] = swarm
        return sorted(due, key=_key_of)

    def _judge(self, swarm: Swarm, peer: Peer, now: int) -> bool:
        """Silence a peer that is due, or forget it; answer False if it goes on over its other family alone."""
        if not peer.active:
            self.forget(swarm, peer)
            return True
        silent = peer.last_seen + self.peer_ttl < now
        if silent:
            self.silence(swarm, peer)
        else:
            for family, endpoint, last in ((4, peer.endpoint4, peer.seen4), (6, peer.endpoint6, peer.seen6)):
                if endpoint and last + self.peer_ttl < now:
                    swarm.displace(peer, family)
                    self._changed(swarm.info_hash, peer, False)
        if self._next(peer) < now + SOON:
            self._bucket(self._next(peer))[peer] = swarm
        else:
            self._look_by(swarm, self._next(peer))
        return silent

    def _next(self, peer: Peer) -> int:
        """Return the last second in which nothing about this peer is to be done."""
        if not peer.active:  # to the minute: there are 1.8 million seconds in three weeks
            return -(-(peer.last_seen + self.counters_ttl) // 60) * 60
        return _peer_cy.quiet_since(peer) + self.peer_ttl

    def _look_by(self, swarm: Swarm, second: int) -> None:
        """Look at a swarm at this second, if not before."""
        swarm.soonest = min(swarm.soonest, second)
        if second < swarm.due:
            self._look_at(swarm, second)

    def _look_at(self, swarm: Swarm, second: int) -> None:
        """Look at a swarm at this second, and no longer at the one before."""
        bucket = self._due.get(swarm.due)
        if bucket is not None:
            bucket.pop(swarm, None)
        swarm.due = second
        if second < NEVER:
            self._bucket(second)[swarm] = swarm

    def _bucket(self, second: int) -> dict[Peer | Swarm, Swarm]:
        bucket = self._due.get(second)
        if bucket is None:
            bucket = self._due[second] = {}
            heapq.heappush(self._seconds, second)
        return bucket


def _key_of(peer: Peer) -> tuple[int, bytes]:
    return peer.user_id, peer.peer_id
