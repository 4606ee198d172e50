"""All swarms by info hash: who joins and leaves, and who fell silent.

`tracker.py` and `directory.py` change it, `jobs.py` expires it, `flush.py` reads from it how peers are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from mika._peer_cy import Peer
from mika.swarm.ghosts import ghosts_of
from mika.swarm.presence import Presence, network_of
from mika.swarm.swarm import Listable, Swarm
from mika.wire._request_cy import AnnounceRequest
from mika.wire.address import packed

Changed = Callable[[bytes, Peer, bool], None]
"""Told of the info hash and the peer that changed otherwise than by its own announce, and whether it is gone."""


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
        self._of_user: dict[int, set[Swarm]] = {}
        # Peers by the second at which to look whether they fell silent; the heap has the seconds in order. A peer that
        # is gone is gone from here too: sessions that come and go all the time would be held for a `peer_ttl`.
        self._due: dict[int, dict[Peer, Swarm]] = {}
        self._seconds: list[int] = []

    def __len__(self) -> int:
        return len(self._swarms)

    def __iter__(self) -> Iterator[Swarm]:
        return iter(self._swarms.values())

    def get(self, info_hash: bytes) -> Swarm | None:
        """Return the swarm of a torrent (by its first hash), None if nobody is in it."""
        return self._swarms.get(info_hash)

    def of_user(self, user_id: int) -> list[Swarm]:
        """Return the swarms in which a user has a peer, active or silent."""
        return list(self._of_user.get(user_id, ()))

    def join(self, info_hash: bytes, user_id: int, peer_id: bytes, now: int) -> tuple[Swarm, Peer]:
        """Make a peer, which its announce has yet to `refresh`, in a swarm that is made if need be."""
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            swarm = self._swarms[info_hash] = Swarm(info_hash, self.presence)
        peer = Peer(user_id, peer_id, now)
        swarm.add(peer)
        self._of_user.setdefault(user_id, set()).add(swarm)
        return swarm, peer

    def refresh(self, swarm: Swarm, peer: Peer, request: AnnounceRequest, now: int) -> None:
        """Bring a peer up to date with its announce; one that is new or was silent becomes active."""
        if not peer.active:
            self.peer_count += 1
            self._look(swarm, peer, now + self.peer_ttl)
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
        self._look_no_more(peer)
        swarm.discard(peer)
        if not swarm.peers.of(peer.user_id):
            mine = self._of_user[peer.user_id]
            mine.discard(swarm)
            if not mine:
                del self._of_user[peer.user_id]
        if not swarm.peers:
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
        self._look(swarm, peer, self._forgotten_at(peer))

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
        swarm.restore(peer, self.listable)
        self._of_user.setdefault(peer.user_id, set()).add(swarm)
        self.peer_count += peer.active
        self._look(swarm, peer, self._silent_at(peer) if peer.active else self._forgotten_at(peer))

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
        second = self._silent_at(peer) if peer.active else self._forgotten_at(peer)
        if second < peer.due:  # who is looked at too early is looked at again
            self._look(swarm, peer, second)
        if peer.active:
            swarm.relist(peer, self.listable)

    def has_due(self, now: int) -> bool:
        """Say whether there are peers to look at."""
        return bool(self._seconds) and self._seconds[0] < now

    def expire(self, now: int, most: int = 10_000) -> int:
        """Look at the peers that are due, at most so many at a time; answer how many left or were forgotten.

        Each peer is looked at once in a `peer_ttl`, so that this costs a share of the announces, not of the swarms.
        """
        changed = 0
        while self._seconds and self._seconds[0] < now and most > 0:
            second = self._seconds[0]
            bucket = self._due[second]
            while bucket and most > 0:
                peer, swarm = bucket.popitem()
                most -= 1
                changed += self._judge(swarm, peer, now)
            if not bucket and self._seconds[0] == second:  # else one of them is due even before, and comes first
                heapq.heappop(self._seconds)
                del self._due[second]
        return changed

    def _judge(self, swarm: Swarm, peer: Peer, now: int) -> bool:
        """Decide about a peer that is due: look again later, or silence it, or forget it."""
        if not peer.active:
            if peer.last_seen + self.counters_ttl < now:
                self.forget(swarm, peer)
                return True
            self._look(swarm, peer, self._forgotten_at(peer))
            return False
        if peer.last_seen + self.peer_ttl < now:
            self.silence(swarm, peer)
            return True
        for family, endpoint, last in ((4, peer.endpoint4, peer.seen4), (6, peer.endpoint6, peer.seen6)):
            if endpoint and last + self.peer_ttl < now:
                swarm.displace(peer, family)  # the client goes on over the other family alone
                self._changed(swarm.info_hash, peer, False)
        self._look(swarm, peer, self._silent_at(peer))
        return False

    def _silent_at(self, peer: Peer) -> int:
        """Return the last second in which nothing of an active peer, neither of its families, has fallen silent."""
        seen4 = peer.seen4 if peer.endpoint4 else peer.last_seen
        seen6 = peer.seen6 if peer.endpoint6 else peer.last_seen
        return min(seen4, seen6, peer.last_seen) + self.peer_ttl

    def _forgotten_at(self, peer: Peer) -> int:
        """Return when to forget a silent peer: to the minute, for there are 1.8 million seconds in three weeks."""
        return -(-(peer.last_seen + self.counters_ttl) // 60) * 60

    def _look(self, swarm: Swarm, peer: Peer, second: int) -> None:
        """Look at this peer at this second, and no longer at the one before."""
        self._look_no_more(peer)
        peer.due = second
        bucket = self._due.get(second)
        if bucket is None:
            bucket = self._due[second] = {}
            heapq.heappush(self._seconds, second)
        bucket[peer] = swarm

    def _look_no_more(self, peer: Peer) -> None:
        bucket = self._due.get(peer.due)
        if bucket is not None:
            bucket.pop(peer, None)
