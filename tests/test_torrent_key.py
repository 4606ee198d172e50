"""Keys a torrent: what one says, what it hides, and when it ends."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.model import INT64_MAX, PASSKEY, User
from mika.torrent_key import LENGTH, TorrentKeys

SECRET = b"a secret of the test's own, that nobody else has"
INFO_HASH = bytes(range(20))
OTHER_HASH = bytes(range(1, 21))


def make_user(user_id: int = 17, passkey: str = "0123456789abcdef", **voided: int) -> User:
    """Return a user; `voided=2` for one two of whose keys for `INFO_HASH` are void."""
    return User(user_id, "ann", passkey, void_keys={INFO_HASH: voided["voided"]} if voided else {})


@given(user_id=st.integers(1, INT64_MAX), info_hash=st.binary(min_size=20, max_size=20))
def test_key_says_what_it_was_made_of(user_id, info_hash) -> None:
    """It fits where a passkey does, is read to the same user and torrent, and is good for them."""
    keys = TorrentKeys(SECRET)
    user = make_user(user_id)
    text = keys.make(user, info_hash)
    assert len(text) == LENGTH
    assert PASSKEY.fullmatch(text)
    key = keys.read(text)
    assert (key.user_id, key.info_hash) == (user_id, info_hash)
    assert keys.is_good(key, user)


def test_keys_are_the_same_for_all_trackers_of_a_site() -> None:
    """One that another tracker made of the same secret is read; one of another secret is not."""
    text = TorrentKeys(SECRET).make(make_user(), INFO_HASH)
    assert TorrentKeys(SECRET).make(make_user(), INFO_HASH) == text
    assert TorrentKeys(SECRET).read(text) is not None
    assert TorrentKeys(b"another secret").read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 63,
        "a" * 64,
        "-" * 64,
        "a" * 65,
        "a" * 68,
        "ä" * 64,
        "\ud800" * 64,
        "a" * 63 + "=",
        "a" * 63 + "\n",
        "0123456789abcdef" * 4,
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_what_is_no_key(text) -> None:
    """Whatever stands there, nothing is read from what was not made here, and nothing breaks."""
    assert TorrentKeys(SECRET).read(text) is None


@given(bit=st.integers(0, 48 * 8 - 1))
def test_changed_key_is_none(bit) -> None:
    """No bit of it can be turned."""
    keys = TorrentKeys(SECRET)
    number = int.from_bytes(urlsafe_b64decode(keys.make(make_user(), INFO_HASH)), "big") ^ (1 << bit)
    assert keys.read(urlsafe_b64encode(number.to_bytes(48, "big")).decode()) is None


def test_key_of_one_torrent_tells_nothing_of_another() -> None:
    """Keys of one user have nothing in common that could be seen, and hold neither passkey nor id."""
    keys = TorrentKeys(SECRET)
    texts = [keys.make(make_user(1), bytes([number]) * 20) for number in range(50)]
    raw = [urlsafe_b64decode(text) for text in texts]
    for place in range(48):
        assert len({each[place] for each in raw}) > 10
    assert not any(re.search("0123456789abcdef", text) for text in texts)


@pytest.mark.parametrize(
    "later",
    [
        make_user(voided=1),
        make_user(passkey="another-passkey"),
        make_user(passkey="another-passkey", voided=1),
    ],
)
def test_key_ends(later) -> None:
    """When it is voided, and with the passkey; the next one is another, and good."""
    keys = TorrentKeys(SECRET)
    key = keys.read(keys.make(make_user(), INFO_HASH))
    assert keys.is_good(key, make_user())
    assert not keys.is_good(key, later)
    assert keys.is_good(keys.read(keys.make(later, INFO_HASH)), later)


def test_void_key_leaves_others_alone() -> None:
    """Those of the user for other torrents go on."""
    keys = TorrentKeys(SECRET)
    key = keys.read(keys.make(make_user(), OTHER_HASH))
    assert keys.is_good(key, make_user(voided=3))
