"""Runs of uploads: where one begins, and when it is too much, as tables."""

from __future__ import annotations

import pytest

from mika.suspicion.uploads import Uploads

MIB = 1 << 20
SIZE = 1000 * MIB


def uploads_of(*claims: tuple[int, int, int]) -> Uploads:
    """Return what comes of claims, half an hour each: MiB that were uploaded, and received until its begin and end."""
    uploads = Uploads()
    for number, (size, base, received) in enumerate(claims):
        uploads.add(size * MIB, 1800 * number, base * MIB, 1800 * (number + 1), received * MIB)
    return uploads


@pytest.mark.parametrize(
    ("claims", "begun", "size"),
    [
        ([(100, 0, 0)], 0, 100),
        ([(100, 0, 0), (100, 0, 0)], 0, 200),
        ([(100, 0, 100), (100, 100, 100)], 1800, 100),
        ([(100, 0, 96), (100, 96, 96)], 1800, 100),
        ([(100, 0, 95), (100, 95, 95)], 0, 200),
        ([(100, 0, 50), (100, 50, 200), (70, 200, 200)], 3600, 70),
        ([(500, 0, 0), (10, 0, 400), (10, 400, 400)], 0, 520),
    ],
)
def test_run_begins_anew_where_others_received_as_much(claims, begun, size):
    """But for the twentieth part that may be lost; what was received before is not held for it any more."""
    uploads = uploads_of(*claims)
    assert (uploads.begun, uploads.size) == (begun, size * MIB)


def test_second_client_reaches_back():
    """What it uploaded since a time before the run began may have been received since then."""
    uploads = uploads_of((100, 0, 0))
    uploads.begun, uploads.base = 900, 30 * MIB
    uploads.add(50 * MIB, 300, 20 * MIB, 1900, 40 * MIB)
    assert (uploads.begun, uploads.base, uploads.size, uploads.told) == (300, 20 * MIB, 150 * MIB, 1900)


@pytest.mark.parametrize(
    ("claims", "received", "left", "steady", "odd"),
    [
        ([200, 200, 200], 0, 0, True, True),
        ([200, 200], 0, 0, False, False),
        ([200, 200, 200], 150, 0, True, True),
        ([200, 200, 200], 350, 0, False, False),
        ([200, 200, 200], 0, 350, False, False),
        ([900, 10, 10], 0, 0, False, False),
        ([1200, 10, 10], 0, 0, False, True),
        ([1200], 0, 0, False, True),
        ([1200], 200, 0, False, False),
    ],
)
def test_too_much(claims, received, left, steady, odd):
    """In three announces even without the largest of them, or in few more than the whole torrent."""
    uploads = uploads_of(*((size, 0, 0) for size in claims))
    excess = uploads.excess(SIZE, received * MIB, left * MIB)
    assert (uploads.is_steady(excess), uploads.is_odd(excess, SIZE)) == (steady, odd)


def test_claim_is_told_once():
    """From a quarter of a GiB on, or a tenth of the torrent; over all runs together."""
    uploads = uploads_of((200, 0, 200), (100, 200, 200))
    assert [uploads.is_claim(size) for size in (4000 * MIB, SIZE, SIZE)] == [False, True, False]
