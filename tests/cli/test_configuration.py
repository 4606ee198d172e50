"""`mika client config`: keys are shown as in the file, and what is no key or value is refused before it is sent."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("key", "out"),
    [
        ("tracker.announce_interval", "30m\n"),
        ("tracker.whitelist", "false\n"),
        ("tracker.numwant_max", "200\n"),
        ("tracker.listen", "0.0.0.0:34000\n[::]:34000\n"),
        ("tracker.trusted_proxies", ""),
    ],
)
def test_one_key(run, key, out) -> None:
    """Its value alone, a list in a line each: for scripts."""
    outcome = run("client", "config", "get", key)
    assert (outcome.status, outcome.out, outcome.err) == (0, out, "")


def test_section_and_all(run) -> None:
    """A section is a table; everything is one by sections; --json is nested as the file."""
    assert run("client", "config", "get", "bonus").out.startswith("enabled ")
    assert "\ntracker.announce_interval " in run("client", "config", "get").out
    whole = run("client", "config", "get", "--json").json
    assert whole["tracker"]["announce_interval"] == "30m"
    assert run("client", "config", "get", "--json", "tracker.numwant_max").json == whole["tracker"]["numwant_max"]


@pytest.mark.parametrize(
    "key", ["numwant_max", "tracker.numwant", "tracker.numwant_max.x", ".", "tracker.", "\x1b[31m"]
)
def test_key_that_is_none(run, key) -> None:
    """It is one line and status 1, as the tracker had to be asked."""
    outcome = run("client", "config", "get", key)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "there is no key " in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["numwant_max=5"], "is not written SECTION.KEY, such as tracker.announce_interval"),
        (["tracker.numwant_max"], "is not written KEY=VALUE"),
        (["tracker.=5"], "is not written SECTION.KEY"),
        (["tracker.trusted_proxies=[1"], "the value of tracker.trusted_proxies begins as JSON does, and is none"),
        (["tracker.numwant_max=5", "tracker.numwant_max=6"], "tracker.numwant_max is given twice"),
        (["tracker.a=1", "tracker.a.b=2"], "tracker.a.b lies in tracker.a, which is given a value"),
        (["tracker.a.b=1", "tracker.a=2"], "tracker.a.b lies in tracker.a, which is given a value"),
    ],
)
def test_pairs_that_are_none(run, pairs, words) -> None:
    """Nothing is sent."""
    outcome = run("client", "config", "set", *pairs)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert words in outcome.err
