"""`mika client suspicion` against the real API: listed, shown and judged."""

from __future__ import annotations

import pytest
from builders import result

from mika.model import Suspicion


@pytest.fixture(autouse=True)
def _suspicions(run, store) -> None:
    """Let a user be under two, one of them below the threshold."""
    run("client", "user", "add", "ann")
    for kind, score in (("unreceived", 80), ("too_fast", 20)):
        row = Suspicion(kind, 1, b"\1" * 20, score, f"evidence {score}", 5, 6)
        result(store.replace_suspicion(None, row))


def test_suspicions_are_listed(run) -> None:
    """Those from the threshold on, or those that are asked for."""
    listed = run("client", "suspicion", "list")
    assert "evidence 80" in listed.out
    assert "evidence 20" not in listed.out
    for options, ids in (
        (["--score", "0"], [2, 1]),
        (["--score", "0", "--kind", "too_fast"], [2]),
        (["--user", "2"], []),
        (["--state", "open", "--user", "1"], [1]),
        (["--score", "0", "--limit", "1"], [2]),
    ):
        found = run("client", "suspicion", "list", *options, "--json").json["items"]
        assert [each["id"] for each in found] == ids, options


def test_suspicion_is_judged(run) -> None:
    """And is shown so from then on."""
    assert run("client", "suspicion", "set", "1", "dismissed").status == 0
    assert run("client", "suspicion", "get", "1", "--json").json["state"] == "dismissed"
    assert run("client", "suspicion", "list", "--state", "open").status == 0
    missing = run("client", "suspicion", "get", "9")
    assert (missing.status, missing.out, missing.err.count("\n")) == (1, "", 1)
