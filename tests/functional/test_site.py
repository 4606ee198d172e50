"""A tracker whose store is the site: accounts and swarms are there to the byte, also when the site was away."""

from __future__ import annotations

import pytest
from functional.tracker_process import TrackerProcess, wait_until
from servers.site import TOKEN, ExampleSite

INFO_HASH = bytes.fromhex("c0ffee" + "11" * 17)
MEMBERS = 20


@pytest.fixture
def site(tmp_path):
    """Run a site."""
    site = ExampleSite(tmp_path / "site")
    site.start()
    yield site
    site.stop()


@pytest.fixture
def tracker(tmp_path, site):
    """Run a tracker that keeps all three kinds there."""
    (tmp_path / "tracker").mkdir()
    urls = {f"MIKA_STORES__{kind}": site.url() for kind in ("USERS", "TORRENTS", "PEERS")}
    process = TrackerProcess(tmp_path / "tracker", **urls)
    try:
        process.start()
        process.secrets.add(TOKEN)
        yield process
    finally:
        process.stop()
    process.check_log()


def test_site_that_goes_away_and_comes_back(tracker, site):
    """Nobody's announce fails meanwhile; afterwards the site has what each was told, and a restart starts with it."""
    tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex(), "name": "coffee", "size": 1000})
    members = [tracker.add_user(f"member {number}") for number in range(MEMBERS)]

    def announce(uploaded):
        for number, member in enumerate(members):
            peer_id = f"-XX0001-{number:012}".encode()
            url = tracker.announce_url(member)
            answer = tracker.announce(url, INFO_HASH, peer_id, port=7000 + number, left=0, uploaded=uploaded + number)
            assert b"failure reason" not in answer, answer

    announce(0)
    announce(1000)
    site.stop()
    announce(2000)
    wait_until("the tracker says that it cannot write", lambda: "nobody listens there" in tracker.log)
    announce(3000)
    site.start()
    announce(4000)
    site.kill()
    announce(5000)
    site.start()

    def credited():
        return [uploaded for (uploaded,) in site.sql("SELECT uploaded FROM users")]

    wait_until("all is written", lambda: credited() == [5000] * MEMBERS)
    tracker.restart()
    assert site.sql("SELECT uploaded FROM torrents") == [(5000 * MEMBERS,)]
    assert tracker.counts(INFO_HASH) == (MEMBERS, 0, 0)
    announce(6000)
    tracker.stop()
    assert credited() == [6000] * MEMBERS
