"""Records as detectors see them."""

from __future__ import annotations

from mika.ledger.record import CHECKSUM, FRAME, pack_record
from mika.model import Peer, Totals
from mika.suspicion.finding import written
from mika.suspicion.sighting import Sighting, sightings


def frame(user_id: int, credit: Totals | None = None, *, gone: bool = False, first: bool = False) -> bytes:
    """Return the frame of a record."""
    peer = Peer(user_id, b"\2" * 20, 5)
    peer.uploaded, peer.downloaded, peer.left, peer.last_seen = 2**63 + 1, 2**63 + 2, 2**63 + 3, 77
    peer.active = credit is not None
    peer.first_seen = 77 if first else 5
    return bytes(CHECKSUM) + pack_record(b"\1" * 20, peer, credit or Totals(), gone)


def test_records_become_sightings():
    """With the real growth, and what was downloaded before the first of a peer; holes and public peers are left out."""
    credit = Totals(1, 2, 3, 4, 5, 6, 1, 0)
    frames = [frame(7, credit), bytes(FRAME), frame(8, credit, gone=True), frame(9), frame(10, gone=True), frame(-1)]
    frames.append(frame(11, Totals(announces=1), first=True))
    found = list(sightings(b"".join(frames)))
    about = b"\1" * 20, b"\2" * 20
    last = 0, 2**63 + 3, 77
    assert found == [
        Sighting(7, *about, 3, 4, *last, True, False, 6),
        Sighting(8, *about, 3, 4, *last, True, True, 6),
        Sighting(9, *about, 0, 0, *last, False, False),
        Sighting(10, *about, 0, 0, *last, False, True),
        Sighting(11, *about, 0, 0, 2**63 + 2, *last[1:], True, False),
    ]


def test_sizes_are_written_for_people():
    """In the unit that fits."""
    sizes = (0, 1023, 1024, 3 << 19, 5 << 30, 3 << 40, 5000 << 40)
    assert [written(size) for size in sizes] == [
        "0 B", "1023 B", "1.0 KiB", "1.5 MiB", "5.0 GiB", "3.0 TiB", "5000.0 TiB",
    ]  # fmt: skip
