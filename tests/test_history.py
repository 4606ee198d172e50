"""What each user did with each torrent, from announces to the store, and who owes what for it."""

from __future__ import annotations

import pytest
from builders import result
from flushing import Setting
from zope.interface import implementer

from mika.config import HitAndRun
from mika.debts import Debts
from mika.errors import StoreError
from mika.interfaces import IPeerStore, ITorrentStore, IUserStore
from mika.model import LEFT_UNKNOWN, Debt

HOUR = 3600
TERMS = {"enabled": True, "seed_time": "2h", "deadline": "5h"}


class Kept(Setting):
    """A site that keeps what users did, with what is owed looked at by hand."""

    history = True

    def __init__(self, directory=None, **facts) -> None:
        self.terms = HitAndRun.model_validate(TERMS)
        self.told: list[tuple[str, str]] = []
        super().__init__(directory, **facts)

    def start(self, users=(), torrents=()) -> None:
        """Start, and count what is completed as owed."""
        super().start(users, torrents)
        flush = self.flusher.flushes[-1]
        flush.owes = lambda: self.terms.enabled
        self.debts = Debts(self.site.directory, self.site.clock, lambda: self.terms)
        for each in (flush, self.debts):
            each.publish = lambda type_, fields: self.told.append((type_, fields.get("state", "")))

    def rows(self, user_id: int = 1):
        """Return what the store has of a user, all of it written."""
        result(self.flusher.settle("history"))
        return result(self.store.history_of(user_id, b"", 99))

    def row(self, user_id: int = 1):
        """Return the only row."""
        (row,) = self.rows(user_id)
        return row

    def look(self) -> list[str]:
        """Look at what is owed; return the states that were told since the last time."""
        result(self.debts.work())
        told, self.told = self.told, []
        return [state for type_, state in told if type_ == "user"]

    def wait(self, seconds: int, left: int = 0) -> None:
        """Let time pass in which the first user's client announces every half hour."""
        for _ in range(seconds // 1800):
            self.site.clock.advance(1800)
            self.announce(left=left)


@pytest.fixture
def kept():
    """Make such a site."""
    return Kept()


def test_row_is_what_the_announces_of_a_user_and_torrent_were_worth(tmp_path):
    """All clients together; the sums are those of the user; the stop says how it ended."""
    setting = Kept(tmp_path / "journal", torrents=2)
    begin = int(setting.site.clock.seconds())
    setting.announce(left=None)
    setting.announce(peer_id=b"-qB5000-000000000001")
    assert setting.row().left == 1000
    setting.site.clock.advance(60)
    setting.announce(uploaded=10, downloaded=1000, left=0, event="completed")
    setting.site.clock.advance(60)
    setting.announce(uploaded=15, downloaded=1000, left=0, event="stopped")
    setting.announce(torrent=1, left=5)
    setting.announce(torrent=1, left=5, uploaded=3)
    row, other = setting.rows()
    assert (row.totals.uploaded, row.totals.downloaded, row.totals.seed_seconds) == (15, 1000, 60)
    assert (row.totals.announces, row.totals.completed, row.left) == (4, 1, 0)
    assert (row.first_seen, row.completed_at, row.last_seen) == (begin, begin + 60, begin + 120)
    assert row.totals.bonus > 0
    assert (other.totals.uploaded, other.left, other.completed_at) == (3, 5, 0)
    assert setting.rows(2) == []
    total = setting.stored_user().totals
    row.totals.add(other.totals)
    setting.flush()
    assert row.totals == setting.stored_user().totals != total
    setting.kill()
    setting.start()
    assert [each.totals.announces for each in setting.rows()] == [4, 2]
    setting.kill()


def test_left_that_is_not_known(kept):
    """Is kept as that."""
    kept.announce(left=None)
    assert kept.row().left == LEFT_UNKNOWN


def test_users_store_that_does_not_offer_it():
    """Nothing waits for it, nothing is asked of it, and the journal lets go."""

    class Plain(Kept):
        def start(self, users=(), torrents=()) -> None:
            self.store = Users(self.store)
            super().start(users, torrents)

    setting = Plain()
    setting.announce()
    flush = setting.flusher.flushes[-1]
    assert flush.waiting == 0
    setting.flush()
    assert flush.reached == setting.journal.last == 1
    assert setting.look() == []


@implementer(IUserStore, ITorrentStore, IPeerStore)
class Users:
    """Another's adapter, which offers nothing beside: asked for more, it fails."""

    def __init__(self, store) -> None:
        self._store = store

    def __getattr__(self, name):
        assert name not in {"apply_history", "history_of", "debts", "save_debts"}
        return getattr(self._store, name)


def complete(kept, **said) -> None:
    """Let the first user complete the torrent."""
    kept.announce()
    kept.announce(left=0, downloaded=1000, event="completed", **said)


def test_completion_is_owed_for_and_paid_by_seeding(kept):
    """It is told when it is owed, and when it is paid, once each."""
    complete(kept)
    assert kept.row().debt is Debt.OWING
    assert kept.look() == ["owing"]
    kept.wait(HOUR)
    assert kept.look() == []
    kept.wait(HOUR)
    assert kept.look() == ["satisfied"]
    assert kept.row().debt is Debt.PAID
    assert kept.look() == []


def test_who_leaves_is_late_and_can_pay_later(kept):
    """After the deadline, and not before."""
    complete(kept)
    kept.announce(left=0, downloaded=1000, event="stopped")
    assert kept.look() == ["owing"]
    kept.site.clock.advance(5 * HOUR)
    assert kept.look() == []
    kept.site.clock.advance(1)
    assert kept.look() == ["hit_and_run"]
    assert kept.row().debt is Debt.OVERDUE
    kept.announce(left=0)
    kept.wait(2 * HOUR)
    assert kept.look() == ["satisfied"]


def test_who_brings_it_whole_owes_nothing(kept):
    """Nor does who only downloads, and who completes while it is off never will."""
    kept.announce(left=0)
    kept.announce(user=1)
    kept.terms = HitAndRun()
    complete(kept, peer_id=b"-qB5000-000000000001")
    assert [kept.row(1).debt, kept.row(2).debt] == [Debt.NONE, Debt.NONE]
    kept.terms = HitAndRun.model_validate(TERMS)
    kept.site.clock.advance(10**6)
    assert kept.look() == []


def test_completion_again_is_not_owed_again(kept):
    """What was paid stays paid."""
    complete(kept)
    kept.wait(2 * HOUR)
    kept.look()
    kept.announce(left=0, downloaded=1000, event="completed")
    kept.announce(left=0, event="completed", peer_id=b"-qB5000-000000000001")
    assert kept.look() == []
    assert kept.row().debt is Debt.PAID


def test_torrent_that_was_deleted_is_owed_nothing(kept):
    """Nobody can seed it any more."""
    complete(kept)
    assert kept.look() == ["owing"]
    result(kept.site.directory.delete_torrent(kept.hashes[0], "dupe"))
    kept.site.clock.advance(6 * HOUR)
    assert kept.look() == ["satisfied"]


def test_nothing_is_looked_at_while_it_is_off_or_the_store_is_away(kept):
    """What is owed waits."""
    complete(kept)
    kept.look()
    kept.site.clock.advance(6 * HOUR)
    kept.store.problems = {"history": StoreError("It is away.")}
    kept.announce(user=1)
    assert kept.look() == []
    kept.store.problems = {}
    kept.terms = HitAndRun()
    assert kept.look() == []
    kept.terms = HitAndRun.model_validate(TERMS)
    assert kept.look() == ["hit_and_run"]


def test_every_page_of_debts_is_looked_at(monkeypatch):
    """However many owe."""
    monkeypatch.setattr("mika.debts.PAGE", 2)
    setting = Kept(users=5)
    for user in range(5):
        setting.announce(user=user)
        setting.announce(user=user, left=0, event="completed")
    assert setting.look() == ["owing"] * 5
    setting.site.clock.advance(6 * HOUR)
    assert setting.look() == ["hit_and_run"] * 5
