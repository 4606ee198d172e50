"""Records of the journal: what goes in comes out, and all have the same length."""

from __future__ import annotations

import struct

import pytest
from builders import INFO_HASH
from hypothesis import given
from hypothesis import strategies as st

from mika.ledger import _record_cy, record
from mika.ledger.record import CHECKSUM, FRAME, pack_record, peer_of
from mika.model import LEFT_UNKNOWN, Peer, Totals
from mika.store.values import PEER_FIELDS

SECONDS = st.integers(0, 2**32 - 1)
COUNTERS = st.integers(0, 2**64 - 1)


@st.composite
def peers(draw):
    """Return any peer that the tracker could have."""
    peer = Peer(draw(st.integers(-(2**56), 2**63 - 1)), draw(st.binary(min_size=20, max_size=20)), draw(SECONDS))
    peer.key = draw(st.binary(max_size=20))
    peer.uploaded, peer.downloaded = draw(COUNTERS), draw(COUNTERS)
    peer.left = draw(st.sampled_from([0, 1, 10**18, LEFT_UNKNOWN]))
    peer.seeder, peer.paused, peer.active = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    peer.crypto = draw(st.integers(0, 3))
    peer.endpoint4 = draw(st.sampled_from([b"", bytes(6), b"\xff" * 6]))
    peer.endpoint6 = draw(st.sampled_from([b"", bytes(18), b"\xff" * 18]))
    peer.seen4, peer.seen6, peer.last_seen = draw(st.tuples(SECONDS, SECONDS, SECONDS))
    return peer


CREDITS = st.sampled_from([Totals(), Totals(1, 2, 3, 4, 5, 6, 1, 1), Totals(*[2**63 - 1] * 5, 2**32 - 1, 1, 1)])


@given(peers(), st.booleans(), CREDITS)
def test_peer_comes_back_with_everything(peer, gone, credit):
    """But for its slots and its location: where it is follows from its address."""
    packed = pack_record(INFO_HASH, peer, credit, gone)
    assert len(packed) == FRAME - CHECKSUM
    found = peer_of(b"sum:" + packed)
    assert found is not None
    info_hash, other, is_gone = found
    assert (info_hash, is_gone) == (INFO_HASH, gone)
    assert [getattr(other, name) for name in PEER_FIELDS] == [getattr(peer, name) for name in PEER_FIELDS]
    assert (other.slot4, other.slot6) == (-1, -1)


@given(st.lists(st.tuples(peers(), CREDITS, st.booleans()), max_size=3), SECONDS)
def test_byte_by_byte_it_is_the_same(said, checksum):
    """Compiled, records are written in another way, each to its place behind the one before."""
    packed, written = bytearray(3 * FRAME), bytearray(3 * FRAME)
    for number, (peer, credit, gone) in enumerate(said):
        for way, room in ((record, packed), (_record_cy, written)):
            way.put_frame(room, number * FRAME, checksum, way.pack_record(INFO_HASH, peer, credit, gone))
        assert written == packed


@pytest.mark.parametrize("at", [-1, 1, FRAME])
def test_nothing_is_written_where_there_is_no_room(at):
    """Not even compiled, where memory is written to without a question."""
    room = bytearray(FRAME)
    with pytest.raises((ValueError, struct.error)):
        _record_cy.put_frame(room, at, 1, bytes(FRAME - CHECKSUM))
    assert not any(room)


def test_room_that_was_never_written_is_no_peer():
    """A file is made with room for every record."""
    assert peer_of(bytes(FRAME)) is None
