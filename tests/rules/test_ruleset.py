"""May this announce go ahead? Each rule in tables, and the order in which they are asked."""

from __future__ import annotations

import pytest
from builders import ADDRESS, INFO_HASH, NOW, PEER_ID

from mika.config import Tracker
from mika.model import LEFT_UNKNOWN, Torrent, User
from mika.rules import refusal
from mika.rules.ruleset import Ruleset
from mika.swarm.swarms import Swarms
from mika.wire.address import packed
from mika.wire.request import AnnounceRequest, Event

ENDPOINT4 = packed(ADDRESS) + b"\x1a\xe1"
ENDPOINT6 = bytes(15) + b"\x01\x1a\xe1"


def user(**changes) -> User:
    """Return an account in good standing, but for what is said."""
    return User(**({"id": 1, "name": "anna", "passkey": "x" * 8} | changes))


def torrent(**changes) -> Torrent:
    """Return a registered torrent, but for what is said."""
    return Torrent(**({"info_hash": INFO_HASH} | changes))


def request(**changes) -> AnnounceRequest:
    """Return a leecher's announce over IPv4, but for what is said."""
    said = {"passkey": "x" * 8, "info_hash": INFO_HASH, "peer_id": PEER_ID, "endpoint": ENDPOINT4, "left": 100}
    return AnnounceRequest(**(said | changes))


def ruleset(*prefixes: bytes, **config) -> Ruleset:
    """Return the rules of a configuration, with a whitelist."""
    return Ruleset(Tracker.model_validate(config), lambda: prefixes)


@pytest.mark.parametrize(
    ("account", "said", "refused"),
    [
        ({}, {}, None),
        ({"enabled": False}, {}, refusal.USER_DISABLED),
        ({"enabled": False}, {"left": 0}, refusal.USER_DISABLED),
        ({"enabled": False, "download_enabled": False}, {}, refusal.USER_DISABLED),
        ({"download_enabled": False}, {}, refusal.DOWNLOAD_DISABLED),
        ({"download_enabled": False}, {"event": Event.STARTED}, refusal.DOWNLOAD_DISABLED),
        ({"download_enabled": False}, {"left": LEFT_UNKNOWN}, refusal.DOWNLOAD_DISABLED),
        ({"download_enabled": False}, {"left": 0}, None),
        ({"download_enabled": False}, {"event": Event.PAUSED}, None),
        ({"upload_enabled": False}, {}, None),
        ({"upload_enabled": False}, {"left": 0}, refusal.UPLOAD_DISABLED),
        ({"upload_enabled": False}, {"left": 0, "event": Event.COMPLETED}, refusal.UPLOAD_DISABLED),
        ({"upload_enabled": False}, {"event": Event.PAUSED}, refusal.UPLOAD_DISABLED),
    ],
)
def test_user(account, said, refused) -> None:
    """An account without the right to what the announce is for is refused; the other half goes on."""
    assert ruleset().judge(request(**said), user(**account), torrent(), None, None) is refused


@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        ({}, None),
        ({"reason": "kept, and of no effect"}, None),
        ({"enabled": False}, refusal.TORRENT_DISABLED),
        ({"enabled": False, "reason": "in moderation"}, refusal.TORRENT_DISABLED.because("in moderation")),
        ({"deleted": True}, refusal.TORRENT_DELETED),
        ({"deleted": True, "reason": "a fake"}, refusal.TORRENT_DELETED.because("a fake")),
        ({"deleted": True, "enabled": False, "reason": "a fake"}, refusal.TORRENT_DELETED.because("a fake")),
    ],
)
def test_torrent(entry, refused) -> None:
    """A torrent that is gone or disabled is refused, with the reason that is kept."""
    assert ruleset().judge(request(), user(), torrent(**entry), None, None) == refused


@pytest.mark.parametrize(
    ("config", "endpoint", "refused"),
    [
        ({}, ENDPOINT4, None),
        ({}, ENDPOINT6, None),
        ({"ipv4": False}, ENDPOINT4, refusal.FAMILY_DISABLED),
        ({"ipv4": False}, ENDPOINT6, None),
        ({"ipv6": False}, ENDPOINT4, None),
        ({"ipv6": False}, ENDPOINT6, refusal.FAMILY_DISABLED),
    ],
)
def test_family(config, endpoint, refused) -> None:
    """A family that the operator turned off is refused."""
    assert ruleset(**config).judge(request(endpoint=endpoint), user(), torrent(), None, None) is refused


@pytest.mark.parametrize(
    ("on", "prefixes", "peer_id", "refused"),
    [
        (False, (), PEER_ID, None),
        (True, (), PEER_ID, refusal.CLIENT_REFUSED),
        (True, (b"-TR40",), PEER_ID, None),
        (True, (b"-qB", b"-TR4060-"), PEER_ID, None),
        (True, (b"-TR",), b"-tr4060-000000000001", refusal.CLIENT_REFUSED),
        (True, (b"-TR",), b"x-TR4060-00000000001", refusal.CLIENT_REFUSED),
        (True, (PEER_ID,), PEER_ID, None),
        (True, (PEER_ID + b"1",), PEER_ID, refusal.CLIENT_REFUSED),
    ],
)
def test_whitelist(on, prefixes, peer_id, refused) -> None:
    """With the whitelist on, only clients whose peer id starts with a listed prefix are served."""
    rules = ruleset(*prefixes, whitelist=on)
    assert rules.judge(request(peer_id=peer_id), user(), torrent(), None, None) is refused


def test_whitelist_is_read_each_time() -> None:
    """A prefix that is listed later counts at the next announce."""
    prefixes: list[bytes] = []
    rules = Ruleset(Tracker(whitelist=True), lambda: tuple(prefixes))
    assert rules.judge(request(), user(), torrent(), None, None) is refusal.CLIENT_REFUSED
    prefixes.append(b"-TR")
    assert rules.judge(request(), user(), torrent(), None, None) is None


@pytest.mark.parametrize(("limit", "present", "admitted"), [(1, 0, True), (1, 1, False), (3, 2, True), (3, 3, False)])
def test_peers_per_user(limit, present, admitted) -> None:
    """One client more than the limit is refused, with limit and count in the words; those that are there go on."""
    swarms = Swarms(2700, 10_000, lambda _: True, lambda *_changed: None)
    swarm, others = None, []
    for number in range(present):
        said = request(peer_id=b"-XX0000-%012d" % number)
        swarm, peer = swarms.join(INFO_HASH, 1, said.peer_id, NOW)
        swarms.refresh(swarm, peer, said, NOW)
        others.append((said, peer))
    rules = ruleset(peers_per_user_torrent=limit)

    refused = rules.judge(request(), user(), torrent(), None, swarm)

    assert refused == (None if admitted else refusal.too_many_peers(limit, present))
    for said, peer in others:
        assert rules.judge(said, user(), torrent(), peer, swarm) is None


def test_silent_peers_do_not_count() -> None:
    """A client that fell silent takes nobody's place, and needs one itself when it returns."""
    swarms = Swarms(2700, 10_000, lambda _: True, lambda *_changed: None)
    said = request(peer_id=b"-XX0000-000000000000")
    swarm, silent = swarms.join(INFO_HASH, 1, said.peer_id, NOW)
    swarms.refresh(swarm, silent, said, NOW)
    swarms.silence(swarm, silent)
    rules = ruleset(peers_per_user_torrent=1)
    assert rules.judge(request(), user(), torrent(), None, swarm) is None
    swarm, peer = swarms.join(INFO_HASH, 1, PEER_ID, NOW)
    swarms.refresh(swarm, peer, request(), NOW)
    assert rules.judge(said, user(), torrent(), silent, swarm) == refusal.too_many_peers(1, 1)


def test_first_refusal_is_the_answer() -> None:
    """Who asks is judged before what is asked for, and that before how many ask."""
    rules = ruleset(whitelist=True, ipv4=False)
    deleted = torrent(deleted=True)
    assert rules.judge(request(), user(enabled=False), deleted, None, None) is refusal.USER_DISABLED
    assert rules.judge(request(), user(), deleted, None, None) == refusal.TORRENT_DELETED
    assert rules.judge(request(), user(), torrent(), None, None) is refusal.FAMILY_DISABLED
    assert rules.judge(request(endpoint=ENDPOINT6), user(), torrent(), None, None) is refusal.CLIENT_REFUSED
