"""`[selection]` into what hands out peers: what there is, what there is not, and a score of the site's own."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest
from builders import OTHER_ADDRESS, OTHER_PASSKEY, make_site, result

import mika.selectors
from mika.config import Config, load_config
from mika.errors import ConfigError
from mika.model import Role
from mika.selectors import make_choice
from mika.swarm.selection import select_peers
from mika.swarm.speed import measure


def choice(**section):
    """Return what a section makes, of an empty site."""
    return make_choice(Config.model_validate({"selection": section}).selection, make_site().directory)


def test_default_is_random_and_measures_nothing() -> None:
    """The quick way, with nothing to be told of."""
    assert choice() == (select_peers, None)


@pytest.mark.parametrize(("weights", "measures"), [({"place": 1}, None), ({"place": 1, "speed": 0.5}, measure)])
def test_speeds_are_measured_where_they_count(weights, measures) -> None:
    """And nowhere else."""
    assert choice(strategy="weighted", **weights).measure is measures


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("fastest", "there is no strategy fastest; there are random, weighted, and package.module:function"),
        ("no_such_module:score", "no_such_module:score cannot be used: ModuleNotFoundError: No module named"),
        ("mika.model:nothing", "mika.model:nothing cannot be used: AttributeError"),
        ("mika.model:DEFAULT_ROLE", "mika.model:DEFAULT_ROLE is not a function of two peers"),
    ],
)
def test_strategy_that_is_none(strategy, words) -> None:
    """One line names the key and what there is."""
    with pytest.raises(ConfigError) as caught:
        choice(strategy=strategy)
    assert str(caught.value).startswith(f"selection.strategy: {words}")


def test_score_by_entry_point(monkeypatch) -> None:
    """A package names its own in the group mika.selectors."""
    mine = EntryPoint("mine", "tests_own_score:score", "mika.selectors")
    module = type(sys)("tests_own_score")
    module.score = lambda *_: 0.0
    monkeypatch.setitem(sys.modules, "tests_own_score", module)

    def found(group, name=None):
        assert group == "mika.selectors"
        return [mine] if name in (None, "mine") else []

    monkeypatch.setattr(mika.selectors, "entry_points", found)
    assert choice(strategy="mine").measure is measure
    with pytest.raises(ConfigError, match="there are mine, random, weighted"):
        choice(strategy="other")


@pytest.mark.parametrize(
    ("key", "value"),
    [("sample", "1001"), ("sample", "0"), ("at_random", "0"), ("at_random", "101"), ("place", "-1"), ("speed", "fast")],
)
def test_keys_have_bounds(key, value) -> None:
    """At least one in a hundred is at random: nobody is to be left out."""
    with pytest.raises(ConfigError, match=f"MIKA_SELECTION__{key.upper()}"):
        load_config(None, {f"MIKA_SELECTION__{key.upper()}": value})


def test_announces_are_answered_by_weights() -> None:
    """A role's priority decides, from its members' next announce on; the site's own wiring."""
    section = {"strategy": "weighted", "priority": 1, "speed": 1, "at_random": 1, "sample": 100}
    passkeys = [f"seeder-{number:04}" for number in range(40)]
    site = make_site(users=(OTHER_PASSKEY, *passkeys), sections={"selection": section})
    for number, passkey in enumerate(passkeys):
        site.announce(passkey, f"81.2.70.{number + 1}", peer_id=b"-XX0000-%012d" % number, left=0)
    vip = result(site.directory.add_role(Role(0, "vip", priority=100)))
    for passkey in passkeys[:4]:
        result(site.directory.change_user(site.user(passkey).id, {"role": vip.id}))
    for number, passkey in enumerate(passkeys[:4]):
        site.announce(passkey, f"81.2.70.{number + 1}", peer_id=b"-XX0000-%012d" % number, left=0)
    answer = site.announce(OTHER_PASSKEY, OTHER_ADDRESS, numwant=5)
    chosen = {answer["peers"][at + 3] for at in range(0, 30, 6)}
    assert len(chosen) == 5
    assert len(chosen & {1, 2, 3, 4}) >= 3
    site.clock.advance(10)
    site.announce(passkeys[0], "81.2.70.1", peer_id=b"-XX0000-%012d" % 0, left=0, uploaded=5000)
    (swarm,) = site.swarms
    assert swarm.peers.find(site.user(passkeys[0]).id, b"-XX0000-%012d" % 0).speed_up == 500
