"""Stores that follow the journal: what is written, and that trouble of any kind loses nothing and doubles nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from builders import TryingStore, result
from flushing import KINDS, Setting, said
from twisted.internet.defer import ensureDeferred

from mika import flush
from mika.errors import StoreError
from mika.flush import AT_ONCE
from mika.flush_kinds import UsersFlush
from mika.interfaces import Mark
from mika.model import Torrent, Totals, User

DOWN = StoreError("The database is down.")


# ---- what is written


def test_announces_reach_the_store_within_the_interval():
    """Nothing before it is over; then user, torrent and peer, each with the mark of this instance and its number."""
    setting = Setting()
    setting.announce()
    setting.announce(uploaded=500)
    setting.site.clock.advance(0.9)
    assert setting.store.batches == []
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 2)
    setting.site.clock.advance(0.1)
    assert [kind for kind, _ in setting.store.batches] == list(KINDS)
    assert {batch.mark for _, batch in setting.store.batches} == {Mark("memory", 2, 0)}
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_user().totals.uploaded == 500
    assert setting.stored_peers() == {(1, 500)}
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 0)
    setting.site.clock.advance(1)
    assert len(setting.store.batches) == 3


def test_batches_are_sorted_and_never_too_large():
    """25 users of 5 torrents in tens: accounts sorted by key, at most ten rows a batch, marks in a chain."""
    setting = Setting(most=10, users=25, torrents=5)
    for user in (7, 3, 24, 0, *range(24, -1, -1)):
        setting.announce(user, user % 5)
        setting.announce(user, user % 5, uploaded=user + 1)
    setting.flush()
    users = [[user_id for user_id, _ in batch.growth] for batch in setting.rows("users")]
    torrents = [[info_hash for info_hash, _ in batch.growth] for batch in setting.rows("torrents")]
    for batches in (users, torrents):
        assert all(batch == sorted(batch) and 0 < len(batch) <= 10 for batch in batches)
    assert all(len(batch.present) <= 10 for batch in setting.rows("peers"))
    for kind in KINDS:
        marks = [batch.mark for batch in setting.rows(kind)]
        assert [mark.after for mark in marks] == [0, *(mark.number for mark in marks[:-1])]
        assert marks[-1].number == setting.journal.last
    for user in range(25):
        assert setting.stored_user(user).totals == setting.site.user(setting.passkeys[user]).totals
    assert {user_id for user_id, _ in setting.stored_peers()} == set(range(1, 26))


def test_peers_that_are_gone_are_said_to_be():
    """A batch says which peers are there and which are not."""
    setting = Setting(users=6)
    for user in range(6):
        setting.announce(user)
    setting.flush()
    for user in (5, 1, 3):
        setting.announce(user, event="stopped")
    for user in (4, 0):
        setting.announce(user, uploaded=5)
    setting.flush()
    batch = setting.rows("peers")[-1]
    assert {peer.user_id for _, peer in batch.present} == {1, 5}
    assert {user_id for _, user_id, _ in batch.gone} == {2, 4, 6}
    assert setting.stored_peers() == {(1, 5), (3, 0), (5, 5)}


def test_silences_reach_the_store():
    """A peer that fell silent, and one whose user was disabled, are not active in the store either."""
    setting = Setting(users=3)
    for user in range(3):
        setting.announce(user)
    setting.flush()
    result(setting.site.directory.change_user(2, {"enabled": False}))
    result(setting.site.directory.delete_user(3))
    setting.site.swarms.expire(int(setting.site.clock.seconds()) + 2701)
    setting.flush()
    batch = setting.rows("peers")[-1]
    assert [(peer.user_id, peer.active) for _, peer in batch.present] == [(1, False), (2, False)]
    assert [user_id for _, user_id, _ in batch.gone] == [3]


def test_completion_is_written_with_its_torrent():
    """The count and who completed go in one batch, once."""
    setting = Setting()
    setting.announce()
    setting.announce(left=0, event="completed")
    setting.flush()
    setting.announce(left=0, event="completed")
    setting.flush()
    assert [batch.completers for batch in setting.rows("torrents")] == [[(setting.hashes[0], 1)], []]
    assert (setting.stored_torrent().totals.completed, setting.stored_torrent().completers) == (1, {1})


def test_nothing_for_a_kind_is_not_written():
    """A silence is no account's: the store is not asked for a batch without rows, and later ones fit."""
    setting = Setting()
    setting.announce()
    setting.flush()
    setting.site.swarms.drop_user(1)
    setting.flush()
    assert [len(setting.rows(kind)) for kind in KINDS] == [1, 1, 2]
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 0)
    setting.announce(uploaded=9)
    setting.flush()
    assert [batch.mark for batch in setting.rows("users")] == [Mark("memory", 1, 0), Mark("memory", 3, 1)]
    assert setting.stored_user().totals.uploaded == 9


@pytest.mark.parametrize("flushed", [True, False])
def test_accounts_that_are_added_again_start_from_nothing(flushed):
    """What waits for the one that is gone does not reach the new one with the same id or hash."""
    setting = Setting()
    setting.announce()
    setting.announce(uploaded=500, event="completed", left=0)
    if flushed:
        setting.flush()
    result(setting.site.directory.delete_user(1))
    result(setting.site.directory.add_users([User(1, "again", setting.passkeys[0])]))
    result(setting.site.directory.delete_torrent(setting.hashes[0], ""))
    result(setting.site.directory.add_torrents([Torrent(setting.hashes[0])]))
    setting.announce(uploaded=900)
    setting.announce(uploaded=901)
    setting.flush()
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_user().totals.uploaded == 1
    assert setting.stored_torrent().totals == Totals(1, 0, 1, 0, announces=2)
    assert setting.stored_torrent().completers == set()


def test_live_account_knows_what_the_store_has():
    """`written` follows what is written, also of several batches, and not what fails."""
    setting = Setting(most=1)
    for user in (0, 1):
        setting.announce(user)
        setting.announce(user, uploaded=7)
    setting.store.problems = {"users": DOWN}
    with said():
        setting.flush()
    live = setting.site.user(setting.passkeys[0])
    assert live.written == Totals()
    setting.store.problems = {}
    setting.flush()
    assert live.written == live.totals == setting.stored_user().totals
    torrent = setting.site.torrent(setting.hashes[0])
    assert torrent.written == torrent.totals == setting.stored_torrent().totals


@pytest.mark.parametrize(("wanted", "largest"), [(4, 4), (10, 10), (1000, 10)])
def test_store_that_wants_fewer_rows_gets_fewer(monkeypatch, wanted, largest):
    """Whichever is less: what the operator allows (10), or what the store wants."""
    monkeypatch.setattr(TryingStore, "most_rows", wanted, raising=False)
    setting = Setting(most=10, users=25)
    for user in range(25):
        setting.announce(user)
    setting.flush()
    assert max(len(batch.growth) for batch in setting.rows("users")) == largest
    assert max(len(batch.present) for batch in setting.rows("peers")) == largest


@pytest.mark.parametrize(("announces", "largest"), [(3, 2), (3 * 8, 3), (4 * 8, 4), (9 * 8, 5)])
def test_batches_are_larger_when_more_waits(monkeypatch, announces, largest):
    """Two rows at least, five at most, and one more for eight announces that wait."""
    monkeypatch.setattr(flush, "FEW_ROWS", 2)
    monkeypatch.setattr(UsersFlush, "known", lambda _: 10**6)
    setting = Setting(most=5, users=6)
    for number in range(announces):
        setting.announce(number % 6)
    setting.flush()
    assert max(len(batch.growth) for batch in setting.rows("users")) == largest


@pytest.mark.parametrize("kind", [*KINDS, "history"])
@pytest.mark.parametrize(("most", "announces", "rows"), [(9, 13, 6), (9, 7, 6), (9, 6, 6), (4, 13, 13)])
def test_who_announces_again_and_again_is_written_once(monkeypatch, kind, most, announces, rows):
    """More announces of six peers wait than there are peers: one batch has them all, if it may have so many rows."""
    monkeypatch.setattr(flush, "FEW_ROWS", 2)
    monkeypatch.setattr(Setting, "history", True)
    setting = Setting(most=most, users=6, torrents=6)
    for number in range(announces):
        setting.announce(number % 6, number % 6)
    setting.flush()
    assert {each.kind: each.rows for each in setting.flusher.flushes}[kind] == rows


def test_large_batch_lets_the_reactor_run():
    """Its rows are put in order some at a time: announces are answered meanwhile, and are the next batch's."""
    setting = Setting(most=10**6, users=3 * AT_ONCE)
    for user in range(3 * AT_ONCE):
        setting.announce(user)
    flushed, clock = ensureDeferred(setting.peers.run()), setting.site.clock

    def announce_until_then():
        if not flushed.called:
            setting.announce(uploaded=1)
            clock.callLater(0, announce_until_then)

    announce_until_then()
    clock.pump([0])
    [batch] = setting.rows("peers")
    assert [peer.user_id for _, peer in batch.present] == list(range(1, 3 * AT_ONCE + 1))
    assert setting.peers.waiting >= 2 * 3  # it was added up in three parts, and put in order in three


def test_long_journal_lets_the_reactor_run():
    """After an outage there may be millions of records: nobody waits for all of them to be added up."""
    setting = Setting()
    setting.store.problems = {"users": DOWN}
    with said():
        setting.flush()
        for _ in range(3 * AT_ONCE):
            setting.announce()
        setting.store.problems = {}
        flushed = ensureDeferred(setting.users.run())
        assert not flushed.called
        setting.site.clock.pump([0, 0, 0])
    assert flushed.called
    assert setting.stored_user().totals.announces == 3 * AT_ONCE


@pytest.mark.parametrize(("end", "announces"), [(50, 0), (800, 0), (801, 1), (850, 50), (900, 100)])
def test_numbers_that_were_left_out_are_no_records(end, announces):
    """A start goes on behind the store that is farthest; another one may still have a smaller number."""
    setting = Setting()
    setting.journal.begin(800)
    for number in range(100):
        setting.announce(uploaded=number)
    result(setting.users._merge(end, None))
    assert setting.users._merged_to == end
    assert sum(totals.announces for totals in setting.users._merged.rows.values()) == announces


# ---- a store that is slow


def test_no_two_writes_of_one_kind_overlap():
    """While a write waits for its answer no other begins, neither by the clock nor by a flush that is asked for."""
    setting = Setting(users=3)
    setting.store.slow = True
    setting.announce()
    setting.site.clock.advance(1)
    assert [kind for kind, _ in setting.store.batches] == list(KINDS)
    asked = ensureDeferred(setting.flusher.flush())
    for _ in range(5):
        setting.announce(uploaded=100)
        setting.site.clock.advance(1)
    assert len(setting.store.batches) == 3
    while setting.store.held:
        setting.store.let_go()
    assert asked.called
    setting.store.slow = False
    setting.flush()
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals


def test_kinds_do_not_wait_for_one_another():
    """A users store that hangs keeps nobody's torrents and peers from being written."""
    setting = Setting()
    setting.announce()
    setting.store.slow = True
    setting.site.clock.advance(1)
    _, torrents, peers = setting.store.held
    setting.store.held.remove(torrents)
    setting.store.held.remove(peers)
    setting.store.slow = False
    torrents.callback(None)
    peers.callback(None)
    assert setting.flusher.waiting() == {"users": 1, "torrents": 0, "peers": 0}
    for number in range(1, 4):
        setting.announce(uploaded=number)
        setting.site.clock.advance(1)
        assert setting.flusher.waiting() == {"users": 1 + number, "torrents": 0, "peers": 0}
    assert len(setting.rows("users")) == 1


@pytest.mark.parametrize("batch", range(3), ids=KINDS)
def test_announce_during_a_write_is_the_next_flushs(batch):
    """Whichever kind is being written: what comes then is neither lost nor written twice."""
    setting = Setting()
    setting.announce()
    setting.announce(uploaded=100)
    setting.store.slow = True
    first = ensureDeferred(setting.flusher.flush())
    for _ in range(batch):
        setting.store.let_go()
    setting.announce(uploaded=175)
    while setting.store.held:
        setting.store.let_go()
    assert first.called
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 1)
    setting.store.slow = False
    setting.flush()
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_torrent().totals == setting.site.torrent(setting.hashes[0]).totals
    assert (setting.stored_torrent().totals.uploaded, setting.stored_torrent().totals.announces) == (175, 3)
    assert setting.stored_peers() == {(1, 175)}


def test_flush_ends_although_announces_go_on():
    """It writes what waited when it began; a busy tracker does not keep it at one kind for ever."""
    setting = Setting(most=1, users=3)
    for user in range(3):
        setting.announce(user)
    setting.store.slow = True
    flushed = ensureDeferred(setting.flusher.flush())
    for step in range(30):
        if not setting.store.held:
            break
        for user in range(3):
            setting.announce(user, uploaded=step)
        setting.store.let_go()
    assert flushed.called
    assert {kind for kind, _ in setting.store.batches} == set(KINDS)


# ---- a store that fails


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("problem", [DOWN, ValueError("a fault of the adapter")], ids=["down", "faulty"])
def test_trouble_of_one_store_loses_nothing_and_costs_the_others_nothing(kind, problem):
    """What that store does not take waits, merged with what comes; the others are written; two lines."""
    setting = Setting(users=3)
    setting.store.problems = {kind: problem}
    with said() as words:
        for number in range(5):
            setting.announce(uploaded=100 * number)
            setting.announce(1, event="completed", left=0)
            setting.site.clock.advance(1)
    errors = [line for level, line in words if level in ("error", "critical")]
    assert len(errors) == 1
    assert errors[0].startswith(f"the {kind} store cannot be written to, 2 announces wait in the journal: ")
    assert str(problem) in errors[0]
    assert setting.flusher.healthy == {each: each != kind for each in KINDS}
    assert {each for each, rows in setting.flusher.waiting().items() if rows} == {kind}

    setting.store.problems = {}
    with said() as words:
        setting.site.clock.pump([1] * 40)
    assert [line for _, line in words if "store" in line] == [f"the {kind} store is written to again"]
    assert setting.flusher.healthy == dict.fromkeys(KINDS, True)
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_user().totals.uploaded == 400
    stored = setting.stored_torrent()
    assert (stored.totals.uploaded, stored.totals.completed, stored.completers) == (400, 1, {2})
    assert setting.stored_peers() == {(1, 400), (2, 0)}


def test_tries_come_later_and_later():
    """A server that struggles is not asked every second: after 2, 4, 8, 16, and then every 30 seconds."""
    setting = Setting()
    setting.store.problems = {"users": DOWN}
    setting.announce()
    tries = []
    with said():
        for second in range(1, 150):
            before = len(setting.rows("users")), setting.users._failures
            setting.site.clock.advance(1)
            if (len(setting.rows("users")), setting.users._failures) != before:
                tries.append(second)
    assert [later - earlier for earlier, later in pairwise(tries)] == [2, 4, 8, 16, 30, 30, 30]


def test_second_trouble_is_said_again():
    """Each outage has its two lines, whatever its length."""
    setting = Setting()
    with said() as words:
        for problems in ({"users": DOWN}, {"users": DOWN}, {}, {"users": DOWN}, {"users": DOWN}, {}):
            setting.store.problems = problems
            setting.announce(uploaded=1)
            setting.flush()
    assert [line.split(",")[0].split(":")[0] for _, line in words if "store" in line] == [
        "the users store cannot be written to",
        "the users store is written to again",
    ] * 2


def test_batches_before_the_one_that_failed_stay_written():
    """The second of three fails: the first is not written again, the others wait."""
    setting = Setting(most=2, users=6)
    for user in range(6):
        setting.announce(user)
    setting.store.slow = True
    flushed = ensureDeferred(setting.flusher.flush())
    setting.store.problems = {"users": DOWN}
    with said():
        while setting.store.held:
            setting.store.let_go()
    assert flushed.called
    assert len(setting.rows("users")) == 2
    assert setting.flusher.waiting()["users"] == 4
    setting.store.slow = False
    setting.store.problems = {}
    setting.flush()
    for user in range(6):
        assert setting.stored_user(user).totals.announces == 1


@pytest.mark.parametrize("most", [1, 100])
@pytest.mark.parametrize("how", ["lost", "late"])
def test_answer_that_was_lost_or_comes_late_doubles_nothing(how, most):
    """The store wrote the batch, or writes it after we gave up, or even after we tried again: it counts once."""
    setting = Setting(most=most)
    with said():
        for number in range(1, 8):
            for user in (0, 1):
                setting.announce(user, uploaded=number * 100)
            setattr(setting.store, how, set(KINDS) if number % 3 else set())
            setting.flush()
            if number in (2, 4, 5):
                setting.announce(0, uploaded=number * 100 + 50)
                setting.store.do_late()
        setting.store.lost = setting.store.late = set()
        setting.flush()
        setting.flush()
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 0)
    for user in (0, 1):
        assert setting.stored_user(user).totals == setting.site.user(setting.passkeys[user]).totals
        assert setting.stored_user(user).totals.uploaded == 600
        live = setting.site.user(setting.passkeys[user])
        assert live.written == live.totals
    assert setting.stored_torrent().totals == setting.site.torrent(setting.hashes[0]).totals
    assert setting.stored_peers() == {(1, 700), (2, 700)}


def test_second_tracker_with_a_copy_of_the_state_directory_is_noticed():
    """Its batches carry our name: rather than believe that ours are written, say so, and write nothing."""
    setting = Setting()
    setting.announce()
    setting.announce(uploaded=5)
    setting.flush()
    result(setting.store.apply_users(setting.rows("users")[0].__class__(Mark("memory", 777, 2), [])))
    setting.announce(uploaded=9)
    with said() as words:
        setting.flush()
        setting.flush()
        setting.users.retry_at = 0
    assert len(words) == 1
    assert setting.flusher.healthy["users"] is False
    assert "two must not share a copy of one state directory" in _trouble(setting)
    assert setting.stored_user().totals.uploaded == 5


def _trouble(setting):
    setting.users.healthy = True
    with said() as words:
        setting.flush()
    return words[0][1]


# ---- what is told and counted


def published(setting):
    """Have what the flushes publish collected; return where."""
    told = []
    setting.flusher.publish_to(lambda type_, fields: told.append((type_, fields)))
    return told


def test_batches_are_told_and_counted():
    """Each kind of its own rows; what torrents grew by is what was credited."""
    setting = Setting()
    told = published(setting)
    setting.announce()
    setting.announce(uploaded=500)
    setting.flush()
    assert told == [("flush", {"kind": kind, "rows": 1, "seconds": 0.0, "waiting": 0}) for kind in KINDS]
    assert [(flush.batches, flush.rows, flush.failures) for flush in setting.flusher.flushes] == [(1, 1, 0)] * 3
    assert sum(setting.torrents.seconds.counts) == 1
    assert (setting.torrents.grown.announces, setting.torrents.grown.uploaded) == (2, 500)


def test_store_that_fails_is_told_once_when_it_begins_and_once_when_it_ends():
    """With what it said; every try counts as a failure."""
    setting = Setting()
    told = published(setting)
    setting.store.problems["users"] = DOWN
    setting.announce()
    setting.flush()
    setting.flush()
    del setting.store.problems["users"]
    setting.flush()
    assert [fields for type_, fields in told if type_ == "store"] == [
        {"kind": "users", "ok": False, "problem": "The database is down.", "waiting": 1},
        {"kind": "users", "ok": True, "problem": "", "waiting": 0},
    ]
    assert (setting.users.failures, setting.users.batches, setting.torrents.failures) == (2, 1, 0)
