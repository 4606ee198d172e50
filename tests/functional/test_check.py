"""`mika check` against a real tracker of ours, from outside: each port, each family, with and without a torrent."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from functional.tracker_process import MIKA, PATIENCE, TrackerProcess, clean_environment

HASH = bytes(range(20))


def check(tracker: TrackerProcess, url: str, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Test a URL; return the exit status, and level and words by step."""
    ended = subprocess.run(
        [MIKA, "check", "-", "--json", *options],
        cwd=tracker.directory,
        env=clean_environment(),
        input=url,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    assert ended.stderr == ""
    for secret in tracker.secrets:
        assert secret not in ended.stdout
    return ended.returncode, {each["step"]: (each["level"], each["words"]) for each in found["findings"]}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_everything_is_fine(tracker, host) -> None:
    """Each family: without a torrent, with one, and nobody is left in its swarm."""
    url = tracker.announce_url(tracker.add_user("ann"), host)
    status, steps = check(tracker, url)
    assert (status, {level for level, _words in steps.values()}) == (0, {"ok"})
    assert steps["announce"][1].endswith("as it should be: 'Unregistered torrent'")
    tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
    status, steps = check(tracker, url, "--torrent", HASH.hex())
    assert (status, {level for level, _words in steps.values()}) == (0, {"ok"})
    assert steps["address"][1] == f"we are seen as {host}, which we are"
    assert steps["scrape"][1] == "it answers: 0 seed, 1 leech"
    assert tracker.counts(HASH) == (0, 0, 0)


def test_over_tls(tracker) -> None:
    """Its own certificate is nobody's to clients, and good to who trusts it."""
    path = tracker.announce_url(tracker.add_user("ann")).partition(tracker.base())[2]
    url = f"https://127.0.0.1:{tracker.tls_port}{path}"
    status, steps = check(tracker, url)
    assert (status, steps["certificate"][0], steps["announce"][0]) == (1, "wrong", "ok")
    status, steps = check(tracker, url, "--ca", str(tracker.state / "api-certificate.pem"))
    assert (status, steps["certificate"][0], steps["keep-alive"][0]) == (0, "ok", "ok")


def test_what_members_run_into(tracker) -> None:
    """A passkey of nobody, and an account that is closed, which a torrent that is there shows."""
    user = tracker.add_user("ann")
    url = tracker.announce_url(user)
    assert check(tracker, tracker.base() + "/0123456789abcdef/announce")[1]["announce"][0] == "wrong"
    tracker.api("PATCH", f"/v1/users/{user['id']}", {"enabled": False})
    tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
    status, steps = check(tracker, url, "--torrent", HASH.hex())
    assert (status, steps["announce"][1].split(":")[0]) == (1, "the account of this passkey may not announce")
