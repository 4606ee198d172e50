"""The table of what is measured, and the requests that come of it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from bench.__main__ import PARTS, chosen
from bench.load import is_meant
from bench.scenarios import (
    EVERY_RULE,
    FEW_RULES,
    GOALS,
    KEPT,
    MAIN,
    OTHER,
    REFUSED,
    SCRAPE,
    SETTINGS,
    SWARMS,
    TLS,
    WAITS,
    Scenario,
)
from bench.workload import make_workload, merged
from mika.config import load_config

ALL = MAIN + OTHER


def test_every_scenario_is_named_once():
    """The names are keys of what is kept."""
    assert len({str(each) for each in ALL}) == len(ALL)
    assert {each.swarms for each in ALL} == SWARMS.keys()
    assert (
        str(Scenario("mika", KEPT, "one hot swarm", 200, TLS))
        == "mika, kept alive, TLS, 200 peers wanted, one hot swarm"
    )


def test_what_goals_and_latencies_are_about_is_measured():
    """By the quick bench too, but for what all rules cost."""
    wanted = {each for goal in GOALS for each in (goal.one, goal.other)}
    assert {each.server for each in wanted - set(MAIN)} == {EVERY_RULE, FEW_RULES}
    assert wanted <= set(ALL)
    assert set(WAITS) <= set(MAIN)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings_are_of_the_configuration(settings):
    """Everything is on in them, but where it is measured what that costs."""
    config = load_config(None, settings)
    assert config.tracker.whitelist is (settings is not SETTINGS[FEW_RULES])
    assert not config.tracker.public
    assert config.stores.users.startswith("sqlite:")


def test_a_workload_asks_for_other_things():
    """The same peers; and what it is said of them is all else."""
    workload = make_workload(users=10, torrents=2, swarm=4)
    assert len(workload.announces) == 8
    assert {each.query.partition("numwant=")[2].partition("&")[0] for each in workload.announces} == {"50"}
    fewer = workload.asking(0)
    assert [each.query.replace("numwant=0&", "numwant=50&") for each in fewer.announces] == [
        each.query for each in workload.announces
    ]
    assert {each.passkey for each in workload.with_unknown_passkeys().announces}.isdisjoint(workload.passkeys)
    assert all(each.query.startswith("info_hash=") and "&" not in each.query for each in workload.scrapes().announces)
    both = merged([workload, make_workload(10, 2, 4, seed=2)])
    assert (len(set(both.passkeys)), len(set(both.info_hashes)), len(both.announces)) == (20, 4, 16)


FULL = {b"complete": 2, b"incomplete": 1, b"peers": b"\1\2\3\4\5\6"}


@pytest.mark.parametrize(
    ("values", "asks", "peers_wanted", "meant"),
    [
        (FULL, 50, True, True),
        (FULL | {b"peers": b""}, 50, True, False),
        (FULL | {b"peers": b"", b"peers6": bytes(18)}, 50, True, True),
        (FULL | {b"incomplete": 0}, 50, True, False),
        (FULL | {b"incomplete": 0, b"peers": b""}, 0, False, True),
        ({b"failure reason": b"no"}, 0, False, False),
        (FULL | {b"failure reason": b"no"}, 50, True, False),
        ({}, 50, False, False),
        ({b"failure reason": b"no"}, REFUSED, True, True),
        (FULL, REFUSED, True, False),
        ({b"files": {bytes(20): {b"complete": 1}}}, SCRAPE, True, True),
        ({b"files": {bytes(20): {b"complete": 0}}}, SCRAPE, True, False),
        ({b"files": {}}, SCRAPE, True, False),
    ],
)
def test_only_the_answer_that_is_meant_is_measured(values, asks, peers_wanted, meant):
    """A tracker that refuses quickly must not look quick."""
    assert is_meant(values, asks, peers_wanted=peers_wanted) is meant


def test_every_part_of_the_bench_is_a_command():
    """The quick bench has fewer of them."""
    whole, quick = chosen([], quick=False), chosen([], quick=True)
    assert list(whole) == [part.name for part in PARTS]
    assert all(find_spec(f"bench.{name}") for name in whole)
    assert quick.keys() < whole.keys()
    assert chosen(["memory", "nothing"], quick=True) == {"memory": quick["memory"]}
