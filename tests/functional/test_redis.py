"""A tracker that keeps everything in Redis, over TLS: a restart of either costs nobody anything."""

from __future__ import annotations

import pytest
from functional.tracker_process import TrackerProcess, wait_until
from servers.redis import PASSWORD, Redis

INFO_HASH = bytes.fromhex("c0ffee" + "22" * 17)
PEER_ID = b"-XX0001-ann-seeds---"


@pytest.fixture
def redis():
    """Start a Redis of the test's own."""
    server = Redis().start()
    yield server
    server.remove()


@pytest.fixture
def tracker(tmp_path, redis):
    """Start a tracker on it."""
    url = redis.url(tls=True)
    process = TrackerProcess(tmp_path, **{f"MIKA_STORES__{kind}": url for kind in ("USERS", "TORRENTS", "PEERS")})
    process.secrets.add(PASSWORD)
    process.start()
    yield process
    process.stop()
    process.check_log()


def test_everything_in_redis(redis, tracker):
    """Accounts and swarms are there after a restart; while Redis is away, announces are served, and counted later."""
    ann = tracker.add_user("ann")
    tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex(), "name": "coffee", "size": 9})

    def says(uploaded, left=9):
        return tracker.announce(tracker.announce_url(ann), INFO_HASH, PEER_ID, uploaded=uploaded, left=left)

    says(0)
    says(1000)
    tracker.restart()
    assert tracker.user(ann["id"])["uploaded"] == 1000
    assert tracker.counts(INFO_HASH) == (0, 1, 0)

    redis.kill()
    says(3000)
    says(4000, left=0)
    redis.start()
    key = f"mika:user:{ann['id']}"
    wait_until("Redis has it all", lambda: redis.ask("HGET", key, "uploaded") == b"4000")

    redis.ask("HSET", key, "enabled", 0)
    tracker.restart()
    assert tracker.counts(INFO_HASH) == (1, 0, 0)
    assert tracker.user(ann["id"])["uploaded"] == 4000
    assert b"failure reason" in says(5000)
