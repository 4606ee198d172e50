"""The Flusher and the Reaper on a clock that the test moves, over a store that fails and waits when it is told to."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from builders import INFO_HASH, OTHER_PASSKEY, TryingStore, make_site, result
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from mika.errors import StoreError
from mika.jobs import Flusher, Periodic, Reaper, Targets
from mika.testing.subjects import peers_of

KINDS = ("users", "torrents", "peers")
DOWN = StoreError("The database is down.")


class Setting:
    """A site whose announces a Flusher writes, every second on the site's clock."""

    def __init__(self, most: int = 100, users: int = 2, torrents: int = 1) -> None:
        self.store = TryingStore()
        self.passkeys = [f"passkey-{number:04}" for number in range(users)]
        self.hashes = [bytes([number]) * 20 for number in range(torrents)]
        self.site = make_site(self.passkeys, self.hashes, self.store)
        targets = Targets(self.store, self.store, self.store)
        self.flusher = Flusher(targets, self.site.pending, self.site.swarms, self.site.clock, 1.0, most)

    def announce(self, user: int = 0, torrent: int = 0, **said):
        """Let one of the users announce one of the torrents."""
        answer = self.site.announce(self.passkeys[user], info_hash=self.hashes[torrent], **said)
        assert "failure reason" not in answer

    def flush(self):
        """Flush, which must be done at once; return how many rows were written."""
        return result(self.flusher.flush())

    def stored_user(self, user: int = 0):
        """Return the user as the store has it."""
        return result(self.store.user_by_passkey(self.passkeys[user]))

    def stored_peers(self):
        """Return the counters of the peers that the store has."""
        return {(peer.user_id, peer.uploaded) for _, peer in result(peers_of(self.store))}

    def rows(self, kind):
        """Return what the batches of a kind held, batch by batch."""
        return [batch for written, batch in self.store.batches if written == kind]


@contextmanager
def said():
    """Collect what is logged meanwhile, as (level, words)."""
    words: list[tuple[str, str]] = []
    with capturedLogs() as events:
        yield words
        words += [(event["log_level"].name, formatEvent(event)) for event in events if event.get("log_level")]


# ---- what is written


def test_announces_reach_the_store_within_the_interval():
    """Nothing before it is over; then user, torrent and peer, with the mark of this instance."""
    setting = Setting()
    setting.announce()
    setting.announce(uploaded=500)
    setting.flusher.startService()
    setting.site.clock.advance(0.9)
    assert setting.store.batches == []
    assert setting.flusher.waiting() == {"users": 1, "torrents": 1, "peers": 1}
    setting.site.clock.advance(0.1)
    assert [kind for kind, _ in setting.store.batches] == list(KINDS)
    assert {batch.mark.instance for _, batch in setting.store.batches} == {"mika"}
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_user().totals.uploaded == 500
    assert setting.stored_peers() == {(1, 500)}
    assert setting.flusher.waiting() == dict.fromkeys(KINDS, 0)
    setting.site.clock.advance(1)
    assert len(setting.store.batches) == 3


def test_batches_are_sorted_and_never_too_large():
    """25 users of 5 torrents in tens: accounts sorted by key, at most ten rows a batch, every row once."""
    setting = Setting(most=10, users=25, torrents=5)
    for user in (7, 3, 24, 0, *range(24, -1, -1)):
        setting.announce(user, user % 5)
        setting.announce(user, user % 5, uploaded=user + 1)
    assert setting.flush() == 25 + 5 + 25
    users = [[user_id for user_id, _ in batch.growth] for batch in setting.rows("users")]
    torrents = [[info_hash for info_hash, _ in batch.growth] for batch in setting.rows("torrents")]
    peers = [
        [(info_hash, peer.user_id, peer.peer_id) for info_hash, peer in batch.present]
        for batch in setting.rows("peers")
    ]
    for batches, sizes in ((users, [10, 10, 5]), (torrents, [5]), (peers, [10, 10, 5])):
        assert [len(batch) for batch in batches] == sizes
        assert batches is peers or all(batch == sorted(batch) for batch in batches)
        assert len({row for batch in batches for row in batch}) == sum(sizes)


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


def test_completion_is_written_with_its_torrent():
    """The count and who completed go in one batch, once."""
    setting = Setting()
    setting.announce()
    setting.announce(left=0, event="completed")
    setting.flush()
    setting.announce(left=0, event="completed")
    setting.flush()
    assert [batch.completers for batch in setting.rows("torrents")] == [[(setting.hashes[0], 1)], []]
    stored = result(setting.store.torrent(setting.hashes[0]))
    assert (stored.totals.completed, stored.completers) == (1, {1})


# ---- a store that is slow


def test_no_two_writes_of_one_kind_overlap():
    """While a write waits for its answer no other begins, neither by the clock nor by a flush that is asked for."""
    setting = Setting(users=3)
    setting.store.slow = True
    setting.flusher.startService()
    setting.announce()
    setting.site.clock.advance(1)
    assert [kind for kind, _ in setting.store.batches] == ["users"]
    asked = ensureDeferred(setting.flusher.flush())
    for _ in range(5):
        setting.announce(uploaded=100)
        setting.site.clock.advance(1)
    assert len(setting.store.batches) == 1
    while setting.store.held:
        setting.store.let_go()
    assert asked.called
    assert [kind for kind, _ in setting.store.batches[:3]] == list(KINDS)
    setting.store.slow = False
    setting.flush()
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals


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
    assert setting.flusher.waiting()[KINDS[batch]] == 1
    setting.store.slow = False
    setting.flush()
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    stored = result(setting.store.torrent(setting.hashes[0]))
    assert stored.totals == setting.site.torrent(setting.hashes[0]).totals
    assert (stored.totals.uploaded, stored.totals.announces) == (175, 3)
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
    setting.flusher.startService()
    setting.store.problems = {kind: problem}
    with said() as words:
        for number in range(5):
            setting.announce(uploaded=100 * number)
            setting.announce(1, event="completed", left=0)
            setting.site.clock.advance(1)
    errors = [line for level, line in words if level in ("error", "critical")]
    assert len(errors) == 1
    assert errors[0].startswith(f"the {kind} store cannot be written to")
    assert str(problem) in errors[0]
    assert setting.flusher.healthy == {each: each != kind for each in KINDS}
    assert {each for each, rows in setting.flusher.waiting().items() if rows} == {kind}

    setting.store.problems = {}
    with said() as words:
        setting.site.clock.advance(1)
        setting.site.clock.advance(1)
    assert [line for _, line in words if "store" in line] == [
        f"the {kind} store is written to again: {_rows(kind)} rows"
    ]
    assert setting.flusher.healthy == dict.fromkeys(KINDS, True)
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_user().totals.uploaded == 400
    stored = result(setting.store.torrent(setting.hashes[0]))
    assert (stored.totals.uploaded, stored.totals.completed, stored.completers) == (400, 1, {2})
    assert setting.stored_peers() == {(1, 400), (2, 0)}


def _rows(kind):
    return 1 if kind == "torrents" else 2


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
    setting.store.let_go()
    assert len(setting.rows("users")) == 2
    setting.store.slow = False
    while setting.store.held:
        setting.store.let_go()
    assert flushed.called
    assert setting.flusher.waiting()["users"] == 4
    setting.store.problems = {}
    setting.flush()
    for user in range(6):
        assert setting.stored_user(user).totals.announces == 1


# ---- the last batch


def test_stop_writes_the_last_batch():
    """What came since the last flush is in the store when the stop is done, and the log says how much it was."""
    setting = Setting()
    setting.flusher.startService()
    setting.announce()
    with said() as words:
        result(setting.flusher.stopService())
    assert words == [("info", "last batch written: 3 rows")]
    assert setting.stored_user().totals.announces == 1
    setting.site.clock.advance(10)
    assert setting.site.clock.getDelayedCalls() == []


def test_stop_waits_for_the_write_under_way_and_writes_the_rest():
    """The batch that is being written is not written twice, and what came behind it is not left out."""
    setting = Setting()
    setting.store.slow = True
    setting.flusher.startService()
    setting.announce()
    setting.site.clock.advance(1)
    setting.announce(uploaded=9)
    stopped = setting.flusher.stopService()
    for _ in range(3):
        assert not stopped.called
        setting.store.let_go()
    while setting.store.held:
        assert not stopped.called
        setting.store.let_go()
    assert stopped.called
    assert setting.stored_user().totals == setting.site.user(setting.passkeys[0]).totals
    assert setting.stored_peers() == {(1, 9)}


@pytest.mark.parametrize("problem", [DOWN, ValueError("a fault of the adapter")], ids=["down", "faulty"])
def test_stop_says_what_no_store_took(problem):
    """The other kinds are written, the stop ends, and the rows that are lost are named."""
    setting = Setting()
    setting.flusher.startService()
    setting.announce()
    setting.store.problems = {"users": problem}
    with said() as words:
        result(setting.flusher.stopService())
    assert ("critical", "stopped with rows that no store took: {'users': 1}") in words
    assert ("info", "last batch written: 2 rows") in words
    assert setting.stored_peers() == {(1, 0)}


# ---- the loop


class Faulty(Periodic):
    """Work that fails at its first two times."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, 2.0)
        self.times = 0

    async def work(self) -> None:
        """Count, and fail at first."""
        self.times += 1
        if self.times <= 2:
            raise ValueError("not yet")


def test_work_that_fails_goes_on():
    """Each failure is logged with its traceback, and the next time comes."""
    clock = Clock()
    service = Faulty(clock)
    service.startService()
    with capturedLogs() as events:
        clock.pump([2.0] * 4)
    assert service.times == 4
    failures = [event for event in events if "log_failure" in event]
    assert [formatEvent(event) for event in failures] == ["Faulty failed and goes on"] * 2
    assert {event["log_level"] for event in failures} == {LogLevel.critical}
    result(service.stopService())
    clock.advance(10)
    assert service.times == 4


def test_reaper_lets_silent_peers_go_in_their_second():
    """It looks every second, and stops looking when it is stopped."""
    site = make_site(peer_ttl="45m")
    site.announce()
    site.announce(OTHER_PASSKEY)
    reaper = Reaper(site.swarms, site.clock)
    reaper.startService()
    site.clock.advance(1)
    site.clock.pump([1.0] * 2699)
    assert site.swarms.peer_count == 2
    site.announce()
    site.clock.advance(1)
    assert site.swarms.peer_count == 1
    assert [peer.user_id for peer in site.swarms.get(INFO_HASH).peers.values() if peer.active] == [1]
    result(reaper.stopService())
    site.clock.advance(10_000)
    assert site.swarms.peer_count == 1
