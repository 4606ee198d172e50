"""Any story of swarms: counts, lists and what a store is told stay those of a model that is too simple to be wrong."""

from __future__ import annotations

from collections import Counter

from builders import NOW, key_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mika.store.values import freeze_peer, thaw_peer
from mika.swarm.presence import network_of
from mika.swarm.swarms import Swarms
from mika.swarm.tally import Tally
from mika.wire.request import AnnounceRequest, Event

TTL = 10
USERS = st.integers(1, 3)
TORRENTS = st.sampled_from([b"a" * 20, b"b" * 20])
PEER_IDS = st.sampled_from([b"1" * 20, b"2" * 20])
ENDPOINTS = [bytes([81] * 4) + b"\0\1", bytes([81] * 4) + b"\0\2", bytes([42] * 16) + b"\0\1", bytes(18)]


def tallied(tally: Tally) -> Counter:
    """Return all that a tally has, which must not keep anything at 0."""
    found = Counter({(user_id, key): n for user_id, mine in tally._of_user.items() for key, n in mine.items()})
    assert all(found.values())
    assert all(tally._of_user.values())
    return found


class Known:
    """What the model knows of a peer."""

    def __init__(self, now: int) -> None:
        self.active = True
        self.last_seen = now
        self.left = 0
        self.paused = False
        self.waiting = False
        self.endpoints: dict[int, tuple[bytes, int]] = {}


class AnyStory(RuleBasedStateMachine):
    """Announces, silences, removals, and restarts from a store and what the journal knows better, in any order."""

    @initialize(counters_ttl=st.sampled_from([30, 30, TTL, 3]))
    def begin(self, counters_ttl):
        """Start with nobody."""
        self.now = NOW
        self.counters_ttl = counters_ttl
        self.swarms = self.make_swarms()
        self.model: dict[tuple, Known] = {}
        self.noted: dict[tuple, tuple] = {}

    def make_swarms(self):
        """Return swarms that hand out everything but an endpoint of zeros."""
        swarms = Swarms(TTL, self.counters_ttl, any, self.told)
        swarms.count_addresses()
        return swarms

    def find(self, key):
        """Return swarm and peer of a key, None where there is none."""
        swarm = self.swarms.get(key[0])
        return swarm, None if swarm is None else swarm.peers.find(*key[1:])

    @rule(
        info_hash=TORRENTS,
        user_id=USERS,
        peer_id=PEER_IDS,
        endpoint=st.sampled_from(ENDPOINTS),
        left=st.sampled_from([0, 0, 7]),
        paused=st.booleans(),
    )
    def announce(self, info_hash, user_id, peer_id, endpoint, left, paused):
        """Let a peer announce."""
        key = info_hash, user_id, peer_id
        swarm, peer = self.find(key)
        if swarm is None or peer is None:
            swarm, peer = self.swarms.join(info_hash, user_id, peer_id, self.now)
        event = Event.PAUSED if paused else Event.NONE
        self.swarms.refresh(
            swarm, peer, AnnounceRequest(None, info_hash, peer_id, endpoint, left=left, event=event), self.now
        )
        self.told(info_hash, peer, gone=False)
        known = self.model.setdefault(key, Known(self.now))
        known.active, known.last_seen = True, self.now
        known.left, known.paused = left, paused and left > 0
        known.endpoints[len(endpoint)] = endpoint, self.now

    @rule(info_hash=TORRENTS, user_id=USERS, peer_id=PEER_IDS, waits=st.booleans())
    def ration(self, info_hash, user_id, peer_id, waits):
        """Let a peer wait for a download slot, or no longer."""
        swarm, peer = self.find((info_hash, user_id, peer_id))
        if swarm is not None and peer is not None and peer.active and peer.waiting is not waits:
            swarm.hold_back(peer) if waits else self.swarms.let_in(swarm, peer)
            self.model[info_hash, user_id, peer_id].waiting = waits

    @rule(info_hash=TORRENTS, user_id=USERS, peer_id=PEER_IDS)
    def stop(self, info_hash, user_id, peer_id):
        """Let a peer stop, if it is there."""
        swarm, peer = self.find((info_hash, user_id, peer_id))
        if swarm is not None and peer is not None:
            self.swarms.remove(swarm, peer)
            self.told(info_hash, peer, gone=True)
            del self.model[info_hash, user_id, peer_id]

    @rule(seconds=st.sampled_from([0, 1, 1, TTL - 1, TTL, TTL + 1, 35, 61]), portion=st.sampled_from([1, 2, 100]))
    def expire(self, seconds, portion):
        """Let time pass and look who fell silent, first a few at a time, then all who are due."""
        self.now += seconds
        for _ in range(3):
            self.swarms.expire(self.now, portion)
        self.swarms.expire(self.now)
        for key, known in list(self.model.items()):
            if known.last_seen + TTL < self.now:
                known.active = False
            if not known.active:
                known.endpoints = {}
            minute = -(-(known.last_seen + self.counters_ttl) // 60) * 60
            if not known.active and minute < self.now:
                del self.model[key]
            known.endpoints = {
                width: (endpoint, seen) for width, (endpoint, seen) in known.endpoints.items() if seen + TTL >= self.now
            }

    @rule(user_id=USERS)
    def drop_user(self, user_id):
        """Let the peers of a user leave."""
        self.swarms.drop_user(user_id)
        for known in (known for key, known in self.model.items() if key[1] == user_id):
            known.active, known.endpoints = False, {}

    @rule(user_id=USERS)
    def forget_user(self, user_id):
        """Delete a user."""
        self.swarms.forget_user(user_id)
        self.model = {key: known for key, known in self.model.items() if key[1] != user_id}

    @rule(info_hash=TORRENTS)
    def drop_torrent(self, info_hash):
        """Delete a torrent."""
        self.swarms.drop_torrent(info_hash)
        self.model = {key: known for key, known in self.model.items() if key[0] != info_hash}

    def told(self, info_hash, peer, gone):
        """Note what the journal would: a peer as it is, or that it is gone."""
        key = info_hash, peer.user_id, peer.peer_id
        if gone:
            del self.noted[key]
        else:
            self.noted[key] = freeze_peer(peer)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def restart(self, data):
        """Begin anew with what was noted, some of it from a store that was not up to date."""
        old = {key: data.draw(st.sampled_from([frozen, None])) for key, frozen in sorted(self.noted.items())}
        self.swarms = self.make_swarms()
        for key, frozen in old.items():
            if frozen is not None:
                self.swarms.restore(key[0], thaw_peer(frozen))
        for known in self.model.values():
            known.waiting = False
        for key, frozen in self.noted.items():
            self.swarms.replace(key[0], thaw_peer(frozen), gone=False)
        self.expire(0, 100)

    @invariant()
    def peers_are_those_of_the_model(self):
        """Nobody more, nobody less; each as active, each over the families, as the model says."""
        live = {(swarm.info_hash, *key_of(peer)): peer for swarm in self.swarms for peer in swarm.peers}
        assert set(live) == set(self.model)
        for key, known in self.model.items():
            peer = live[key]
            assert peer.active is known.active
            if known.active:
                assert (peer.seeder, peer.paused) == (known.left == 0, known.paused)
            endpoints = {width: endpoint for width, (endpoint, _) in known.endpoints.items()}
            assert (peer.endpoint4, peer.endpoint6) == (endpoints.get(6, b""), endpoints.get(18, b""))
        for user_id in range(1, 4):
            mine = {key[0] for key in self.model if key[1] == user_id}
            assert {swarm.info_hash for swarm in self.swarms.of_user(user_id)} == mine

    @invariant()
    def counts_never_drift(self):
        """Every figure is what counting anew gives; a swarm in which nobody is left is gone."""
        active = [known for known in self.model.values() if known.active]
        assert self.swarms.peer_count == len(active)
        assert {swarm.info_hash for swarm in self.swarms} == {key[0] for key in self.model}
        for swarm in self.swarms:
            here = [known for key, known in self.model.items() if key[0] == swarm.info_hash and known.active]
            leechers = [known for known in here if known.left]
            figures = swarm.complete, swarm.incomplete, swarm.paused
            assert figures == (len(here) - len(leechers), len(leechers), sum(known.paused for known in leechers))

    @invariant()
    def lists_have_every_endpoint_once(self):
        """Hand out the listable endpoints of the active peers, each in its peer's slot."""
        for swarm in self.swarms:
            here = [known for key, known in self.model.items() if key[0] == swarm.info_hash and known.active]
            here = [known for known in here if not known.waiting]
            for side in (swarm.seeders4, swarm.leechers4, swarm.seeders6, swarm.leechers6):
                of_side = [known for known in here if (known.left == 0) is side.seeding]
                wanted = [known.endpoints.get(side.width, (b"", 0))[0] for known in of_side]
                compact = bytes(side.compact)
                listed = [compact[start : start + side.width] for start in range(0, len(compact), side.width)]
                assert sorted(listed) == sorted(filter(any, wanted))
                for slot, peer in enumerate(side.peers):
                    assert (peer.slot4 if side.width == 6 else peer.slot6) == slot
                    assert (peer.endpoint4 if side.width == 6 else peer.endpoint6) == listed[slot]

    @invariant()
    def tallies_never_drift(self):
        """Every user's torrents with a slot, and networks, are what counting anew gives, each as often."""
        presence = self.swarms.presence
        leeching, addresses = set(), Counter()
        for (info_hash, user_id, _), known in self.model.items():
            if known.active and known.left and not known.paused and not known.waiting:
                leeching.add((user_id, info_hash))
            for endpoint, _ in known.endpoints.values():
                addresses[user_id, network_of(endpoint)] += 1
        held = {user_id: presence.slots_of(user_id) for user_id in range(1, 4)}
        assert held == {user_id: sum(each == user_id for each, _ in leeching) for user_id in held}
        assert tallied(presence.addresses4) + tallied(presence.addresses6) == addresses

    @invariant()
    def what_was_noted_is_all_there_is(self):
        """Have every peer as it is now, and no other, in what announces say and what is told besides."""
        live = {(swarm.info_hash, *key_of(peer)): freeze_peer(peer) for swarm in self.swarms for peer in swarm.peers}
        assert self.noted == live


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
