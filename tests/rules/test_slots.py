"""Who has to wait for a download slot: the rule in a table, and stories of members who leech too much."""

from __future__ import annotations

import pytest
from builders import (
    ADDRESS6,
    OTHER_ADDRESS,
    OTHER_PASSKEY,
    PASSKEY,
    PEER_ID,
    make_site,
    result,
)

from mika.model import DEFAULT_ROLE, Role
from mika.rules.slots import has_to_wait

HASHES = tuple(bytes([number]) * 20 for number in range(5))
SEED = b"-qB5000-000000000009"


@pytest.mark.parametrize(
    ("limit", "held", "holds", "waits"),
    [
        (None, 0, False, False),
        (None, 99, True, False),
        (0, 0, False, True),
        (1, 0, False, False),
        (1, 1, True, False),
        (1, 1, False, True),
        (3, 2, False, False),
        (3, 3, False, True),
        (3, 3, True, False),
        (2, 3, True, True),
        (2, 3, False, True),
    ],
)
def test_who_has_to_wait(limit, held, holds, waits) -> None:
    """As many as the limit leech at once; who holds a slot keeps it, unless the limit was lowered."""
    assert has_to_wait(limit, held, holds=holds) is waits


def site_with(slots, **section):
    """Return a site whose members have so many download slots, with a seeder on each torrent."""
    site = make_site(torrents=HASHES, **section)
    result(site.directory.change_role(DEFAULT_ROLE, {"download_slots": slots}))
    for info_hash in HASHES:
        site.announce(OTHER_PASSKEY, OTHER_ADDRESS, info_hash=info_hash, peer_id=SEED, left=0)
    return site


def served(site, number=0, **params) -> bool:
    """Let the member announce a torrent; say whether peers were handed out, and hold the warning to it."""
    answer = site.announce(info_hash=HASHES[number], **params)
    assert "failure reason" not in answer
    assert bool(answer["peers"]) is not answer.get("warning message", b"").startswith(b"You may download")
    return bool(answer["peers"])


def is_handed_out(site, number=0) -> bool:
    """Say whether the seeder of a torrent is handed a leecher."""
    answer = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, info_hash=HASHES[number], peer_id=SEED, left=0)
    return bool(answer["peers"])


def test_leecher_above_the_limit_waits() -> None:
    """It is told limit, value and remedy, gets no peers and is handed to nobody; those before it go on."""
    site = site_with(2)
    assert served(site, 0)
    assert served(site, 1)
    answer = site.announce(info_hash=HASHES[2])
    assert answer["warning message"] == (
        b"You may download 2 torrents at a time and download 2; "
        b"this one waits until you finish or stop another, and continues by itself"
    )
    assert (answer["peers"], answer["incomplete"]) == (b"", 1)
    assert [is_handed_out(site, number) for number in range(3)] == [True, True, False]
    assert served(site, 0)
    assert served(site, 1)


def test_leecher_that_waits_is_credited() -> None:
    """What it moves with the peers that it had counts as always."""
    site = site_with(1)
    served(site, 0)
    served(site, 1, uploaded=100, downloaded=10)
    assert not served(site, 1, uploaded=150, downloaded=70)
    assert site.user().totals.values()[:4] == (50, 60, 50, 60)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param({"event": "stopped"}, id="stopped"),
        pytest.param({"left": 0, "event": "completed"}, id="completed"),
        pytest.param({"event": "paused"}, id="a partial seed"),
    ],
)
def test_slot_that_is_free_is_taken_by_the_next(end) -> None:
    """At its next announce, who waited is served and handed out."""
    site = site_with(1)
    served(site, 0)
    assert not served(site, 1)
    site.announce(info_hash=HASHES[0], **end)
    assert served(site, 1)
    assert is_handed_out(site, 1)
    assert not served(site, 2)


def test_slot_of_who_falls_silent_is_free() -> None:
    """The peer that fell silent waits in its turn when it returns."""
    site = site_with(1, peer_ttl="45m")
    served(site, 0)
    site.clock.advance(1800)
    assert not served(site, 1)
    assert is_handed_out(site, 0)
    assert not is_handed_out(site, 1)
    site.clock.advance(1800)
    site.swarms.expire(int(site.clock.seconds()))
    assert served(site, 1)
    assert not served(site, 0)


def test_seeding_takes_no_slot() -> None:
    """A seeder is served whatever its user leeches; one that waited and is complete seeds."""
    site = site_with(1)
    served(site, 0)
    assert not served(site, 1)
    for number in (1, 2):
        answer = site.announce(info_hash=HASHES[number], left=0)
        assert "warning message" not in answer
        assert answer["complete"] == 2
    found = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, info_hash=HASHES[1], peer_id=SEED, left=5)
    assert found["peers"]


def test_several_clients_on_one_torrent_take_one_slot() -> None:
    """And so do the two families of one client; the slot is free when the last of them is gone."""
    site = site_with(1)
    assert served(site, 0)
    site.announce(address=ADDRESS6, info_hash=HASHES[0])
    assert served(site, 0, peer_id=b"-XX0000-another-clie")
    site.announce(info_hash=HASHES[0], event="stopped")
    assert not served(site, 1)
    site.announce(info_hash=HASHES[0], peer_id=b"-XX0000-another-clie", event="stopped")
    assert served(site, 1)


def test_limit_that_changes_counts_at_the_next_announce() -> None:
    """Lowered, as many wait as are above it, in the order in which they announce; lifted, all are served."""
    site = site_with(None)
    assert all(served(site, number) for number in range(3))
    result(site.directory.change_role(DEFAULT_ROLE, {"download_slots": 1}))
    assert [served(site, number) for number in range(3)] == [False, False, True]
    result(site.directory.change_role(DEFAULT_ROLE, {"download_slots": None}))
    assert all(served(site, number) for number in range(3))
    assert all(is_handed_out(site, number) for number in range(3))


def test_role_without_slots() -> None:
    """No slot is a limit too, which only the staff can lift."""
    site = site_with(0)
    assert b"staff" in site.announce(info_hash=HASHES[0])["warning message"]
    assert not is_handed_out(site, 0)


def test_roles_have_slots_of_their_own() -> None:
    """A limit of one role says nothing of another."""
    site = site_with(1)
    role = result(site.directory.add_role(Role(0, "vip", download_slots=3)))
    result(site.directory.change_user(site.user(PASSKEY).id, {"role": role.id}))
    assert [served(site, number) for number in range(4)] == [True, True, True, False]


def test_waiting_peer_that_changes_its_encryption_still_waits() -> None:
    """What makes it another kind of peer does not list it."""
    site = site_with(1)
    served(site, 0)
    assert not served(site, 1)
    assert not served(site, 1, supportcrypto=1, port=7000)
    assert not is_handed_out(site, 1)
    swarm = site.swarms.get(HASHES[1])
    assert swarm.peers.find(site.user().id, PEER_ID).waiting
