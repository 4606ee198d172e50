"""Keys a torrent with two trackers of one site: what is given out and replaced at one counts at the other."""

from __future__ import annotations

import pytest
from functional.tracker_process import TrackerProcess, wait_until

HASH, OTHER = bytes(range(20)), bytes(range(20, 40))
PEER_ID = b"-TR4060-000000000001"


@pytest.fixture
def trackers(tmp_path):
    """Start two trackers with the same accounts, each with a state directory of its own, and one secret for both."""
    secret = tmp_path / "torrent-keys"
    secret.write_text("a secret that both of them have been given\n")
    started = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        kept = {f"MIKA_STORES__{kind}": f"sqlite:{tmp_path}/accounts.sqlite" for kind in ("USERS", "TORRENTS")}
        settings = kept | {"MIKA_STORES__POLL_INTERVAL": "100ms", "MIKA_TRACKER__TORRENT_KEY_FILE": str(secret)}
        started.append(TrackerProcess(directory, MIKA_TRACKER__TORRENT_KEYS="required", **settings))
        started[-1].start()
    yield started
    for each in started:
        each.stop()


def code(tracker, key, info_hash=HASH):
    """Announce by a key, and return the code of the refusal, if it is one."""
    url = f"{tracker.base()}/{key}/announce"
    return tracker.announce(url, info_hash, PEER_ID).get(b"failure code", b"").decode()


def test_key_counts_on_all_trackers_of_a_site(trackers):
    """One is taken by both, also after a restart; replaced at one, it is void at the other soon."""
    one, two = trackers
    user = one.add_user("ann")
    for info_hash in (HASH, OTHER):
        one.api("POST", "/v1/torrents", {"info_hash": info_hash.hex()})
    paths = [f"/v1/users/{user['id']}/torrents/{each.hex()}/key" for each in (HASH, OTHER)]
    key, other = (one.api("GET", path)["key"] for path in paths)
    two.secrets |= {key, other}
    assert [code(each, key) for each in trackers] == ["", ""]
    assert code(two, key, OTHER) == "key_of_another_torrent"
    assert code(two, user["passkey"]) == "key_needed"
    new = one.api("POST", paths[0])["key"]
    assert (code(one, key), code(one, new)) == ("key_void", "")
    wait_until("the other has heard of it", lambda: code(two, key) == "key_void")
    assert (code(two, new), code(two, other, OTHER)) == ("", "")
    two.stop()
    two.start()
    assert [code(two, each) for each in (key, new)] == ["key_void", ""]
    for each in trackers:
        each.secrets |= {key, new, other}
        each.check_log()
