"""The torrents in memory by their hashes: a dictionary in all that is done with it, compiled as in plain Python."""

from __future__ import annotations

import sys

import pytest
from builders import INFO_HASH
from hypothesis import given
from hypothesis import strategies as st

from mika._torrents_cy import Torrents
from mika.model import Torrent

HASHES = [bytes([number]) * 20 for number in range(40)]
NEVER_THERE = b"never there, 20 byte"

CHANGES = {
    "set": lambda torrents, key, new: torrents.__setitem__(key, new),
    "set again": lambda torrents, key, new: torrents.__setitem__(key, new),
    "update": lambda torrents, key, new: torrents.update({key: new}),
    "add all": lambda torrents, key, new: torrents.__ior__({key: new}),
    "set if there is none": lambda torrents, key, new: torrents.setdefault(key, new),
    "delete": lambda torrents, key, _: torrents.__delitem__(key),
    "take": lambda torrents, key, _: torrents.pop(key),
    "take if it is there": lambda torrents, key, _: torrents.pop(key, None),
    "take the last": lambda torrents, *_: torrents.popitem(),
    "clear": lambda torrents, *_: torrents.clear(),
}
STEPS = st.lists(st.tuples(st.sampled_from([*CHANGES]), st.sampled_from(HASHES)), max_size=300)


@given(STEPS)
def test_whatever_was_done_what_is_there_is_found(steps):
    """Compared with a dictionary after every step; hashes that Python scatters to one place are among so many."""
    torrents, expected = Torrents(), dict[bytes, Torrent]()
    for change, info_hash in steps:
        new, outcomes = Torrent(info_hash), []
        for each in (torrents, expected):
            try:
                outcomes.append(CHANGES[change](each, info_hash, new))
            except KeyError:
                outcomes.append(KeyError)
        assert outcomes[0] == outcomes[1]
        torrents.fetch_ahead(info_hash)
        assert torrents.find(info_hash) is expected.get(info_hash)
    assert torrents == expected
    assert list(torrents) == list(expected)
    assert [torrents.find(each) for each in HASHES] == [expected.get(each) for each in HASHES]


def test_many_are_found_by_each_of_their_hashes():
    """However large it has grown, and when nearly all of them are gone again."""
    torrents = Torrents()
    keys = [number.to_bytes(20, "big") for number in range(20_000)]
    torrents.update((key, Torrent(key)) for key in keys)
    torrents[INFO_HASH] = torrents[keys[7]]
    assert torrents.find(INFO_HASH) is torrents.find(keys[7]) is torrents[keys[7]]
    for key in keys[100:]:
        del torrents[key]
    assert [torrents.find(key) is torrents.get(key) for key in keys] == [True] * len(keys)
    assert len(torrents) == 101


@pytest.mark.parametrize("info_hash", [b"", b"short", bytes(32), NEVER_THERE])
def test_what_is_not_there_is_not_found(info_hash):
    """Neither in an empty one nor beside others, whatever its length."""
    torrents = Torrents()
    assert torrents.find(info_hash) is torrents.pop(info_hash, None) is None
    torrents[INFO_HASH] = Torrent(INFO_HASH)
    torrents.fetch_ahead(info_hash)
    assert torrents.find(info_hash) is torrents.pop(info_hash, None) is None
    with pytest.raises(KeyError):
        torrents.pop(info_hash)
    assert torrents.find(INFO_HASH) is not None


def test_torrent_that_is_let_go_is_held_by_nothing():
    """Replaced, taken out, or gone with all the others."""
    them = [Torrent(INFO_HASH) for _ in range(3)]
    held = [sys.getrefcount(each) for each in them]
    torrents = Torrents()
    torrents[INFO_HASH] = them[0]
    torrents[INFO_HASH] = them[1]
    torrents.pop(INFO_HASH)
    torrents[INFO_HASH] = them[2]
    del torrents
    assert [sys.getrefcount(each) for each in them] == held
