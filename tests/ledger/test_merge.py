"""Records added up for each kind of store, and compared with adding up the plain values."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from mika.ledger import _merge_cy
from mika.ledger.merge import (
    HistoryGrowth,
    PeerKeys,
    TorrentGrowth,
    UserGrowth,
    bounded,
    unpack_history,
    unpack_peers,
    unpack_torrents,
    unpack_users,
)
from mika.ledger.record import CHECKSUM, FRAME, pack_record
from mika.model import INT64_MAX, LEFT_UNKNOWN, Debt, History, Peer, Totals

HASHES = [b"a" * 20, b"b" * 20]
MOST = 50


def credits_up_to(figure):
    """Return what announces may be worth."""
    figures = st.integers(0, figure)
    return st.builds(
        Totals, figures, figures, figures, figures, figures, st.integers(0, 2**32 - 1), st.just(1), st.integers(0, 1)
    )


CREDITS = credits_up_to(INT64_MAX)
SUMMABLE = credits_up_to(INT64_MAX // MOST)


def announced(user_id, info_hash, credit, *, gone=False):
    """Return the frame of an announce."""
    return bytes(CHECKSUM) + pack_record(info_hash, Peer(user_id, b"p" * 20, 0), credit, gone)


def merged(merge, *frames):
    """Add frames, in two portions."""
    merge.add(b"".join(frames[:1]))
    merge.add(b"".join(frames[1:]))
    return merge


@given(
    st.lists(
        st.tuples(st.integers(-1, 3), st.sampled_from(HASHES), st.one_of(st.just(Totals()), CREDITS), st.booleans())
    )
)
def test_sums_are_those_of_plain_addition(announces):
    """For users and torrents: every announce once; a public peer's is its torrent's alone; a silence adds nothing."""
    users, torrents = defaultdict(Totals), defaultdict(Totals)
    completers = set()
    for user_id, info_hash, credit, _ in announces:
        if credit.announces:
            torrents[info_hash].add(credit)
            if user_id >= 0:
                users[user_id].add(credit)
        if credit.completed:
            completers.add((info_hash, user_id))
    frames = [announced(user_id, info_hash, credit, gone=gone) for user_id, info_hash, credit, gone in announces]
    assert merged(UserGrowth(), *frames).rows == users
    found = merged(TorrentGrowth(), *frames)
    assert (found.rows, found.completers) == (torrents, completers)
    history = merged(HistoryGrowth(), *frames).rows
    for user_id, total in users.items():
        mine = Totals()
        for row in (row for row in history.values() if row.user_id == user_id):
            mine.add(row.totals)
        assert mine == total
    assert all(user_id >= 0 for user_id, _ in history)
    keys = {(info_hash, user_id, b"p" * 20) for user_id, info_hash, _, _ in announces}
    assert set(merged(PeerKeys(), *frames).rows) == keys


def test_history_is_what_the_last_announce_says_and_the_first_completion():
    """Of all clients of a user; the time is that of the announce."""

    def said(left: int, at: int, credit: Totals, *, gone: bool = False) -> bytes:
        peer = Peer(3, b"p" * 20, 0)
        peer.left, peer.last_seen = left, at
        return bytes(CHECKSUM) + pack_record(HASHES[0], peer, credit, gone)

    frames = [
        said(LEFT_UNKNOWN, 100, Totals(announces=1)),
        said(0, 200, Totals(5, 6, 7, 8, 9, 10, 1, 1)),
        said(0, 250, Totals()),  # a silence
        said(4, 300, Totals(announces=1), gone=True),
    ]
    totals = Totals(5, 6, 7, 8, 9, 10, 3, 1)
    rows = {(3, HASHES[0]): History(3, HASHES[0], totals, 4, 100, 300, 200, Debt.NONE)}
    assert merged(HistoryGrowth(), *frames).rows == rows
    rows[3, HASHES[0]].debt = Debt.OWING
    assert merged(HistoryGrowth(lambda: True), *frames).rows == rows
    assert merged(HistoryGrowth(), frames[0]).rows[3, HASHES[0]].left == LEFT_UNKNOWN


@given(
    st.lists(
        st.tuples(st.integers(-1, 3), st.sampled_from(HASHES), st.one_of(st.just(Totals()), SUMMABLE)), max_size=MOST
    ),
    st.booleans(),
)
def test_both_ways_of_reading_add_up_to_the_same(announces, empty):
    """Byte by byte in C, and by struct in plain Python, which knows no bound: of sums for which there is room."""
    frames = b"".join(announced(*each) for each in announces) + bytes(FRAME) * empty
    users, torrents, completers, peers = {}, {}, set(), {}
    _merge_cy.add_users(users, frames)
    _merge_cy.add_torrents(torrents, completers, frames)
    _merge_cy.add_peers(peers, frames)
    plain_users, plain_torrents, plain_completers, plain_peers = {}, {}, set(), {}
    unpack_users(plain_users, frames)
    unpack_torrents(plain_torrents, plain_completers, frames)
    unpack_peers(plain_peers, frames)
    assert (users, torrents, completers) == (plain_users, plain_torrents, plain_completers)
    assert list(peers) == list(plain_peers)
    history, plain_history = {}, {}
    _merge_cy.add_history(history, lambda: True, frames)
    unpack_history(plain_history, lambda: True, frames)
    assert history == plain_history


def test_room_that_was_never_written_adds_nothing():
    """It lies between records where a power cut left some half written."""
    one = Totals(uploaded=1, announces=1, completed=1)
    frames = [bytes(FRAME), announced(1, HASHES[0], one), bytes(FRAME)]
    assert merged(UserGrowth(), *frames).rows == {1: one}
    found = merged(TorrentGrowth(), *frames)
    assert (found.rows, found.completers) == ({HASHES[0]: one}, {(HASHES[0], 1)})
    assert set(merged(PeerKeys(), *frames).rows) == {(HASHES[0], 1, b"p" * 20)}


def test_growth_is_bounded_by_what_a_store_can_hold():
    """Only what is beyond is cut."""
    much = Totals(uploaded=INT64_MAX, downloaded=7)
    much.add(Totals(uploaded=5))
    assert bounded(much) == Totals(uploaded=INT64_MAX, downloaded=7)
    fits = Totals(uploaded=INT64_MAX)
    assert bounded(fits) is fits
