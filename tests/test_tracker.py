"""The flow, told as stories: announces go in as bytes, answers and accounts come out."""

from __future__ import annotations

from random import Random

import pytest
from builders import (
    ADDRESS6,
    INFO_HASH,
    NOW,
    OTHER_ADDRESS,
    OTHER_ADDRESS6,
    OTHER_PASSKEY,
    PASSKEY,
    PEER_ID,
    make_site,
    result,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from mika.model import Role, Torrent, User
from mika.rewards import give_token, take_token

OTHER_PEER_ID = b"-qB5000-000000000002"
THIRD_PASSKEY = "third-passkey"
HALF_HOUR = 1800


def compact(address: str, port: int) -> bytes:
    """Return the compact form of an IPv4 endpoint."""
    return bytes(int(part) for part in address.split(".")) + port.to_bytes(2, "big")


def test_first_leecher_finds_the_seeder():
    """A leecher is handed the seeder, the seeder the leecher, and both are counted with the asker."""
    site = make_site()
    first = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, peer_id=OTHER_PEER_ID, left=0, port=7000)
    second = site.announce(PASSKEY, left=1000, port=6881)
    third = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, peer_id=OTHER_PEER_ID, left=0, port=7000)
    assert (first["complete"], first["incomplete"], first["peers"]) == (1, 0, b"")
    assert (second["complete"], second["incomplete"], second["peers"]) == (1, 1, compact(OTHER_ADDRESS, 7000))
    assert third["peers"] == compact("81.2.69.142", 6881)


def test_credit_is_the_growth_since_the_last_announce():
    """The first announce is a baseline and worth nothing; each further one is worth what it grew by."""
    site = make_site()
    site.announce(uploaded=5000, downloaded=700)
    assert site.user().totals.values()[:4] == (0, 0, 0, 0)
    site.announce(uploaded=6000, downloaded=900)
    site.announce(uploaded=6500, downloaded=900)
    assert site.user().totals.values()[:4] == (1500, 200, 1500, 200)
    assert site.torrent().totals.values()[:4] == (1500, 200, 1500, 200)
    assert site.user().totals.announces == 3


def test_counter_that_went_back_counts_nothing_for_itself_alone():
    """Download went back and counts 0, upload of the same announce counts; the lower value is the new baseline."""
    site = make_site()
    site.announce(uploaded=100, downloaded=1000)
    site.announce(uploaded=150, downloaded=400)
    site.announce(uploaded=150, downloaded=500)
    assert site.user().totals.uploaded == 50
    assert site.user().totals.downloaded == 100


def test_early_announce_is_credited_and_served():
    """An announce before `min interval` is like any other."""
    site = make_site()
    site.announce(uploaded=0)
    answer = site.announce(uploaded=10)
    assert "failure reason" not in answer
    assert site.user().totals.uploaded == 10


def test_silent_peer_leaves_and_its_baseline_stays():
    """After peer_ttl it is in no list and no count; when it comes back its growth is credited."""
    site = make_site(peer_ttl="45m")
    site.announce(uploaded=1000, left=0)
    site.clock.advance(45 * 60 + 1)
    site.swarms.expire(int(site.clock.seconds()))
    assert site.announce(OTHER_PASSKEY, peer_id=OTHER_PEER_ID)["complete"] == 0
    site.announce(uploaded=4000, left=0)
    assert site.user().totals.uploaded == 3000


def test_baseline_is_forgotten_after_counters_ttl():
    """Past counters_ttl a peer is new: its counters are a baseline again."""
    site = make_site(peer_ttl="45m", counters_ttl="21d")
    site.announce(uploaded=1000)
    for _ in range(22):
        site.clock.advance(86400)
        site.swarms.expire(int(site.clock.seconds()))
    assert len(site.swarms) == 0
    site.announce(uploaded=4000)
    assert site.user().totals.uploaded == 0


def test_stop_is_credited_once_and_forgets_the_peer():
    """The last growth counts, both endpoints go, and the same stop over the other family is a stop of nobody."""
    site = make_site()
    site.announce(uploaded=0)
    site.announce(address=ADDRESS6, uploaded=0)
    site.announce(uploaded=500, event="stopped")
    answer = site.announce(address=ADDRESS6, uploaded=500, event="stopped")
    assert site.user().totals.uploaded == 500
    assert answer["incomplete"] == 0
    assert site.swarms.peer_count == 0
    site.announce(uploaded=900)
    assert site.user().totals.uploaded == 500, "its baseline went too"


@pytest.mark.parametrize("spoilt", ["torrent gone", "torrent disabled", "user disabled", "no download"])
def test_stop_always_succeeds(spoilt):
    """Whatever became of the torrent or the user's rights, a stop with a known passkey is answered with success."""
    site = make_site()
    site.announce()
    directory = site.directory
    match spoilt:
        case "torrent gone":
            result(directory.delete_torrent(INFO_HASH, "trumped"))
        case "torrent disabled":
            result(directory.change_torrent(INFO_HASH, {"enabled": False}))
        case "user disabled":
            result(directory.change_user(site.user().id, {"enabled": False}))
        case "no download":
            result(directory.change_user(site.user().id, {"download_enabled": False}))
    assert "failure reason" in site.announce()
    assert "failure reason" not in site.announce(event="stopped")
    assert site.swarms.peer_count == 0


def test_stop_of_an_unregistered_torrent_succeeds():
    """A torrent that was never added is stopped like any other."""
    site = make_site()
    answer = site.announce(info_hash=b"x" * 20, event="stopped")
    assert (answer["complete"], answer["peers"]) == (0, b"")


def test_completion_counts_once_per_user_and_torrent():
    """A client that says it twice, forgets its peer, or comes with another client adds nothing."""
    site = make_site()
    site.announce(event="completed", left=0)
    site.announce(event="completed", left=0)
    site.announce(event="stopped", left=0)
    answer = site.announce(peer_id=OTHER_PEER_ID, event="completed", left=0)
    assert answer["downloaded"] == 1
    assert site.announce(OTHER_PASSKEY, event="completed", left=0)["downloaded"] == 2


def test_seed_time_is_the_time_since_the_last_announce():
    """At most two intervals, only between two announces with left=0, and once for both families."""
    site = make_site()
    site.announce(left=10)
    site.clock.advance(HALF_HOUR)
    site.announce(left=0)
    assert site.user().totals.seed_seconds == 0, "it leeched until now"
    site.clock.advance(HALF_HOUR)
    site.announce(left=0)
    site.announce(left=0, address=ADDRESS6)
    assert site.user().totals.seed_seconds == HALF_HOUR
    site.clock.advance(10 * HALF_HOUR)
    site.announce(left=0)
    assert site.user().totals.seed_seconds == 3 * HALF_HOUR


def test_bonus_is_exact_and_never_rounded_away():
    """One second of seeding alone is 5/3600 points; two clients share the scarcity."""
    site = make_site()
    site.announce(left=0)
    site.clock.advance(1)
    site.announce(left=0)
    assert site.user().totals.bonus == 5 * 10**9 // 3600
    site.announce(OTHER_PASSKEY, left=0)
    site.clock.advance(3599)
    site.announce(OTHER_PASSKEY, left=0)
    assert site.user(OTHER_PASSKEY).totals.bonus == 3599 * 3 * 10**9 // 3600


def test_bonus_can_be_turned_off():
    """No points, but seed time goes on."""
    site = make_site(sections={"bonus": {"enabled": False}})
    site.announce(left=0)
    site.clock.advance(60)
    site.announce(left=0)
    assert (site.user().totals.bonus, site.user().totals.seed_seconds) == (0, 60)


def test_freeleech_token_counts_from_the_next_announce():
    """Under both hashes of a hybrid, for its user alone; what was charged stays charged, and free stays free."""
    v2 = bytes([9]) * 32
    site = make_site(torrents=[Torrent(INFO_HASH, v2)])
    site.announce()
    site.announce(downloaded=100)
    result(give_token(site.directory, site.user().id, v2[:20], NOW + 1000))
    assert site.user().totals.downloaded == 100
    site.announce(downloaded=350)
    site.announce(downloaded=400, info_hash=v2[:20])
    site.announce(passkey=OTHER_PASSKEY)
    site.announce(passkey=OTHER_PASSKEY, downloaded=7)
    site.clock.advance(1000)
    site.announce(downloaded=450)
    assert (site.user().totals.downloaded, site.user().totals.downloaded_real) == (150, 450)
    assert site.user(OTHER_PASSKEY).totals.downloaded == 7
    assert (site.torrent().totals.downloaded, site.torrent().totals.downloaded_real) == (157, 457)
    result(give_token(site.directory, site.user().id, INFO_HASH, NOW + 9000))
    result(take_token(site.directory, site.user().id, v2[:20]))
    site.announce(downloaded=460)
    assert site.user().totals.downloaded == 160


def test_multipliers_credit_and_real_are_both_kept():
    """Upload by the largest, download by the smallest of global, role, user and torrent, rounded down once."""
    site = make_site(
        users=[User(0, "a", PASSKEY, multiplier_up=1250)],
        torrents=[Torrent(INFO_HASH, multiplier_down=333)],
        sections={"credit": {"multiplier_up": 1.1}},
    )
    site.announce()
    site.announce(uploaded=1001, downloaded=1000)
    assert site.user().totals.values()[:4] == (1001 * 1250 // 1000, 333, 1001, 1000)
    role = result(site.directory.add_role(Role(0, "vip", multiplier_up=2000, multiplier_down=0)))
    result(site.directory.change_user(site.user().id, {"role": role.id}))
    site.announce(uploaded=2001, downloaded=2000)
    assert site.user().totals.values()[:4] == (1251 + 2000, 333, 2001, 2000)


def test_dual_stack_client_is_one_peer():
    """Over both families it is counted once, credited once, and handed out in each family."""
    site = make_site()
    site.announce(left=0, uploaded=0)
    site.announce(left=0, uploaded=700, address=ADDRESS6)
    answer = site.announce(left=0, uploaded=700)
    assert (answer["complete"], answer["incomplete"]) == (1, 0)
    assert site.user().totals.uploaded == 700
    over4 = site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    over6 = site.announce(OTHER_PASSKEY, OTHER_ADDRESS6)
    assert len(over4["peers"]) == 6
    assert "peers6" not in over4
    assert (over6["peers"], len(over6["peers6"])) == (b"", 18)


def test_family_that_falls_silent_is_handed_out_no_more():
    """A client that goes on over IPv4 alone keeps that endpoint only."""
    site = make_site()
    site.announce(left=0)
    site.announce(left=0, address=ADDRESS6)
    for _ in range(3):
        site.clock.advance(HALF_HOUR)
        site.announce(left=0)
        site.swarms.expire(int(site.clock.seconds()))
    assert site.announce(OTHER_PASSKEY, OTHER_ADDRESS6)["peers6"] == b""
    assert len(site.announce(OTHER_PASSKEY, OTHER_ADDRESS)["peers"]) == 6


def test_hybrid_torrent_is_one_swarm_and_one_account():
    """Its two hashes name the same torrent: one peer, one credit, one scrape figure under each hash."""
    v2 = bytes(range(32))
    site = make_site(torrents=[Torrent(INFO_HASH, info_hash_v2=v2)])
    site.announce(uploaded=0)
    site.announce(uploaded=50, info_hash=v2[:20])
    answer = site.announce(uploaded=50)
    assert (answer["incomplete"], site.user().totals.uploaded) == (1, 50)
    files = site.scrape(PASSKEY, INFO_HASH, v2[:20])["files"]
    assert set(files) == {INFO_HASH, v2[:20]}
    assert files[INFO_HASH] == files[v2[:20]]


def test_sixth_client_is_refused_in_words_and_the_five_go_on():
    """One more than `peers_per_user_torrent` is told the limit and the remedy."""
    site = make_site()
    for number in range(5):
        site.announce(peer_id=b"-TR4060-%012d" % number)
    refused = site.announce(peer_id=b"-TR4060-%012d" % 5)
    assert refused["failure code"] == b"too_many_peers"
    assert b"5" in refused["failure reason"]
    assert b"stop one" in refused["failure reason"]
    assert "failure reason" not in site.announce(peer_id=b"-TR4060-%012d" % 0)
    site.announce(peer_id=b"-TR4060-%012d" % 0, event="stopped")
    assert "failure reason" not in site.announce(peer_id=b"-TR4060-%012d" % 5)


def test_nobody_is_handed_a_peer_of_their_own_account():
    """Three clients of one user and one of another: each account sees the other only."""
    site = make_site()
    for number in range(3):
        site.announce(peer_id=b"-TR4060-%012d" % number, left=number, port=6000 + number)
    assert site.announce(OTHER_PASSKEY, OTHER_ADDRESS, port=7000, left=5)["peers"] != b""
    for number in range(3):
        answer = site.announce(peer_id=b"-TR4060-%012d" % number, left=number, port=6000 + number)
        assert answer["peers"] == compact(OTHER_ADDRESS, 7000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"enabled": False}, b"user_disabled"),
        ({"download_enabled": False}, b"download_disabled"),
    ],
)
def test_change_of_rights_counts_on_the_next_announce(change, code):
    """A user who was served a moment ago is refused, with a reason in words."""
    site = make_site()
    assert "failure reason" not in site.announce()
    result(site.directory.change_user(site.user().id, change))
    assert site.announce()["failure code"] == code


def test_disabled_user_is_handed_out_no_more():
    """Its peers leave the swarm at once, its baseline stays."""
    site = make_site()
    site.announce(left=0, uploaded=0)
    result(site.directory.change_user(site.user().id, {"enabled": False}))
    answer = site.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    assert (answer["complete"], answer["peers"]) == (0, b"")


def test_old_passkey_stops_at_once_and_the_new_one_goes_on():
    """After a rotation only the new passkey is served, and the peer keeps its baseline."""
    site = make_site()
    site.announce(uploaded=0)
    result(site.directory.change_user(site.user().id, {"passkey": "brand-new-passkey"}))
    assert site.announce()["failure code"] == b"passkey_invalid"
    site.announce("brand-new-passkey", uploaded=40)
    assert site.user("brand-new-passkey").totals.uploaded == 40


def test_deleted_torrent_is_unregistered_with_its_reason():
    """The exact words, with the reason that is kept; one never added has the words alone."""
    site = make_site()
    site.announce()
    result(site.directory.delete_torrent(INFO_HASH, "trumped by a better one"))
    assert site.announce()["failure reason"] == b"Unregistered torrent: trumped by a better one"
    assert site.announce(info_hash=b"y" * 20)["failure reason"] == b"Unregistered torrent"
    assert len(site.swarms) == 0


def test_disabled_torrent_says_so_with_its_reason():
    """`This torrent is disabled`, and its reason."""
    site = make_site(torrents=[Torrent(INFO_HASH, enabled=False, reason="in moderation")])
    answer = site.announce()
    assert answer["failure reason"] == b"This torrent is disabled: in moderation"
    assert set(answer) == {"failure code", "failure reason", "interval", "min interval", "peers", "retry in"}


def test_whitelist_serves_only_listed_clients():
    """A prefix that is added counts on the next announce, and one that is taken off too."""
    site = make_site(whitelist=True)
    assert site.announce()["failure code"] == b"client_refused"
    result(site.directory.save_whitelisted("-TR40", "Transmission 4"))
    assert "failure reason" not in site.announce()
    assert site.announce(peer_id=OTHER_PEER_ID)["failure code"] == b"client_refused"
    result(site.directory.delete_whitelisted("-TR40"))
    assert site.announce()["failure code"] == b"client_refused"


def test_public_mode_makes_every_peer_an_account_of_its_own():
    """Without passkeys peers see each other, their torrent is counted, and no user is."""
    site = make_site(users=(), public=True)
    site.announce(None, left=0, port=6001)
    answer = site.announce(None, OTHER_ADDRESS, peer_id=OTHER_PEER_ID, port=6002)
    assert answer["peers"] == compact("81.2.69.142", 6001)
    site.announce(None, OTHER_ADDRESS, peer_id=OTHER_PEER_ID, port=6002, downloaded=9)
    assert site.torrent().totals.downloaded == 9
    assert site.entered()["users"] == {}


def test_public_peer_cannot_be_stopped_by_another():
    """Its secret key is part of who it is."""
    site = make_site(users=(), public=True)
    site.announce(None, key="secret")
    site.announce(None, key="guess", event="stopped")
    assert site.swarms.peer_count == 1


def test_auto_register_adds_a_torrent_at_its_first_announce():
    """By a member, at an announce; a scrape or a stranger adds nothing."""
    site = make_site(auto_register=True)
    site.scrape(PASSKEY, b"n" * 20)
    site.announce("no-such-passkey", info_hash=b"n" * 20)
    assert b"n" * 20 not in site.directory.torrents
    assert site.announce(info_hash=b"n" * 20)["incomplete"] == 1
    assert result(site.store.torrent(b"n" * 20)) is not None


def test_non_routable_peer_is_counted_and_handed_to_nobody():
    """Unless the operator allows it."""
    site = make_site()
    site.announce(address="192.168.1.9", left=0)
    answer = site.announce(OTHER_PASSKEY)
    assert (answer["complete"], answer["peers"]) == (1, b"")
    site = make_site(allow_non_routable=True)
    site.announce(address="192.168.1.9", left=0, port=6881)
    assert site.announce(OTHER_PASSKEY)["peers"] == compact("192.168.1.9", 6881)


def test_client_says_its_own_address_only_where_it_may():
    """`ip=` and `ipv6=` are ignored by default, and believed with allow_client_ip."""
    said = {"ip": OTHER_ADDRESS, "ipv6": OTHER_ADDRESS6, "left": 0, "port": 6881}
    site = make_site()
    site.announce(**said)
    assert site.announce(OTHER_PASSKEY)["peers"] == compact("81.2.69.142", 6881)
    site = make_site(allow_client_ip=True)
    site.announce(**said)
    assert site.announce(OTHER_PASSKEY)["peers"] == compact(OTHER_ADDRESS, 6881)
    assert len(site.announce(OTHER_PASSKEY, ADDRESS6)["peers6"]) == 18


@pytest.mark.parametrize(
    ("asker", "peer", "handed_out"),
    [
        ({}, {"supportcrypto": 1}, True),
        ({"supportcrypto": 1}, {"requirecrypto": 1}, True),
        ({}, {"requirecrypto": 1}, False),
        ({"requirecrypto": 1}, {}, False),
        ({"requirecrypto": 1}, {"supportcrypto": 1}, True),
    ],
)
def test_encryption_must_fit(asker, peer, handed_out):
    """Who requires encryption meets only those who can, both ways."""
    site = make_site()
    site.announce(left=0, **peer)
    answer = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, **asker)
    assert bool(answer["peers"]) is handed_out


def test_interval_has_jitter_and_the_minimum_never_exceeds_it():
    """Between the interval and the interval with its jitter; the minimum gives way to a short interval."""
    site = make_site(announce_interval="10m", interval_jitter="2m")
    seen = {site.announce()["interval"] for _ in range(200)}
    assert min(seen) >= 600
    assert max(seen) <= 720
    assert len(seen) > 20
    assert site.announce()["min interval"] == 600


def test_scrape_shows_figures_and_partial_seeds_are_no_downloaders():
    """BEP 48 with BEP 21's downloaders; what is not registered is left out."""
    site = make_site()
    site.announce(left=0, event="completed")
    site.announce(OTHER_PASSKEY, left=5, event="paused")
    answer = site.scrape(PASSKEY, INFO_HASH, b"z" * 20)
    figures = {b"complete": 1, b"downloaded": 1, b"downloaders": 0, b"incomplete": 1}
    assert answer["files"] == {INFO_HASH: figures}
    assert site.announce()["incomplete"] == 2


def test_restart_keeps_swarm_and_baselines():
    """What the peers store has is a swarm again, with counters to credit from."""
    site = make_site()
    site.announce(uploaded=100, left=0)
    site.announce(uploaded=300, left=0, address=ADDRESS6)
    kept = [(swarm.info_hash, peer) for swarm in site.swarms for peer in swarm.peers]
    after = make_site(store=site.store, users=(), torrents=())
    for info_hash, peer in kept:
        peer.slot4 = peer.slot6 = -1
        after.swarms.restore(info_hash, peer)
    answer = after.announce(OTHER_PASSKEY, OTHER_ADDRESS)
    assert answer["complete"] == 1
    assert len(answer["peers"]) == 6
    after.announce(uploaded=350, left=0)
    assert after.user().totals.uploaded == 50


EVENTS = st.sampled_from(["", "started", "completed", "stopped", "paused"])
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # user
        st.integers(0, 2),  # client
        st.sampled_from(["81.2.69.142", "81.2.69.143", ADDRESS6]),
        EVENTS,
        st.integers(0, 3),  # left
        st.integers(0, 10**6),  # uploaded since
        st.booleans(),  # whether the counter starts anew
        st.integers(0, 4000),  # seconds since
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_story_keeps_counts_lists_and_sums(steps):
    """Whatever clients do: the counts are those of the active peers, lists are dense, sums are a plain model's."""
    passkeys = (PASSKEY, OTHER_PASSKEY, THIRD_PASSKEY)
    site = make_site(users=passkeys)
    site.tracker.random = Random(1).random
    counters: dict[tuple[int, int], int] = {}
    baselines: dict[tuple[int, int], int] = {}
    expected = [0, 0, 0]
    for user, client, address, event, left, grown, anew, seconds in steps:
        site.clock.advance(seconds)
        site.swarms.expire(int(site.clock.seconds()))
        key = (user, client)
        counters[key] = grown if anew else counters.get(key, 0) + grown
        answer = site.announce(
            passkeys[user],
            address,
            peer_id=b"-TR4060-%012d" % client,
            uploaded=counters[key],
            left=left,
            event=event,
            port=6000 + 10 * user + client,
        )
        assert "failure reason" not in answer
        if key in baselines:
            expected[user] += max(0, counters[key] - baselines[key])
        if event == "stopped":
            baselines.pop(key, None)
        else:
            baselines[key] = counters[key]
        peers = answer.get("peers6") if ":" in address else answer["peers"]
        width = 18 if ":" in address else 6
        ports = [int.from_bytes(peers[at + width - 2 : at + width], "big") for at in range(0, len(peers), width)]
        assert all((port - 6000) // 10 != user for port in ports)
        assert len(set(ports)) == len(ports)
        check_swarm(site)
    assert [site.user(passkey).totals.uploaded for passkey in passkeys] == expected
    assert site.torrent().totals.uploaded == sum(expected)


def check_swarm(site):
    """Hold the swarm's counts and lists against its peers."""
    swarm = site.swarms.get(INFO_HASH)
    if swarm is None:
        assert site.swarms.peer_count == 0
        return
    active = [peer for peer in swarm.peers if peer.active]
    assert swarm.complete == sum(peer.seeder for peer in active)
    assert swarm.incomplete == sum(not peer.seeder for peer in active)
    assert swarm.paused == sum(peer.paused for peer in active)
    assert site.swarms.peer_count == len(active)
    for side, name in ((swarm.seeders4, "4"), (swarm.leechers4, "4"), (swarm.seeders6, "6"), (swarm.leechers6, "6")):
        listed = [peer for peer in active if peer.seeder is side.seeding and getattr(peer, f"slot{name}") >= 0]
        assert len(side.peers) == len(listed)
        for slot, peer in enumerate(side.peers):
            assert getattr(peer, f"slot{name}") == slot
            assert side.compact[slot * side.width : (slot + 1) * side.width] == getattr(peer, f"endpoint{name}")


def test_now_is_an_argument():
    """The builder's clock is the only one: a first announce is stamped with it."""
    site = make_site()
    site.announce()
    swarm = site.swarms.get(INFO_HASH)
    assert swarm.peers.find(site.user().id, PEER_ID).first_seen == NOW
