"""Announces are read again for what looks like cheating, and what is found is in the store, told once, and counted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from builders import Site, make_site, result
from first_words import FAKE, REAL
from twisted.internet.defer import fail, succeed
from zope.interface import implementer_only

from mika import follow
from mika.config import Suspicion as Section
from mika.errors import StoreError
from mika.follow import Follow
from mika.interfaces import ISuspicionStore, ITorrentStore, IUserStore, Sought
from mika.model import INT64_MAX, History, Totals
from mika.store.memory import MemoryStore
from mika.suspicion.endings import TIMES
from mika.suspicion.greetings import Greetings

MIB = 1 << 20
KEYS = [f"passkey-{number:04}" for number in range(4)]
HASH = b"\1" * 20


class Followed:
    """A site whose journal is followed."""

    def __init__(self, store: Any = None, **section: Any) -> None:
        self.section = Section.model_validate(section)
        self.store = store or MemoryStore()
        self.site: Site = make_site(KEYS, [HASH], self.store)
        self.told: list[dict[str, Any]] = []
        self.site.directory.publish = lambda type_, fields: self.told.append({"type": type_, **fields})
        self.greetings = Greetings(self.site.factory.started, self.site.factory.watch.user_id)
        self.follow = Follow(
            self.site.directory,
            self.site.swarms,
            self.site.journal,
            self.site.clock,
            lambda: self.section,
            self.greetings,
        )
        self.follow.startService()
        self.uploaded = 0

    def wait(self, seconds: int) -> None:
        """Let time pass, in which the journal is followed."""
        for _ in range(seconds // 10):
            self.site.clock.pump([0, 10])

    def announce(self, user: int = 0, **said: Any) -> None:
        """Let one of the users announce."""
        assert "failure reason" not in self.site.announce(KEYS[user], info_hash=HASH, **said)

    def fake(self, times: int, each: int = 200 * MIB) -> None:
        """Let the first user seed to nobody, and say to have uploaded."""
        for _ in range(times):
            self.announce(left=0, uploaded=self.uploaded)
            self.uploaded += each
            self.wait(1800)

    def rows(self) -> list[Any]:
        """Return what is kept, the first first."""
        return list(reversed(result(self.store.list_suspicions(Sought(), INT64_MAX, 99))))


@implementer_only(IUserStore, ITorrentStore)
class SmallStore(MemoryStore):
    """A store that offers nothing beside."""


@pytest.fixture
def followed() -> Followed:
    """Make such a site."""
    return Followed()


def test_upload_to_nobody_is_noted(followed):
    """Once, with more and more of it; told once, and counted while it is open."""
    followed.fake(9)
    (row,) = followed.rows()
    assert (row.kind, row.user_id, row.info_hash, row.state) == ("unreceived", 1, HASH, "open")
    assert row.score > 60
    assert row.count == 6  # nothing moves at the first, and two are none yet
    assert row.first_seen < row.last_seen
    assert [(each["type"], each["id"], each["kind"], each["info_hash"]) for each in followed.told] == [
        ("suspicion", row.id, "unreceived", HASH.hex())
    ]
    assert followed.follow.open == 1


def test_upload_that_is_received_is_not_noted(followed):
    """An honest seeder and an honest leecher, who then vanishes."""
    downloaded = 0
    for _ in range(6):
        followed.announce(0, left=0, uploaded=downloaded)
        followed.announce(1, left=1024 * MIB - downloaded, downloaded=downloaded)
        downloaded += 100 * MIB
        followed.wait(1800)
    for _ in range(4):
        followed.announce(0, left=0, uploaded=downloaded)
        downloaded += 100 * MIB
        followed.wait(1800)
    assert followed.rows() == []
    assert followed.follow.open == 0


def test_upload_that_was_received_a_moment_ago_is_not_noted(followed):
    """The swarm knows already that nothing is left, and the record of it is not read yet."""
    followed.announce(0, left=0)
    followed.announce(1, left=1024 * MIB)
    for number in range(1, 5):
        followed.wait(1800)
        followed.announce(0, left=0, uploaded=number * 250 * MIB)
        if number == 4:
            followed.announce(1, left=0, downloaded=1024 * MIB)
    followed.wait(120)
    assert followed.rows() == []


def test_who_is_far_behind_judges_nobody_by_what_is_left(followed, monkeypatch):
    """The swarms are too far ahead of what is looked at."""
    monkeypatch.setattr(follow, "AHEAD", 0)
    followed.fake(9)
    assert followed.rows() == []


def test_speed_is_judged_by_the_configuration(followed):
    """As it is in force."""
    followed.announce(left=0)
    followed.wait(60)
    followed.announce(left=0, uploaded=600 * MIB)
    followed.wait(120)
    assert followed.rows() == []
    followed.section = Section(fastest="1MiB")
    followed.announce(left=0, uploaded=1200 * MIB)
    followed.wait(120)
    assert [row.kind for row in followed.rows()] == ["too_fast"]


def test_client_that_is_not_what_it_says_is_noted(followed):
    """By its first announce, without the passkey; it is about no torrent."""
    followed.announce(1)
    followed.site.factory.started.append(first_words(1))
    followed.site.factory.started.append(first_words(9))  # whose passkey nobody has
    followed.wait(120)
    (row,) = followed.rows()
    assert (row.kind, row.user_id, row.info_hash, row.score) == ("client", 2, b"", 90)
    assert KEYS[1] not in row.evidence
    assert not followed.site.factory.started


def test_session_that_begins_at_each_announce_is_noted(followed):
    """Unless it stops in between."""
    for stops in (True, False):
        for number in range(6):
            followed.announce(2, event="started", peer_id=b"-TR3000-sv6wme0caycf", uploaded=number * MIB)
            followed.site.factory.started.append(first_words(2, number * MIB, "Transmission 3.00"))
            followed.wait(1800)
            if stops:
                followed.announce(2, event="stopped", peer_id=b"-TR3000-sv6wme0caycf")
                followed.wait(10)
    assert [(row.kind, row.user_id, row.score, row.count) for row in followed.rows()] == [("counters", 3, 73, 2)]


def test_seeding_what_was_never_had_is_noted(followed):
    """With a low score, and more beside another suspicion; not for who completed it, as the store knows."""
    store, now = followed.store, int(followed.site.clock.seconds())
    totals = Totals(uploaded_real=900 * MIB)
    followed.announce(3, left=1024 * MIB)
    followed.site.directory.torrents[HASH].created_at = now - 9 * 86400
    rows = {(user, HASH): History(user, HASH, totals, 0, now, now, completed_at=user // 3) for user in (2, 3)}
    store.history_of = lambda user, after, most: succeed([rows[user, HASH]] if user in (2, 3) else [])
    for user in (1, 2, 0):
        followed.announce(user, left=0)
    followed.announce(3, left=1024 * MIB)
    for number in range(1, 4):
        followed.wait(1800)
        for user in (1, 2, 0):
            followed.announce(user, left=0, uploaded=number * 100 * MIB)
    followed.wait(120)
    assert [(row.kind, row.user_id, row.score) for row in followed.rows()] == [("never_had", 2, 30)]


def test_client_that_never_stops_is_noted(followed):
    """Each of its sessions is followed by another one in the same torrent."""
    for number in range(TIMES + 1):
        for user, peer_id in ((0, b"-TR3000-%012d" % number), (1, b"-TR3000-%012d" % 99)):
            followed.announce(user, peer_id=peer_id, left=0)
        followed.site.swarms.expire(int(followed.site.clock.seconds()))
        followed.wait(5400)
    followed.wait(120)
    assert [(row.kind, row.user_id) for row in followed.rows()] == [("never_stops", 1)]


def first_words(user: int, uploaded: int = 0, name: str = "a script as qBittorrent") -> bytes:
    """Return the first announce of a client of one of the users; a tenth is nobody's."""
    whole = REAL.get(name) or FAKE[name][0]
    passkey = KEYS[user] if user < len(KEYS) else "passkey-of-nobody"
    whole = re.sub(rb"info_hash=[^&]*", b"info_hash=" + b"%01" * 20, whole)
    return whole.replace(b"0123456789abcdef", passkey.encode()).replace(b"uploaded=0", b"uploaded=%d" % uploaded)


def test_networks_are_looked_at_now_and_then():
    """One account, from eight addresses."""
    followed = Followed(networks=4)
    for number in range(8):
        peer_id = b"-qB5000-%012d" % (number % 4)
        if number < 5:
            followed.announce(address=f"9.9.9.{number}", peer_id=b"-qB5000-%012d" % number)
        else:
            followed.announce(1, address=f"9.9.8.{number % 2}", peer_id=peer_id)
    followed.wait(600)
    (row,) = followed.rows()
    assert (row.kind, row.user_id, row.info_hash, row.score) == ("networks", 1, b"", 65)


@pytest.mark.parametrize("section", [{"enabled": False}, {"fastest": "0B", "networks": 0, "threshold": 100}])
def test_what_is_off_finds_nothing(section):
    """Or nothing that is told."""
    followed = Followed(**section)
    followed.fake(9)
    assert followed.told == []
    assert followed.follow.open == 0
    assert followed.follow.read_to == followed.site.journal.last
    assert bool(followed.rows()) is section.get("enabled", True)


def test_store_that_does_not_keep_it_costs_nothing():
    """The journal is let go of."""
    followed = Followed(SmallStore())
    followed.fake(5)
    assert not ISuspicionStore.providedBy(followed.store)
    assert followed.follow.read_to == followed.site.journal.last
    assert followed.rows() == []


def test_store_that_fails_is_written_to_later():
    """And nothing of what was found meanwhile is lost."""
    followed = Followed()
    failing = [True]
    write = followed.store.replace_suspicion
    followed.store.replace_suspicion = lambda *rows: fail(StoreError("away")) if failing else write(*rows)
    followed.fake(6)
    assert followed.rows() == []
    failing.clear()
    followed.fake(1)
    (row,) = followed.rows()
    assert row.count == 4


def test_who_is_gone_is_under_no_suspicion():
    """Also if the user was deleted between the finding and its writing."""
    followed = Followed()
    followed.fake(3)
    followed.site.clock.advance(0)
    followed.announce(left=0, uploaded=followed.uploaded)
    result(followed.site.directory.delete_user(1))
    followed.wait(120)
    assert followed.rows() == []


def test_start_begins_at_the_end_of_the_journal():
    """What was announced before is nobody's upload."""
    followed = Followed()
    result(followed.follow.stopService())
    followed.fake(5)
    assert followed.follow.read_to == followed.site.journal.last
    followed.follow.startService()
    followed.fake(3)
    assert followed.rows() == []
    followed.fake(1)
    assert len(followed.rows()) == 1


def test_who_cannot_keep_up_begins_anew(followed, monkeypatch):
    """What it missed is left out, so that the journal never grows for it."""
    monkeypatch.setattr(follow, "BEHIND", 3)
    followed.fake(3)
    for number in range(5):
        followed.announce(1, peer_id=b"-qB5000-%012d" % (number % 2), left=0)
    followed.fake(2)
    assert followed.follow.read_to == followed.site.journal.last
    assert followed.rows() == []


def test_one_look_is_bounded(followed, monkeypatch):
    """The rest is left to the next one, and kept in the journal for it."""
    monkeypatch.setattr(follow, "MOST", 4)
    monkeypatch.setattr(follow, "AT_ONCE", 2)
    for _ in range(10):
        followed.announce(1, left=0)
    begun = followed.follow.read_to
    followed.site.clock.advance(2)
    followed.site.clock.advance(0)
    assert followed.follow.read_to == begun + 4
    followed.wait(20)
    assert followed.follow.read_to == begun + 10


def test_journal_is_kept_for_it():
    """The flusher lets go of no record that was not looked at."""
    from flushing import Setting

    setting = Setting()
    kept = []
    setting.journal.release = kept.append
    setting.flusher.read_to = lambda: 1
    setting.announce()
    setting.announce(1)
    setting.announce(1)
    setting.flush()
    assert kept == [1]
    setting.flusher.read_to = lambda: 99
    setting.flush()
    assert kept == [1, 3]
