"""`mika client … peers` of a real swarm."""

from __future__ import annotations

import json

HASH = bytes(range(20))


def test_swarm_is_listed_and_ghosts_are_flushed(tracker) -> None:
    """Who announced is there under both lists, and after a flush under none; the counters stay."""
    user = tracker.add_user("ann")
    tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
    url = tracker.announce_url(user)
    tracker.announce(url, HASH, b"-TR4060-abcdefghijkl")
    tracker.announce(url, HASH, b"-TR4060-abcdefghijkl", uploaded=1000)
    for arguments in (("torrent", "peers", HASH.hex()), ("user", "peers", str(user["id"]))):
        [peer] = json.loads(tracker.client(*arguments, "--json").stdout)["items"]
        assert (peer["ipv4"], peer["port"]) == ("127.0.0.1", 6881)
        assert "127.0.0.1" in tracker.client(*arguments).stdout
    tracker.client("user", "peers", str(user["id"]), "--flush", "--idle", "1h")
    assert tracker.counts(HASH) == (0, 1, 0)
    flushed = tracker.client("user", "peers", str(user["id"]), "--flush")
    assert (flushed.returncode, flushed.stdout) == (0, f"flushed the peers of user {user['id']}\n")
    assert tracker.counts(HASH) == (0, 0, 0)
    assert tracker.user(user["id"])["uploaded"] == 1000
