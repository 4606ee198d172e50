"""More than a line carries over all torrents together: as a table, and never for what one line carried."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.suspicion.lines import LONGEST, Lines
from mika.suspicion.sighting import Sighting

MIB = 1 << 20
FASTEST = 100 * MIB


def upload(torrent: int, size: int, seen: int, user_id: int = 7) -> Sighting:
    """Return an announce that uploaded so many bytes."""
    return Sighting(user_id, bytes([torrent]) * 20, b"\2" * 20, size, 0, 0, 0, seen, True, False)


def found_in(*uploads: tuple[int, float, int, int], lines: int = 1) -> list[Any]:
    """Return what is found: each is a torrent, which share of a line it took, from when and until when."""
    carried = Lines(lambda _user_id: lines)
    found = [
        carried.add(upload(torrent, int(share * FASTEST * (until - since)), until), since, FASTEST)
        for torrent, share, since, until in uploads
    ]
    return [each for each in found if each is not None]


@pytest.mark.parametrize(
    ("name", "uploads", "lines", "score"),
    [
        ("a full line", [(n, 0.1, 1000, 2800) for n in range(10)], 1, None),
        ("half of it more", [(n, 0.3, 1000, 2800) for n in range(5)], 1, 74),
        ("more and more", [(n, 0.9, 1000 + n, 2800 + n) for n in range(5)], 1, 100),
        ("one torrent alone is judged as such", [(1, 5.0, 1000, 2800)] * 3, 1, None),
        ("of two lines", [(n, 0.3, 1000, 2800) for n in range(5)], 2, None),
        ("one after another", [(n, 0.9, 1000 + 1800 * n, 2800 + 1800 * n) for n in range(4)], 1, None),
        ("much before, and then a little", [(1, 0.9, 1000, 4600), (2, 0.9, 0, 4601), (3, 0.9, 10, 4602)], 1, None),
        ("in the seconds that are given", [(n, 1.0, 1000, 1005) for n in range(3)], 1, None),
        ("too long ago", [(1, 0.9, 0, 1000), (2, 0.9, LONGEST, LONGEST + 1000)], 1, None),
    ],
)
def test_lines_are_judged(name, uploads, lines, score):
    """By what was uploaded within the time in which it all was."""
    found = found_in(*uploads, lines=lines)
    assert (max(each.score for each in found) if found else None) == score, name


def test_evidence_has_the_figures():
    """Of all torrents together; it is about none."""
    found = found_in((1, 0.8, 0, 1000), (2, 0.8, 0, 1000))
    assert [(each.kind, each.user_id, each.info_hash) for each in found] == [("too_fast", 7, b"")]
    assert found[0].evidence == (
        "Uploaded 156.2 GiB in 2 torrents together within 1000 s, from 1 addresses; at 100.0 MiB a second each, the "
        "fastest that is believed, 98.6 GiB would have been possible."
    )


def test_users_have_lines_of_their_own():
    """Nobody is named for what others uploaded; and who is forgotten begins anew."""
    lines = Lines(lambda _user_id: 1)
    for user_id in range(5):
        assert lines.add(upload(user_id, 900 * FASTEST, 1000, user_id), 0, FASTEST) is None
    lines.close(1)
    assert lines.add(upload(9, 900 * FASTEST, 1000, 1), 0, FASTEST) is None
    lines.forget()
    assert lines.add(upload(8, 900 * FASTEST, 1000, 1), 0, FASTEST) is None
    assert lines.add(upload(7, 900 * FASTEST, 1000, 1), 0, FASTEST) is not None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3600), st.integers(0, 100)), max_size=80))
def test_full_line_is_never_found(steps):
    """Whatever a line carried, second after second, in whichever torrent, and whenever that was announced."""
    lines, now = Lines(lambda _user_id: 1), 0
    since = dict.fromkeys(range(10), 0)
    moved = dict.fromkeys(range(10), 0)
    for torrent, wait, busy in steps:
        now += wait
        moved[torrent] += wait * FASTEST * busy // 100
        told = (torrent + busy) % 10
        assert lines.add(upload(told, moved[told], now), since[told], FASTEST) is None
        since[told], moved[told] = now, 0


def test_where_a_user_is_is_asked_once_a_minute():
    """Somebody who announces all the time costs no look through all their torrents each time."""
    asked = []
    lines = Lines(lambda user_id: len(asked.append(user_id) or asked))
    for second in range(0, 180, 10):
        lines.add(upload(second % 7, 900 * FASTEST, 1000 + second), 0, FASTEST)
    assert asked == [7] * 3
