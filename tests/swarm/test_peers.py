"""What each swarm keeps its peers in, and each user their swarms: any story of it, compiled and as plain Python."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy

import pytest
from builders import NOW, key_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mika.model import LEFT_UNKNOWN, NOWHERE, Peer, Place
from mika.swarm._member_cy import Member
from mika.swarm._peers_cy import Peers
from mika.swarm._side_cy import Side
from mika.wire.request import CRYPTO_REQUIRED, CRYPTO_SUPPORTED

USERS = st.sampled_from([0, 1, 2, 3, -1, -(2**56), 2**63 - 1]) | st.integers(0, 40)
PEER_IDS = st.integers(0, 3).map(lambda number: b"-XX0000-%012d" % number)


class AnyPeers(RuleBasedStateMachine):
    """Peers come and go, walks go on between; everything asked is as a dictionary says."""

    def __init__(self) -> None:
        super().__init__()
        self.peers = Peers()
        self.model: dict[tuple[int, bytes], Peer] = {}
        self.passed: list[Peer] | None = None
        self.stayed: list[Peer] = []

    @rule(user_id=USERS, peer_id=PEER_IDS)
    def add_or_remove(self, user_id, peer_id):
        """Let a peer come that is not there, or go."""
        peer = self.model.pop((user_id, peer_id), None)
        if peer is None:
            peer = self.model[user_id, peer_id] = Peer(user_id, peer_id, NOW)
            self.peers.add(peer)
        else:
            self.peers.remove(peer)
            self.stayed = [each for each in self.stayed if each is not peer]

    @rule(first=st.integers(0, 1000), count=st.sampled_from([1, 30, 90]))
    def crowd(self, first, count):
        """Let many come, so that the table grows; those who are there go, so that it shrinks."""
        for number in range(first, first + count):
            self.add_or_remove(number, b"-XX0000-%012d" % 7)

    @rule(most=st.sampled_from([1, 2, 5, 1000]))
    def walk(self, most):
        """Begin a walk, or go on with it; whoever was there all the time is met."""
        if not self.peers.is_walking():
            self.passed, self.stayed = [], list(self.model.values())
        assert self.passed is not None
        part = self.peers.walk(most)
        assert len(part) <= most
        assert all(self.model[key_of(peer)] is peer for peer in part)
        self.passed += part
        if not self.peers.is_walking():
            assert {id(peer) for peer in self.stayed} <= {id(peer) for peer in self.passed}

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def find(self, data):
        """Ask for one, and for all of its user."""
        key = data.draw(st.sampled_from(sorted(self.model)))
        mine = {each: peer for each, peer in self.model.items() if each[0] == key[0]}
        assert self.peers.find(*key) is self.model[key]
        assert {key_of(peer): peer for peer in self.peers.of(key[0])} == mine
        assert self.peers.is_alone(self.model[key]) is (len(mine) == 1)
        assert self.peers.find(key[0], b"?" * 20) is None

    @invariant()
    def all_are_there_once(self):
        """Nobody else, nobody twice."""
        assert len(self.peers) == len(self.model)
        assert Counter(map(id, self.peers)) == Counter(map(id, self.model.values()))
        assert self.peers.of(-7) == []


TestAnyPeers = AnyPeers.TestCase
TestAnyPeers.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_walk_without_changes_passes_everybody_once():
    """In portions, whatever their size."""
    peers = Peers()
    for number in range(100):
        peers.add(Peer(number, bytes(20), NOW))
    for most in (1, 7, 100, 1000):
        passed = peers.walk(most)
        while peers.is_walking():
            passed += peers.walk(most)
        assert Counter(peer.user_id for peer in passed) == Counter(range(100))


def test_nobody_is_found_where_nobody_is():
    """Neither before the first came nor after the last went."""
    peers = Peers()
    peer = Peer(1, bytes(20), NOW)
    for _ in range(2):
        assert (peers.find(1, bytes(20)), peers.of(1), list(peers), len(peers), peers.walk(5)) == (None, [], [], 0, [])
        peers.add(peer)
        peers.remove(peer)


@pytest.mark.parametrize("width", [6, 18])
def test_side_stays_dense(width):
    """Whoever leaves, each endpoint is in the slot of its peer, and encryption is counted."""
    side = Side(width, seeding=False)
    kinds = (0, CRYPTO_SUPPORTED, CRYPTO_SUPPORTED | CRYPTO_REQUIRED)
    peers = []
    for number in range(60):
        peer = Peer(number, bytes(20), NOW)
        peer.crypto = kinds[number % 3]
        side.add(peer, number.to_bytes(width))
        peers.append(peer)
    for number in (0, 59, 58, 1, 30, *range(2, 30), *range(31, 57)):
        gone = peers[number]
        side.remove(gone)
        assert side.slot_of(gone) == -1
        here = list(side.peers)
        assert len(side) == len(here)
        assert [side.slot_of(peer) for peer in here] == list(range(len(here)))
        assert [side.at(slot) for slot in range(len(here))] == here
        assert bytes(side.compact) == b"".join(peer.user_id.to_bytes(width) for peer in here)
        assert side.requiring == sum(peer.user_id % 3 == 2 for peer in here)
        assert side.plain == sum(peer.user_id % 3 == 0 for peer in here)
    assert [peer.user_id for peer in side.peers] == [57]
    assert side.gather([0, 0]) == 2 * (57).to_bytes(width)
    assert side.gather([]) == side.cut(0, 0) == b""


def test_side_knows_only_its_own():
    """A seeder has no slot among the leechers."""
    side = Side(6, seeding=False)
    peer = Peer(1, bytes(20), NOW)
    side.add(peer, bytes(6))
    assert side.slot_of(peer) == 0
    peer.seeder = True
    assert side.slot_of(peer) == -1


def test_member_is_in_the_swarms_that_were_entered():
    """However many, in whichever order they are left."""
    member = Member()
    swarms = [object() for _ in range(50)]
    for each in swarms:
        member.enter(each)
    assert list(member.swarms) == swarms
    for number, each in enumerate([*swarms[::3], *swarms[1::3], *swarms[2::3]], 1):
        member.leave(each)
        assert (len(member), each in member.swarms) == (50 - number, False)
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of a list
        member.leave(swarms[0])


FACTS = {
    "key": [b"", b"1A2B3C4D", b"abc", b"a\0b", b"1234567\0", b"\0", b"longer than most"],
    "endpoint4": [b"", bytes(6), b"\xff" * 6],
    "endpoint6": [b"", bytes(18), b"\xff" * 18],
    "uploaded": [0, 2**64 - 1],
    "downloaded": [0, 2**64 - 1],
    "left": [0, LEFT_UNKNOWN],
    "slot4": [-1, 0, 2**31 - 1],
    "slot6": [-1, 0, 2**31 - 1],
    "seen4": [0, 2**32 - 1],
    "seen6": [0, 2**32 - 1],
    "first_seen": [0, 2**32 - 1],
    "last_seen": [0, 2**32 - 1],
    "speed_up": [0, 2**64 - 1],
    "speed_down": [0, 2**64 - 1],
    "crypto": [0, 1, 3],
    "priority": [0, 100],
    "seeder": [True, False],
    "paused": [True, False],
    "active": [True, False],
    "waiting": [True, False],
    "place": [NOWHERE, Place("DE", 64512, (52.5, 13.4)), Place("FR", 0, None)],
}


class AnyPeer(RuleBasedStateMachine):
    """Whatever is set of a peer in whichever order, it has what was set last, and the rest is as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.peer = Peer(-5, b"-XX0000-000000000001", NOW)
        self.facts = {name: getattr(self.peer, name) for name in FACTS}

    @rule(data=st.data(), name=st.sampled_from(sorted(FACTS)))
    def set(self, data, name):
        """Set one."""
        self.facts[name] = data.draw(st.sampled_from(FACTS[name]))
        setattr(self.peer, name, self.facts[name])

    @rule(location=st.sampled_from([None, (1.0, 2.0)]))
    def locate(self, location):
        """Set the location alone, as a store does."""
        self.peer.location = location
        self.facts["place"] = Place(self.facts["place"].country, self.facts["place"].asn, location)

    @invariant()
    def has_what_was_set(self):
        """Of the same type, too."""
        found = {name: getattr(self.peer, name) for name in FACTS}
        assert found == self.facts
        assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in self.facts.items()}
        assert Place(self.peer.country, self.peer.asn, self.peer.location) == self.facts["place"]
        assert (self.peer.user_id, self.peer.peer_id) == (-5, b"-XX0000-000000000001")


TestAnyPeer = AnyPeer.TestCase
TestAnyPeer.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_new_peer_has_nothing_yet():
    """It is new now, in no list, and what it lacks is not known."""
    peer = Peer(7, bytes(20), NOW)
    assert (peer.first_seen, peer.last_seen, peer.left) == (NOW, NOW, LEFT_UNKNOWN)
    assert (peer.slot4, peer.slot6, peer.seen4, peer.seen6, peer.key, peer.endpoint4, peer.endpoint6) == (
        *(-1, -1, 0, 0),
        *(b"", b"", b""),
    )
    assert not any((peer.active, peer.seeder, peer.paused, peer.waiting, peer.uploaded, peer.speed_up, peer.crypto))
    assert peer.place == NOWHERE


def test_copy_is_another_peer_with_everything():
    """As stores in tests take them."""
    peer = Peer(7, b"-XX0000-000000000001", NOW)
    for name, values in FACTS.items():
        setattr(peer, name, values[-1])
    copy = deepcopy(peer)
    assert copy is not peer
    assert [getattr(copy, name) for name in Peer.__slots__] == [getattr(peer, name) for name in Peer.__slots__]


@pytest.mark.parametrize("peer_id", [b"", bytes(19), bytes(21)])
def test_peer_id_is_of_20_bytes(peer_id):
    """What else would be told apart wrongly."""
    with pytest.raises(ValueError, match="20 bytes"):
        Peer(1, peer_id, NOW)
