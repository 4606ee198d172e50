"""Changes of the configuration count for the next announce, all of them or none, and no peer is lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from builders import ADDRESS, INFO_HASH, OTHER_ADDRESS, OTHER_PASSKEY, PASSKEY, Site, make_site
from pydantic import ValidationError
from twisted.logger import Logger, formatEventAsClassicLogText

from mika.config import Config, is_live
from mika.errors import ConfigError, RestartNeededError
from mika.jobs import Syncer
from mika.live import Live, Parts, intervals_of
from mika.logs import Log
from mika.server.tls import Tls
from mika.store.registry import Stores
from mika.swarm.selection import select_peers
from mika.swarm.strategy import BestOfSample
from mika.swarm.swarms import REVISED_AT_ONCE
from mika.swarm.weights import Weights
from mika.tap import make_flusher
from mika.wire.address import packed

MEMBER = {"passkey": PASSKEY, "peer_id": b"-TR4060-aaaaaaaaaaaa", "address": ADDRESS}
OTHER = {"passkey": OTHER_PASSKEY, "peer_id": b"-TR4060-bbbbbbbbbbbb", "address": OTHER_ADDRESS}


class Running:
    """A site whose configuration changes; `file` is what the configuration file says when it is read again."""

    def __init__(self, **keys) -> None:
        self.site: Site = make_site(**keys)
        config = Config.model_validate({"tracker": {"interval_jitter": "0s"} | keys})
        self.file: dict = config.model_dump(mode="json", exclude_unset=True)
        site = self.site
        store = site.directory.user_store
        stores = Stores(store, store, store)
        self.flusher = make_flusher(config, stores, site.directory, site.swarms, site.journal, site.clock)
        self.syncer = Syncer(site.journal, site.clock, config.flush.journal_sync)
        self.tls = Tls(config.api, Path("state"))
        self.out = io.StringIO()
        self.log = Log(self.out, formatEventAsClassicLogText, "info", None)
        self.factory = site.factory
        self.factories = {"http": site.factory}
        parts = Parts(site.clock, self, site.directory, self.flusher, self.syncer, self.tls, self.log)
        self.live = Live(config, self.read, parts)

    def look_who_watches(self) -> None:
        """Do as the announce ports do."""
        self.factory.watched = self.factory.watch.wanted

    def read(self) -> Config:
        """Read the file."""
        try:
            return Config.model_validate(self.file)
        except ValidationError as problem:
            raise ConfigError(str(problem)) from None

    def announce(self, who=MEMBER, **params):
        """Announce as one of two members."""
        return self.site.announce(**(who | params))

    def pass_time(self, seconds: float) -> None:
        """Let time go by, with what is to be done meanwhile."""
        self.site.clock.advance(0)
        self.site.clock.pump([1] * int(seconds))
        self.site.swarms.expire(int(self.site.clock.seconds()))


@pytest.fixture
def running():
    """Make a site with every key at its default."""
    return Running()


# ---- what counts for the next announce


def test_intervals(running):
    """The next answer has the new ones, also a refusal; the time that seeding is worth follows."""
    running.announce()
    assert running.live.change({"tracker": {"announce_interval": "10m"}}) == ["tracker.announce_interval"]
    answer = running.announce()
    assert (answer["interval"], answer["min interval"]) == (600, 600)
    running.live.change({"tracker": {"announce_interval_minimum": "5m"}})
    refused = running.announce(passkey="0" * 32)
    assert (refused["interval"], running.announce()["min interval"]) == (600, 300)
    assert running.site.tracker.ledger.rates.seed_limit == 1200


def test_jitter(running):
    """Clients are spread from now on."""
    running.live.change({"tracker": {"interval_jitter": "10m"}})
    assert len({running.announce()["interval"] for _ in range(20)}) > 5


def test_numwant(running):
    """How many peers are handed out, by default and at most."""
    for number in range(8):
        running.site.announce(OTHER_PASSKEY, f"81.2.69.{number}", peer_id=b"-TR4060-%012d" % number)
    assert len(running.announce()["peers"]) == 5 * 6  # peers_per_user_torrent
    running.live.change({"tracker": {"numwant_default": 2, "numwant_max": 3}})
    assert [len(running.announce(numwant=wanted)["peers"]) for wanted in (-1, 50, 0)] == [12, 18, 0]


def test_peers_per_user_torrent(running):
    """Who is there goes on; one more is refused by the new limit."""
    running.announce()
    running.live.change({"tracker": {"peers_per_user_torrent": 1}})
    second = running.announce(peer_id=b"-TR4060-cccccccccccc")
    assert second["failure code"] == b"too_many_peers"
    assert "failure code" not in running.announce()
    running.live.change({"tracker": {"peers_per_user_torrent": 2}})
    assert "failure code" not in running.announce(peer_id=b"-TR4060-cccccccccccc")


def test_addresses_per_user(running):
    """Those that are there already count; 0 is no limit again."""
    running.announce()
    running.live.change({"tracker": {"addresses_per_user": 1}})
    elsewhere = {"address": "81.2.70.1", "peer_id": b"-TR4060-cccccccccccc"}
    assert "failure code" in running.announce(**elsewhere)
    running.live.change({"tracker": {"addresses_per_user": 0}})
    assert "failure code" not in running.announce(**elsewhere)


def test_whitelist_on_and_off(running):
    """With nothing on the list nobody is served; switched off, everybody is again."""
    running.live.change({"tracker": {"whitelist": True}})
    assert running.announce()["failure code"] == b"client_refused"
    running.live.change({"tracker": {"whitelist": False}})
    assert "failure code" not in running.announce()


def test_public_and_auto_register(running):
    """Without a passkey, for a torrent that nobody added."""
    other = bytes(20)
    assert "failure code" in running.announce(passkey=None)
    running.live.change({"tracker": {"public": True, "auto_register": True}})
    assert "failure code" not in running.announce(passkey=None, info_hash=other)
    running.live.change({"tracker": {"public": False, "auto_register": False}})
    assert "failure code" in running.announce(passkey=None, info_hash=other)


def test_proxies_and_claims(running):
    """Whom to believe about addresses."""
    running.live.change({"tracker": {"trusted_proxies": ["81.2.69.0/24"], "allow_client_ip": True}})
    assert running.site.factory.proxies.include(packed(ADDRESS))
    running.announce(OTHER, ip="81.2.70.44")
    assert running.announce()["peers"][:4] == packed("81.2.70.44")
    running.live.change({"tracker": {"trusted_proxies": [], "allow_client_ip": False}})
    assert not running.site.factory.proxies
    running.announce(OTHER, ip="81.2.70.45")
    assert running.announce()["peers"][:4] == packed(OTHER_ADDRESS)


def test_credit_and_bonus(running):
    """Growth is worth what it is worth when it is announced."""
    running.announce(left=0)
    running.live.change({"credit": {"multiplier_up": 2.5}, "bonus": {"per_hour": 100, "scarcity": 0}})
    running.pass_time(36)
    running.announce(left=0, uploaded=1000)
    totals = running.site.user().totals
    assert (totals.uploaded, totals.uploaded_real, totals.bonus) == (2500, 1000, 10**9)
    running.live.change({"bonus": {"enabled": False}})
    running.pass_time(36)
    running.announce(left=0, uploaded=1000)
    assert running.site.user().totals.bonus == 10**9


def test_window_of_credit(running):
    """A weekend that is announced on its Friday, written as in the file, and shown so."""
    running.announce()
    window = {"from": "2026-11-22T00:00:00Z", "until": "2026-11-23T00:00:00Z", "multiplier_up": 3, "multiplier_down": 0}
    running.live.change({"credit": {"windows": [window]}})
    running.announce(uploaded=10, downloaded=10)
    totals = running.site.user().totals
    assert (totals.uploaded, totals.downloaded) == (30, 0)
    shown = running.live.config.masked().model_dump(mode="json")
    assert shown["credit"]["windows"] == [window]
    assert running.live.change(shown) == []
    running.live.change({"tracker": {"numwant_max": 60}})
    assert len(running.live.config.credit.windows) == 1


# ---- peers that are there already


def test_shorter_ttl_holds_for_peers_that_are_here(running):
    """They leave as early as those that come now; their counters stay."""
    running.announce()
    running.live.change({"tracker": {"peer_ttl": "1m"}})
    running.pass_time(59)
    assert running.site.swarms.peer_count == 1
    running.pass_time(3)
    assert running.site.swarms.peer_count == 0
    running.announce(uploaded=77)
    assert running.site.user().totals.uploaded == 77


def test_longer_ttl_holds_for_peers_that_are_here():
    """Nobody leaves at the time that was meant before."""
    running = Running(peer_ttl="1m")
    running.announce()
    running.live.change({"tracker": {"peer_ttl": "3m"}})
    running.pass_time(150)
    assert running.site.swarms.peer_count == 1
    running.pass_time(33)
    assert running.site.swarms.peer_count == 0


def test_shorter_counters_ttl_holds_for_silent_peers():
    """Their counters go as early as those of others."""
    running = Running(peer_ttl="1m")
    running.announce()
    running.pass_time(62)
    assert len(running.site.swarms) == 1
    running.live.change({"tracker": {"counters_ttl": "5m"}})
    running.pass_time(400)
    assert len(running.site.swarms) == 0


def test_private_addresses_are_listed_and_unlisted():
    """Of peers that do not announce meanwhile; counts stay as they are."""
    running = Running(allow_non_routable=True)
    running.announce(OTHER, address="10.0.0.7")
    assert len(running.announce()["peers"]) == 6
    running.live.change({"tracker": {"allow_non_routable": False}})
    running.pass_time(1)
    answer = running.announce()
    assert (answer["peers"], answer["incomplete"]) == (b"", 2)
    running.live.change({"tracker": {"allow_non_routable": True}})
    running.pass_time(1)
    assert running.announce()["peers"][:4] == bytes([10, 0, 0, 7])


def test_announces_go_on_while_peers_are_gone_through(running):
    """A peer that stops, and one that comes, between two steps."""
    running.live.change({"tracker": {"allow_non_routable": True}})
    hashes = [bytes([number]) * 20 for number in range(1, 4)]
    steps = running.site.swarms
    for info_hash in hashes:
        steps.join(info_hash, 1, MEMBER["peer_id"], int(running.site.clock.seconds()))
    revising = steps.revise()
    next(revising)
    steps.drop_torrent(hashes[2])
    steps.join(bytes(20), 1, MEMBER["peer_id"], int(running.site.clock.seconds()))
    assert len(list(revising)) == 1  # one is gone, and one came
    assert len(steps) == 3


def test_large_swarm_is_gone_through_in_small_steps(running):
    """A peer that leaves between two of them is left alone."""
    swarms = running.site.swarms
    for number in range(REVISED_AT_ONCE + 50):
        swarm, peer = swarms.join(INFO_HASH, number, MEMBER["peer_id"], int(running.site.clock.seconds()))
    revising = swarms.revise()
    next(revising)
    swarms.remove(swarm, peer)
    assert len(list(revising)) == 1
    assert len(swarm.peers) == REVISED_AT_ONCE + 49


def test_what_was_absent_is_looked_for_again_by_the_new_time():
    """A shorter `negative_ttl` holds for what is remembered already."""
    running = Running(negative_ttl="1h")
    absent = running.site.directory.absent
    running.announce(passkey="0" * 32)
    now = int(running.site.clock.seconds())
    assert absent.has("0" * 32, now)
    running.live.change({"tracker": {"negative_ttl": "2h"}})
    assert absent.has("0" * 32, now)
    running.live.change({"tracker": {"negative_ttl": "1m"}})
    assert not absent.has("0" * 32, now)
    running.announce(passkey="0" * 32)
    assert absent.has("0" * 32, now + 60)
    assert not absent.has("0" * 32, now + 61)


# ---- periodic work, the log


def test_flush_intervals(running):
    """What waited for the old interval waits for the new one."""
    done = []
    for job in (running.flusher, running.syncer):
        job.work = _recorded(done, type(job).__name__)
    running.flusher._loop.start(running.flusher._interval, now=False)
    running.syncer._loop.start(running.syncer._interval, now=False)
    running.live.change({"flush": {"interval": "10s", "peers_interval": "20s", "journal_sync": "5s"}})
    running.pass_time(4)
    assert done == []
    running.pass_time(6)
    assert sorted(done) == ["Flusher", "Syncer", "Syncer"]
    assert running.flusher._intervals == intervals_of(running.live.config)
    assert set(running.flusher._intervals.values()) == {10, 20}
    running.flusher._loop.stop()
    running.syncer._loop.stop()


def _recorded(done, name):
    async def work():
        done.append(name)

    return work


def test_log_level(running):
    """Of the log, and of whether announces are logged."""
    log = Logger(observer=running.log)
    log.debug("one")
    running.live.change({"general": {"log_level": "debug"}})
    log.debug("two")
    assert running.factory.watched
    running.live.change({"general": {"log_level": "error"}})
    log.info("three")
    assert not running.factory.watched
    assert [line.rpartition(" ")[2] for line in running.out.getvalue().splitlines()] == ["two"]


# ---- all or nothing


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"tracker": {"numwant_max": 20, "peer_ttl": "soon"}}, ValidationError, "a duration is written like"),
        ({"tracker": {"numwant_max": 20, "numwant_default": 30}}, ValidationError, "numwant_default is greater"),
        ({"tracker": {"numwant_max": 20}, "trackers": {}}, ValidationError, "trackers"),
        ({"tracker": {"numwant_max": 20, "numwant": 5}}, ValidationError, "numwant"),
        ({"tracker": {"numwant_max": None}}, ValidationError, "numwant_max"),
        ({"tracker": {"numwant_max": 20, "listen": []}}, RestartNeededError, "tracker.listen: this needs a restart"),
        (
            {"tracker": {"numwant_max": 20, "ipv6": False}, "stores": {"users": "memory:"}},
            RestartNeededError,
            "stores.users, tracker.ipv6: this needs a restart",
        ),
    ],
)
def test_wrong_change_changes_nothing(running, changes, error, words):
    """What is right beside what is wrong does not count either."""
    before = running.live.config
    with pytest.raises(error, match=words):
        running.live.change(changes)
    assert running.live.config is before
    assert running.site.tracker.config.numwant_max == 200


def test_change_to_what_is_shown_is_none(running):
    """Everything that is shown can be sent back, stars for passwords too, with one key changed."""
    running.file["stores"] = {"users": "postgresql://mika:s3cret@db/mika"}
    live = Live(running.read(), running.read, running.live._parts)
    shown = live.config.masked().model_dump(mode="json")
    assert "s3cret" not in str(shown)
    shown["tracker"]["numwant_max"] = 60
    assert live.change(shown) == ["tracker.numwant_max"]
    assert live.config.stores.users == "postgresql://mika:s3cret@db/mika"


def test_default_gives_way_after_a_change_too(running):
    """What nobody set contradicts nobody: a small maximum is taken though the default is larger."""
    running.live.change({"tracker": {"numwant_max": 20}})
    assert running.live.config.tracker.numwant == 20


# ---- the file


def test_file_goes_before_what_was_changed_since(running):
    """Reading it again takes back what it does not say."""
    running.live.change({"tracker": {"numwant_max": 20, "whitelist": True}})
    running.file["tracker"]["numwant_max"] = 30
    difference = running.live.reload()
    assert difference.live == ["tracker.numwant_max", "tracker.whitelist"]
    assert running.site.tracker.config.numwant_max == 30
    assert "failure code" not in running.announce()


def test_what_needs_a_restart_stays_and_is_said(running):
    """What is shown is what is in force; the live keys beside it count, and the next reading says it again."""
    running.file["tracker"] |= {"listen": ["127.0.0.1:1"], "numwant_max": 30}
    running.file["stores"] = {"users": "memory:"}
    for live in (["tracker.numwant_max"], []):
        assert running.live.reload() == (live, ["stores.users", "tracker.listen"])
        assert running.live.config.tracker.listen == Config().tracker.listen
        assert running.live.config.stores.users == "sqlite:"
        assert running.site.tracker.config.numwant_max == 30
    running.live.change({"tracker": {"numwant_max": 31}})
    assert running.live.config.tracker.numwant_max == 31


def test_broken_file_changes_nothing(running):
    """The tracker goes on with what it has."""
    before = running.live.config
    running.file["tracker"] |= {"numwant_max": 30, "peer_ttl": "soon"}
    with pytest.raises(ConfigError):
        running.live.reload()
    assert running.live.config is before
    assert running.site.tracker.config.numwant_max == 200


def test_selection(running):
    """The next answer is by the new strategy; one that cannot be used changes nothing, and says so."""
    running.announce(passkey=OTHER_PASSKEY, address=OTHER_ADDRESS, peer_id=b"-TR4060-bbbbbbbbbbbb")
    changes = {"strategy": "weighted", "sample": 50, "at_random": 1, "place": 1, "speed": 0.5}
    changes |= {"progress": 1, "priority": 1, "seed_time": 1}
    named = sorted(f"selection.{name}" for name in changes)
    assert sorted(running.live.change({"selection": changes})) == named
    tracker = running.site.tracker
    assert isinstance(tracker.select.__self__, BestOfSample)
    assert tracker.measure is not None
    weighted = tracker.select
    with pytest.raises(ConfigError, match="there is no strategy best"):
        running.live.change({"selection": {"strategy": "best"}})
    assert tracker.select is weighted
    assert running.live.config.selection.strategy == "weighted"
    assert running.announce()["peers"]
    running.live.change({"selection": {"strategy": "random"}})
    assert (tracker.select, tracker.measure) == (select_peers, None)


def test_suspicion(running):
    """What follows the journal asks for its section each time; the API lists by the same threshold."""
    changes = {"enabled": False, "threshold": 7, "fastest": "5MiB", "networks": 3}
    named = sorted(f"suspicion.{name}" for name in changes)
    assert sorted(running.live.change({"suspicion": changes})) == named
    section = running.live.config.suspicion
    assert (section.enabled, section.threshold, section.fastest, section.networks) == (False, 7, 5 << 20, 3)


def test_torrent_keys(running):
    """They count from the next announce on, with the peers that are there; and end as quickly."""
    site = running.site
    key = site.keys.make(site.user(), INFO_HASH)
    running.announce()
    codes = {}
    for torrent_keys in ("accepted", "required", "off"):
        assert running.live.change({"tracker": {"torrent_keys": torrent_keys}}) == ["tracker.torrent_keys"]
        answers = running.announce(), running.announce(MEMBER | {"passkey": key})
        codes[torrent_keys] = [answer.get("failure code") for answer in answers]
    assert codes == {"accepted": [None, None], "required": [b"key_needed", None], "off": [None, b"passkey_invalid"]}
    assert site.swarms.peer_count == 1


def test_every_live_key_counts():
    """None is marked as live that a test above does not change: who marks one adds it here, and applies it."""
    live = {
        f"{section}.{name}"
        for section, field in Config.model_fields.items()
        for name in type(field.default).model_fields
        if is_live(section, name)
    }
    assert live == {
        "general.log_level",
        *(f"suspicion.{name}" for name in ("enabled", "threshold", "fastest", "networks")),
        *(f"tracker.{name}" for name in ("public", "auto_register", "announce_interval", "announce_interval_minimum")),
        *(f"tracker.{name}" for name in ("interval_jitter", "peer_ttl", "counters_ttl", "numwant_default")),
        *(f"tracker.{name}" for name in ("numwant_max", "allow_non_routable", "allow_client_ip", "trusted_proxies")),
        *(f"tracker.{name}" for name in ("peers_per_user_torrent", "addresses_per_user")),
        *(f"tracker.{name}" for name in ("negative_ttl", "whitelist", "torrent_keys")),
        *(f"api.{name}" for name in ("metrics_open", "certificate", "key", "client_ca")),
        *("credit.multiplier_up", "credit.multiplier_down", "credit.windows"),
        *(f"bonus.{name}" for name in ("enabled", "per_hour", "scarcity", "per_gib", "per_year")),
        *(f"hit_and_run.{name}" for name in ("enabled", "ratio", "seed_time", "deadline")),
        *(f"selection.{name}" for name in ("strategy", "sample", "at_random", *Weights._fields)),
        *(f"flush.{name}" for name in ("interval", "peers_interval", "journal_sync")),
    }
