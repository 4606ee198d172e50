"""Any story of swarms: counts, lists and what a store is told stay those of a model that is too simple to be wrong."""

from __future__ import annotations

from builders import NOW
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mika.store.values import freeze_peer, thaw_peer
from mika.swarm.swarms import Swarms
from mika.wire.request import AnnounceRequest, Event

TTL = 10
USERS = st.integers(1, 3)
TORRENTS = st.sampled_from([b"a" * 20, b"b" * 20])
PEER_IDS = st.sampled_from([b"1" * 20, b"2" * 20])
ENDPOINTS = [bytes([81] * 4) + b"\0\1", bytes([81] * 4) + b"\0\2", bytes([42] * 16) + b"\0\1", bytes(18)]


class Known:
    """What the model knows of a peer."""

    def __init__(self, now: int) -> None:
        self.active = True
        self.last_seen = now
        self.left = 0
        self.paused = False
        self.endpoints: dict[int, tuple[bytes, int]] = {}


class AnyStory(RuleBasedStateMachine):
    """Announces, silences, removals, writes that succeed or fail, and restarts, in any order."""

    @initialize(counters_ttl=st.sampled_from([30, 30, TTL, 3]))
    def begin(self, counters_ttl):
        """Start with nobody."""
        self.now = NOW
        self.counters_ttl = counters_ttl
        self.swarms = self.make_swarms()
        self.model: dict[tuple, Known] = {}
        self.stored: dict[tuple, tuple] = {}

    def make_swarms(self):
        """Return swarms that hand out everything but an endpoint of zeros."""
        return Swarms(TTL, self.counters_ttl, any)

    def find(self, key):
        """Return swarm and peer of a key, None where there is none."""
        swarm = self.swarms.get(key[0])
        return swarm, None if swarm is None else swarm.peers.get(key[1:])

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
        known = self.model.setdefault(key, Known(self.now))
        known.active, known.last_seen = True, self.now
        known.left, known.paused = left, paused and left > 0
        known.endpoints[len(endpoint)] = endpoint, self.now

    @rule(info_hash=TORRENTS, user_id=USERS, peer_id=PEER_IDS)
    def stop(self, info_hash, user_id, peer_id):
        """Let a peer stop, if it is there."""
        swarm, peer = self.find((info_hash, user_id, peer_id))
        if swarm is not None and peer is not None:
            self.swarms.remove(swarm, peer)
            del self.model[info_hash, user_id, peer_id]

    @rule(seconds=st.sampled_from([0, 1, 1, TTL - 1, TTL, TTL + 1, 35]), portion=st.sampled_from([1, 2, 100]))
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
            if not known.active and known.last_seen + self.counters_ttl < self.now:
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

    @rule(most=st.sampled_from([1, 2, 100]))
    def write(self, most):
        """Write a batch."""
        for key, peer in self.swarms.take_unsaved(most).items():
            if peer is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = freeze_peer(peer)

    @rule(most=st.sampled_from([1, 2, 100]), data=st.data())
    def fail_to_write(self, most, data):
        """Take a batch, let something happen meanwhile, and give the batch back."""
        taken = self.swarms.take_unsaved(most)
        if data.draw(st.booleans()):
            key = data.draw(TORRENTS), data.draw(USERS), data.draw(PEER_IDS)
            self.announce(*key, ENDPOINTS[0], left=data.draw(st.integers(0, 1)), paused=False)
        if data.draw(st.booleans()):
            self.stop(data.draw(TORRENTS), data.draw(USERS), data.draw(PEER_IDS))
        self.swarms.give_back(taken)

    @precondition(lambda self: self.model)
    @rule()
    def restart(self):
        """Write all, and begin anew with what was written."""
        self.write(1000)
        self.swarms = self.make_swarms()
        for key, frozen in self.stored.items():
            self.swarms.restore(key[0], thaw_peer(frozen))
        self.expire(0, 100)

    @invariant()
    def peers_are_those_of_the_model(self):
        """Nobody more, nobody less; each as active, each over the families, as the model says."""
        live = {(swarm.info_hash, *key): peer for swarm in self.swarms for key, peer in swarm.peers.items()}
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
    def store_and_what_waits_are_all_there_is(self):
        """Once what waits is written, the store has every peer as it is now, and no other."""
        kept = dict(self.stored)
        for key, peer in self.swarms.unsaved.items():
            if peer is None:
                kept.pop(key, None)
            else:
                kept[key] = freeze_peer(peer)
        live = {
            (swarm.info_hash, *key): freeze_peer(peer) for swarm in self.swarms for key, peer in swarm.peers.items()
        }
        assert kept == live


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
