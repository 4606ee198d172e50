"""`mika client config set` on a running tracker: what can change does at once, and what cannot is named."""

from __future__ import annotations

import pytest

HASH = bytes(range(20))


def test_change_counts_at_once(tracker) -> None:
    """All keys of a line together; the answer shows what is in force, and that the file is not written."""
    url = tracker.announce_url(tracker.add_user("ann"))
    tracker.api("POST", "/v1/torrents", {"info_hash": HASH.hex()})
    pairs = ("tracker.announce_interval=45m", "tracker.interval_jitter=0", 'tracker.trusted_proxies=["10.0.0.0/8"]')
    ended = tracker.client("config", "set", *pairs)
    assert (ended.returncode, ended.stdout.splitlines()) == (
        0,
        [
            'tracker.announce_interval = "45m"',
            'tracker.interval_jitter = "0s"',
            'tracker.trusted_proxies = ["10.0.0.0/8"]',
        ],
    ), ended
    assert ended.stderr == "mika: this lasts until the configuration is read again: change the file, too\n"
    assert tracker.client("config", "get", "tracker.announce_interval").stdout == "45m\n"
    assert tracker.announce(url, HASH, b"-TR4060-abcdefghijkl")[b"interval"] == 45 * 60


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["tracker.listen=127.0.0.1:1"], "mika: tracker.listen: "),
        (["tracker.announce_interval=soon"], "mika: tracker.announce_interval: "),
        (["tracker.numwants=5"], "mika: tracker.numwants: "),
        (["tracer.numwant_max=5"], "mika: tracer: "),
    ],
)
def test_change_that_is_refused(tracker, pairs, words) -> None:
    """The key is named in one line, and the good one beside it is not changed either."""
    before = tracker.client("config", "get", "--json").stdout
    ended = tracker.client("config", "set", "tracker.numwant_max=77", *pairs)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(words), ended.stderr
    assert tracker.client("config", "get", "--json").stdout == before
