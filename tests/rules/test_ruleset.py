"""May this announce go ahead? Each rule in tables, and the order in which they are asked."""

from __future__ import annotations

import pytest
from builders import ADDRESS, INFO_HASH, NOW, PEER_ID

from mika.config import Tracker
from mika.model import DEFAULT_ROLE, LEFT_UNKNOWN, Peer, Role, Torrent, User
from mika.rules import refusal
from mika.rules.ruleset import Ruleset
from mika.swarm.swarm import Swarm
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


def no_swarms() -> Swarms:
    """Return swarms without a peer, which hand out everything."""
    return Swarms(2700, 10_000, lambda _: True, lambda *_changed: None)


def ruleset(*prefixes: bytes, swarms: Swarms | None = None, roles: tuple[Role, ...] = (), **config) -> Ruleset:
    """Return the rules of a configuration, with a whitelist and roles."""
    known = {role.id: role for role in roles}
    return Ruleset(Tracker.model_validate(config), lambda: prefixes, known, no_swarms() if swarms is None else swarms)


def join(swarms: Swarms, said: AnnounceRequest, user_id: int = 1, now: int = NOW) -> tuple[Swarm, Peer]:
    """Let a peer that is new announce."""
    swarm, peer = swarms.join(said.info_hash, user_id, said.peer_id, now)
    swarms.refresh(swarm, peer, said, now)
    return swarm, peer


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
    rules = Ruleset(Tracker(whitelist=True), lambda: tuple(prefixes), {}, no_swarms())
    assert rules.judge(request(), user(), torrent(), None, None) is refusal.CLIENT_REFUSED
    prefixes.append(b"-TR")
    assert rules.judge(request(), user(), torrent(), None, None) is None


@pytest.mark.parametrize(
    ("role", "said", "refused"),
    [
        ({}, {}, None),
        ({"download_enabled": False}, {}, refusal.DOWNLOAD_DISABLED),
        ({"download_enabled": False}, {"left": 0}, None),
        ({"download_enabled": False}, {"event": Event.PAUSED}, None),
        ({"upload_enabled": False}, {}, None),
        ({"upload_enabled": False}, {"left": 0}, refusal.UPLOAD_DISABLED),
        ({"upload_enabled": False}, {"event": Event.PAUSED}, refusal.UPLOAD_DISABLED),
    ],
)
def test_rights_of_a_role(role, said, refused) -> None:
    """What the role may not do, its users may not; other users may, and one whose role is gone is a member again."""
    rules = ruleset(roles=(Role(DEFAULT_ROLE, "member"), Role(2, "guest", **role)))
    assert rules.judge(request(**said), user(role=2), torrent(), None, None) is refused
    assert rules.judge(request(**said), user(), torrent(), None, None) is None
    assert rules.judge(request(**said), user(role=3), torrent(), None, None) is None


def test_role_that_is_gone_counts_as_the_default_one() -> None:
    """As what the default role is now, not as what it was at first."""
    rules = ruleset(roles=(Role(DEFAULT_ROLE, "member", download_enabled=False),))
    assert rules.judge(request(), user(role=9), torrent(), None, None) is refusal.DOWNLOAD_DISABLED


@pytest.mark.parametrize(("of_all", "of_role", "limit"), [(2, None, 2), (2, 1, 1), (1, 3, 3)])
def test_peers_per_user_of_a_role(of_all, of_role, limit) -> None:
    """A role's own limit goes before the one for all, be it lower or higher."""
    swarms = no_swarms()
    rules = ruleset(peers_per_user_torrent=of_all, roles=(Role(DEFAULT_ROLE, "m", peers_per_user_torrent=of_role),))
    for number in range(limit):
        said = request(peer_id=b"-XX0000-%012d" % number)
        assert rules.judge(said, user(), torrent(), None, swarms.get(INFO_HASH)) is None
        join(swarms, said)
    refused = refusal.too_many_peers(limit, limit)
    assert rules.judge(request(), user(), torrent(), None, swarms.get(INFO_HASH)) == refused


def v4(last: int, port: int = 6881) -> bytes:
    """Return an IPv4 endpoint of one network."""
    return bytes([81, 2, 69, last]) + port.to_bytes(2)


def v6(network: int, host: int = 1) -> bytes:
    """Return an IPv6 endpoint: a /64, and a host in it."""
    return b"\x2a\x02\0\0\0\0" + network.to_bytes(2) + host.to_bytes(8) + b"\x1a\xe1"


@pytest.mark.parametrize(
    ("limit", "present", "asking", "refused"),
    [
        (0, [v4(1), v4(2), v4(3)], v4(4), None),
        (1, [], v4(1), None),
        (1, [v4(1)], v4(1), None),
        (1, [v4(1)], v4(1, port=7000), None),
        (1, [v4(1)], v4(2), (1, 1)),
        (2, [v4(1)], v4(2), None),
        (2, [v4(1), v4(1), v4(2)], v4(3), (2, 2)),
        (2, [v4(1), v4(1), v4(2)], v4(2), None),
        (1, [v4(1)], v6(1), None),
        (1, [v6(1)], v4(1), None),
        (1, [v6(1)], v6(1, host=99), None),
        (1, [v6(1)], v6(2), (1, 1)),
        (1, [v4(1), v6(1)], v6(2), (1, 1)),
    ],
)
def test_addresses_per_user(limit, present, asking, refused) -> None:
    """Another address than those in use is refused above the limit; an IPv6 network is one, each family has its own."""
    swarms = no_swarms()
    rules = ruleset(swarms=swarms, addresses_per_user=limit, peers_per_user_torrent=50)
    for number, endpoint in enumerate(present):
        join(swarms, request(peer_id=b"-XX0000-%012d" % number, endpoint=endpoint))
        join(swarms, request(peer_id=b"-YY0000-%012d" % number, endpoint=v4(200 + number)), user_id=2)
    found = rules.judge(request(endpoint=asking), user(), torrent(), None, swarms.get(INFO_HASH))
    assert found == (refused and refusal.too_many_addresses(*refused))


def test_address_that_changes() -> None:
    """The only peer at an address may take it along; of two, the second has to wait until the old one is free."""
    swarms = no_swarms()
    rules = ruleset(swarms=swarms, addresses_per_user=1)
    swarm, peer = join(swarms, request(endpoint=v4(1)))
    moved = request(endpoint=v4(2))
    assert rules.judge(moved, user(), torrent(), peer, swarm) is None
    other_hash = bytes(20)
    _, other = join(swarms, request(endpoint=v4(1), info_hash=other_hash))
    assert rules.judge(moved, user(), torrent(), peer, swarm) == refusal.too_many_addresses(1, 1)
    swarms.silence(swarms.get(other_hash), other)
    assert rules.judge(moved, user(), torrent(), peer, swarm) is None


def test_addresses_are_counted_from_when_the_limit_is_set() -> None:
    """Peers that were there before count as well, and a peer that is gone does not."""
    swarms = no_swarms()
    swarm, first = join(swarms, request(peer_id=b"1" * 20, endpoint=v4(1)))
    join(swarms, request(peer_id=b"2" * 20, endpoint=v4(2)))
    rules = ruleset(swarms=swarms, addresses_per_user=2)
    asks = request(endpoint=v4(3))
    assert rules.judge(asks, user(), torrent(), None, swarm) == refusal.too_many_addresses(2, 2)
    swarms.remove(swarm, first)
    assert rules.judge(asks, user(), torrent(), None, swarm) is None


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
