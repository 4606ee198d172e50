"""Sessions that begin again and again, as a table; and the first words of clients on their way to who judges them."""

from __future__ import annotations

from collections import deque

import pytest
from first_words import FAKE, REAL

from mika.suspicion.greetings import Greetings
from mika.suspicion.restarts import APART, MOST, TIMES, Restarts
from mika.wire.request import AnnounceRequest

MIB = 1 << 20
HASH = b"\1" * 20


def begun(uploaded: int, peer_id: bytes = b"\2" * 20) -> AnnounceRequest:
    """Return an announce that begins."""
    return AnnounceRequest("", HASH, peer_id, bytes(6), uploaded * MIB)


@pytest.mark.parametrize(
    ("uploads", "apart", "score"),
    [
        (list(range(TIMES - 1)), 1800, None),
        (list(range(TIMES)), 1800, 70),
        (list(range(TIMES + 2)), 1800, 76),
        (list(range(50)), 1800, 95),
        ([0] * 20, 1800, None),
        ([7] * 20, 1800, None),
        ([0, 1, 2, 3, 0, 1, 2, 3], 1800, None),
        (list(range(20)), 30, None),
        (list(range(20)), APART - 1, 85),
    ],
)
def test_beginnings_are_counted(uploads, apart, score):
    """By MiB that were uploaded, and seconds between two: what comes too soon after another is passed over."""
    restarts = Restarts()
    found = [restarts.take(7, begun(up), apart * n) for n, up in enumerate(uploads)]
    scores = [each.score for each in found if each is not None]
    assert (max(scores) if scores else None) == score


def test_end_is_the_end_of_a_session():
    """So that pausing and going on is nothing."""
    restarts = Restarts()
    for n in range(40):
        assert restarts.take(7, begun(n), 1800 * n) is None
        if n % 4 == 3:
            restarts.stopped(7, HASH, b"\2" * 20)


def test_evidence_has_the_figures():
    """Of one session of a user in a torrent."""
    restarts = Restarts()
    found = [restarts.take(7, begun(10 * n), 1800 * n) for n in range(TIMES)][-1]
    assert found is not None
    assert (found.kind, found.user_id, found.info_hash) == ("counters", 7, HASH)
    assert found.evidence == (
        "One session said 5 times that it began, 10 minutes apart or more, and had uploaded more each time, 40.0 MiB "
        "in the end: a client begins once, with nothing."
    )


def test_memory_is_bounded():
    """Who began longest ago is forgotten first."""
    restarts = Restarts()
    for n in range(MOST + 5):
        restarts.take(n, begun(0), 0)
    assert len(restarts) == MOST


def test_first_words_are_looked_at():
    """So many at a time; of nobody's, and of what is no announce that begins, nothing is made."""
    kept = deque(
        [FAKE["a script as qBittorrent"][0], REAL["qBittorrent 4.5.2"], b"nonsense", b"GET /x HTTP/1.1\r\n\r\n"]
    )
    kept += [FAKE["a script as qBittorrent"][0].replace(b"started", b"stopped"), FAKE["a script as qBittorrent"][0]]
    owners = iter([5, 6, None])
    greetings = Greetings(kept, lambda _request: next(owners))
    assert [each.user_id for each in greetings.take(0, 1)] == [5]
    assert (len(greetings), list(greetings.take(0, 99)), len(greetings)) == (5, [], 0)
    kept.append(REAL["qBittorrent 4.5.2"])
    greetings.clear()
    assert not kept
