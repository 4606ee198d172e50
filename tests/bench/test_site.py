"""The site of `bench/site` in short: exact figures, no honest member suspected, cheats found; and faults are seen."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from bench.site import dialects, world
from bench.site.checks import compare
from bench.site.clients import Client, Line
from bench.site.members import DAY, HABITS, Member
from bench.site.outcome import found, play
from bench.site.served import Served
from bench.site.torrents import Torrent
from bench.site.world import BEGIN, SHORT, Scale, World
from mika.config import Suspicion
from mika.store.memory import MemoryStore
from mika.wire.http import read_head, read_target

pytestmark = pytest.mark.usefixtures("log")

SMALL = Scale(members=20, torrents=12, days=2, days_of_cheats=0, pace=8)
SEED = 7


def test_short_site(tmp_path) -> None:
    """Every figure is that of the books, also after a stop and a kill; who is suspected cheats."""
    outcome = play(SHORT, SEED, tmp_path)
    assert outcome.wrong == []
    assert [(row.user_id, row.evidence) for row in outcome.honest] == []
    assert outcome.refused == {}
    assert outcome.restarts == ["stopped and started", "killed and started"]
    assert outcome.transferred > 1 << 39
    assert set(outcome.exactness[1].states) == {"downloading", "satisfied", "seeding", "owing", "hit_and_run"}
    assert len(outcome.caught) >= 16, "\n".join(outcome.lines())


# ---- what the comparison sees


def small_site(tmp_path, seed: int = SEED) -> World:
    """Let a small site live for two days."""
    site = World(SMALL, seed, tmp_path)
    site.run(BEGIN + SMALL.days * DAY)
    return site


@pytest.mark.parametrize(
    ("section", "key", "value", "word"),
    [
        ("bonus", "scarcity", 4.001, "nano-points"),
        ("bonus", "per_year", 0.501, "nano-points"),
        ("credit", "windows", [], "downloaded"),
        ("tracker", "peer_ttl", "40m", "nano-points"),
        ("tracker", "counters_ttl", "46m", "seconds, not"),
        ("hit_and_run", "seed_time", "1s", "satisfied, not"),
    ],
)
def test_tracker_with_another_rule_is_seen(tmp_path, monkeypatch, section, key, value, word) -> None:
    """By as little as a thousandth."""
    right = world.config_of(SMALL)
    old = getattr(right, section)
    other = old.model_copy(update={key: getattr(type(old).model_validate({key: value}), key)})
    monkeypatch.setattr(world, "config_of", lambda _: right.model_copy(update={section: other}))
    assert word in "\n".join(compare(small_site(tmp_path)).wrong)


def test_store_that_loses_a_batch_is_seen(tmp_path, monkeypatch) -> None:
    """What is in memory is right, what is stored is not."""
    apply = MemoryStore.apply_users
    batches = []

    def lose_one(self, batch):
        batches.append(batch)
        return apply(self, replace(batch, growth=[]) if len(batches) == 100 else batch)

    monkeypatch.setattr(MemoryStore, "apply_users", lose_one)
    assert "as stored" in "\n".join(compare(small_site(tmp_path)).wrong)


def test_kill_that_costs_the_journal_is_seen(tmp_path, monkeypatch) -> None:
    """What no store had yet is gone."""
    kill = Served.kill

    def kill_and_lose(self, folder):
        store, folder = kill(self, folder)
        for path in folder.glob("*.segment"):
            path.unlink()
        return store, folder

    monkeypatch.setattr(Served, "kill", kill_and_lose)
    assert compare(small_site(tmp_path)).wrong != []


def test_bytes_that_nobody_received_are_seen(tmp_path, monkeypatch) -> None:
    """A model that does not balance says so itself, and its honest members are suspected."""
    flow = Torrent._flow

    def flow_doubled(self, source, session, speed):
        flow(self, source, session, speed)
        source.take_up(9 * speed)

    monkeypatch.setattr(Torrent, "_flow", flow_doubled)
    site = small_site(tmp_path)
    assert "the model: torrent" in "\n".join(compare(site).wrong)
    assert [row for row in found(site) if row.score >= Suspicion().threshold] != []


def test_same_seed_is_the_same_story(tmp_path) -> None:
    """To the last byte; and another one is another."""
    stories = [small_site(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    first, second, third = ([account.figures() for account in each.books.members.values()] for each in stories)
    assert first == second
    assert first != third


# ---- how clients write


@pytest.mark.parametrize(
    "dialect",
    [each for each in vars(dialects).values() if isinstance(each, dialects.Dialect)],
    ids=lambda each: each.name,
)
def test_what_is_written_is_read(tmp_path, monkeypatch, dialect) -> None:
    """Each kind of client, with every byte in its hash: the tracker reads what the books hear."""
    site = World(replace(SMALL, members=1, torrents=1), SEED, tmp_path)
    client = Client(site, Member(site, 99, HABITS[0]), dialect, Line(1000, 1000, dual=True))
    sent = []
    monkeypatch.setattr(site, "deliver", lambda request, said: sent.append((request, said)) or 1800)
    client.member.keyed = False
    client.start(BEGIN)
    for number in range(13):
        torrent = Torrent(number, 1 << 30, BEGIN, Random(number), site.at)
        torrent.info_hash = bytes((number * 20 + index) % 256 for index in range(20))
        client.add(torrent, 1 << 30, 0, BEGIN).end(BEGIN + 60, "stopped")
    assert {said.event for _, said in sent} == {"started", "stopped"}
    assert len({len(said.address) for _, said in sent}) == 2
    for request, said in sent:
        head = read_head(request)
        assert head is not None
        assert head.end == len(request)
        read = read_target(head.target, said.address, public=False)
        assert read.passkey == client.member.passkey
        assert read.event.name.lower() == said.event
        assert (read.peer_id, read.key, read.endpoint[:-2]) == (said.peer_id, said.key, said.address)
        assert (read.uploaded, read.downloaded, read.left) == (said.uploaded, said.downloaded, said.left)
