"""The journal on real files: what was appended is there after a kill, and what is damaged is told apart."""

from __future__ import annotations

import errno
import os
from stat import S_IMODE

import pytest
from builders import INFO_HASH
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent

import mika.journal
from mika.errors import StoreError
from mika.journal import MOST_IN_MEMORY, START, Journal, Segment, sync, try_to_make
from mika.ledger.record import FRAME
from mika.model import Peer

FEW = 8
"""Records in a segment here."""


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch):
    """Let segments be full soon."""
    monkeypatch.setattr(mika.journal, "RECORDS", FEW)


@pytest.fixture
def directory(tmp_path):
    """Return where a journal is kept."""
    return tmp_path / "state" / "journal"


def record(number):
    """Return what makes a record that tells its number."""
    return INFO_HASH, Peer(number, b"p" * 20, 0)


def opened(directory, reached=0):
    """Return a journal that is ready, and the lines that it logged."""
    journal = Journal(directory)
    with capturedLogs() as events:
        journal.open()
        journal.begin(reached)
    return journal, [formatEvent(event) for event in events]


def filled(directory, count, reached=0):
    """Return a journal with so many records."""
    journal, _ = opened(directory, reached)
    for _ in range(count):
        journal.append(*record(journal.last + 1))
    return journal


def kill(journal):
    """Let go of nothing but what the kernel takes from a process that is killed."""
    os.close(journal._lock)
    journal._lock = -1


def numbers(journal, after=0, most=3):
    """Return the user ids in the records behind a number: each is the number of its record."""
    found = []
    last = after
    for last, frames in journal.read(after, most):
        assert 0 < len(frames) <= most * FRAME
        ids = [int.from_bytes(frames[at + 8 : at + 16], "little") for at in range(0, len(frames), FRAME)]
        assert last == ids[-1] or ids[-1] == 0
        found += ids
    return found


# ---- appending and reading


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, FEW + 1, 3 * FEW + 2])
def test_records_are_read_in_order_from_any_number(directory, on_disk, count):
    """Over as many segments as there are."""
    journal = filled(directory if on_disk else None, count)
    assert journal.last == count
    for after in range(count + 2):
        assert numbers(journal, after) == list(range(after + 1, count + 1))
    journal.close()


@pytest.mark.parametrize("count", [0, 1, FEW, 3 * FEW + 2])
def test_everything_is_there_after_a_kill(directory, count):
    """A process that is killed closes nothing and forces nothing to the disk."""
    kill(filled(directory, count))
    journal, said = opened(directory)
    assert (numbers(journal), journal.last, said) == (list(range(1, count + 1)), count, [])
    journal.append(*record(count + 1))
    kill(journal)
    again, _ = opened(directory)
    assert numbers(again) == list(range(1, count + 2))
    again.close()


def test_numbers_go_on_behind_those_that_a_store_has(directory):
    """Also when the journal's end was lost in a power cut: no number is given twice."""
    kill(filled(directory, 3))
    journal = filled(directory, 2, reached=100)
    assert numbers(journal) == [1, 2, 3, 101, 102]
    assert numbers(journal, 50) == [101, 102]
    journal.close(reached=102)
    again = filled(directory, 1, reached=102)
    assert numbers(again) == [103]
    again.close()


def test_instance_is_made_once(directory):
    """The stores know this tracker by it."""
    journal, _ = opened(directory)
    instance = journal.instance
    journal.close()
    again, _ = opened(directory)
    assert again.instance == instance
    assert len(instance) == 16
    again.close()


def test_files_are_for_their_owner_alone(directory):
    """Who downloads what is nobody else's business."""
    journal = filled(directory, 1)
    assert S_IMODE(directory.stat().st_mode) == 0o700
    assert {S_IMODE(path.stat().st_mode) & 0o077 for path in directory.iterdir() if path.suffix == ".segment"} == {0}
    journal.close()


# ---- letting go


@pytest.mark.parametrize(("reached", "files"), [(0, 4), (FEW - 1, 4), (FEW, 3), (2 * FEW + 3, 2), (3 * FEW + 2, 1)])
def test_segments_that_every_store_has_are_deleted(directory, reached, files):
    """The one that is written to stays, and so does every record that some store lacks."""
    journal = filled(directory, 3 * FEW + 2)
    journal.release(reached)
    assert len(list(directory.glob("*.segment"))) == files
    assert numbers(journal, reached) == list(range(reached + 1, 3 * FEW + 3))
    journal.close()


def test_close_keeps_only_what_a_store_lacks(directory):
    """After a stop that wrote everything nothing is left to be read at the next start."""
    filled(directory, 2 * FEW).close(reached=FEW + 1)
    journal, _ = opened(directory)
    assert numbers(journal, FEW) == list(range(FEW + 1, 2 * FEW + 1))
    journal.close(reached=2 * FEW)
    assert list(directory.glob("*.segment")) == []


# ---- damage


def test_record_half_written_is_nothing(directory):
    """A kill in the middle of a record: it was never answered. The log says so, and its number is given again."""
    kill(filled(directory, 3))
    (path,) = directory.glob("*.segment")
    with path.open("r+b") as file:
        file.seek(START + 2 * FRAME + 50)
        file.write(b"\xff\xff")
    journal, said = opened(directory)
    assert said == ["the journal had 1 records half written, as a kill or a power cut leaves them"]
    assert numbers(journal) == [1, 2]
    journal.append(*record(3))
    assert numbers(journal) == [1, 2, 3]
    kill(journal)
    again, said = opened(directory)
    assert (numbers(again), said) == ([1, 2, 3], [])
    again.close()


def test_records_behind_a_damaged_one_count(directory):
    """A power cut writes pages in any order: each record whose checksum is right was answered."""
    kill(filled(directory, 5))
    (path,) = directory.glob("*.segment")
    with path.open("r+b") as file:
        file.seek(START + 2 * FRAME)
        file.write(bytes(FRAME))
    journal, said = opened(directory)
    assert numbers(journal) == [1, 2, 0, 4, 5]
    assert said == []
    journal.close()


@given(st.integers(0, 3 * FRAME - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(tmp_path_factory, at, change):
    """The checksum is over the record and its number."""
    directory = tmp_path_factory.mktemp("journal") / "journal"
    kill(filled(directory, 3))
    (path,) = directory.glob("*.segment")
    data = bytearray(path.read_bytes())
    data[START + at] ^= change
    path.write_bytes(data)
    journal, said = opened(directory)
    hurt = at // FRAME + 1
    assert [number for number in numbers(journal) if number] == [each for each in (1, 2, 3) if each != hurt]
    assert len(said) == 1
    journal.close()


def test_record_at_another_place_is_none(directory):
    """What an older file left, copied by a broken disk, does not count as the record of another number."""
    kill(filled(directory, 2))
    (path,) = directory.glob("*.segment")
    data = bytearray(path.read_bytes())
    data[START + 2 * FRAME : START + 3 * FRAME] = data[START : START + FRAME]
    path.write_bytes(data)
    journal, said = opened(directory)
    assert (numbers(journal), len(said)) == ([1, 2], 1)
    journal.close()


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 4000, b"mikajrnl" + bytes(4000)])
def test_file_that_is_no_segment_ends_the_start(directory, data):
    """Rather than lose what may be in it; it is named and left as it is."""
    opened(directory)[0].close()
    path = directory / f"{1:016x}.segment"
    path.write_bytes(data)
    journal = Journal(directory)
    with pytest.raises(StoreError, match=r"000001\.segment is damaged or of another version") as caught:
        journal.open()
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == data
    path.unlink()
    opened(directory)[0].close()


# ---- who may use it


def test_state_directory_in_use_is_refused(directory):
    """Two trackers with one journal would number their records alike."""
    journal, _ = opened(directory)
    with pytest.raises(StoreError, match="in use by another mika: stop that one, or name another directory"):
        Journal(directory).open()
    journal.close()
    opened(directory)[0].close()


def test_directory_that_cannot_be_made_is_refused(tmp_path):
    """In one line that names it."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match=r"^The journal \S+/state/journal cannot be used: Not a directory\.$"):
        Journal(tmp_path / "state" / "journal").open()


# ---- a full disk


@pytest.fixture
def disk(monkeypatch):
    """Return a switch: while it holds `full`, no file gets any room."""
    state = {"full": False}
    allocate = os.posix_fallocate

    def fallocate(descriptor, start, length):
        if state["full"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        allocate(descriptor, start, length)

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    return state


def test_full_disk_is_said_once_and_nothing_is_left_out(directory, disk):
    """The journal goes on in memory, loudly, and on the disk as soon as that is possible."""
    journal = filled(directory, FEW)
    disk["full"] = True
    with capturedLogs() as events:
        for number in range(FEW + 1, 3 * FEW + 2):
            journal.append(*record(number))
    (line,) = [formatEvent(event) for event in events]
    assert line.startswith("the journal cannot grow, and what is credited from now on is lost if mika is killed before")
    assert line.endswith("No space left on device")
    assert journal.trouble == "No space left on device"
    assert journal.wanted() == 3 * FEW + 2
    disk["full"] = False
    with capturedLogs() as events:
        journal.made(try_to_make(directory, journal.wanted()))
    assert [formatEvent(event) for event in events] == [f"the journal is on the disk again: {directory}"]
    journal.append(*record(3 * FEW + 2))
    assert numbers(journal) == list(range(1, 3 * FEW + 3))
    kill(journal)
    assert numbers(opened(directory)[0]) == [*range(1, FEW + 1), 3 * FEW + 2]


def test_announces_while_the_disk_is_tried_are_behind_it(directory, disk):
    """A file is made in a thread; the numbers go on meanwhile."""
    disk["full"] = True
    journal = filled(directory, 3)
    disk["full"] = False
    segment = try_to_make(directory, journal.wanted())
    journal.append(*record(4))
    journal.made(segment)
    journal.append(*record(5))
    assert numbers(journal) == [1, 2, 3, 4, 5]
    assert len(list(directory.glob("*.segment"))) == 1
    journal.close()


def test_memory_is_bounded():
    """Without a disk and without a store there comes an end; it is over as soon as a store has some of it."""
    journal = Journal()
    journal.begin(0)
    while not journal.full:
        journal.append(*record(1))
    assert journal.last == FEW * MOST_IN_MEMORY + 1
    journal.release(FEW)
    assert not journal.full
    journal.close()


# ---- what a periodic job does


def test_next_segment_is_made_ahead(directory):
    """Once half of this one is used; it is taken when this one is full, and not left behind by a stop."""
    journal = filled(directory, FEW // 2)
    assert journal.wanted() is None
    journal.append(*record(5))
    journal.append(*record(6))
    assert journal.wanted() == FEW + 1
    journal.made(try_to_make(directory, FEW + 1))
    assert journal.wanted() is None
    spare = journal._spare
    for number in range(7, FEW + 2):
        journal.append(*record(number))
    assert journal._segments[-1] is spare
    assert numbers(journal) == list(range(1, FEW + 2))
    for number in range(FEW + 2, FEW + 7):
        journal.append(*record(number))
    journal.made(try_to_make(directory, journal.wanted()))
    journal.close(reached=FEW + 6)
    assert list(directory.glob("*.segment")) == []


def test_segment_that_is_made_too_late_harms_nobody(directory):
    """This one was full, and the next one in use, before the thread was done: that one's file is left alone."""
    journal = filled(directory, FEW - 1)
    late = try_to_make(directory, journal.wanted())
    for number in range(FEW, FEW + 4):
        journal.append(*record(number))
    journal.made(late)
    assert len(list(directory.glob("*.segment"))) == 2
    for number in range(FEW + 4, 3 * FEW + 2):
        journal.append(*record(number))
    kill(journal)
    again, said = opened(directory)
    assert (numbers(again), said) == (list(range(1, 3 * FEW + 2)), [])
    again.close()


def test_sync_forces_what_is_new(directory, monkeypatch):
    """Each segment with new records once, until there are newer ones."""
    forced = []
    monkeypatch.setattr(os, "fdatasync", forced.append)
    journal = filled(directory, FEW + 1)
    segments = journal.unsynced()
    sync(segments)
    assert forced == [segment.descriptor for segment in segments]
    assert len(forced) == 2
    assert journal.unsynced() == []
    journal.append(*record(FEW + 2))
    assert journal.unsynced() == segments[1:]
    journal.close()


def test_segment_is_not_closed_under_the_thread_that_syncs_it(directory):
    """Its descriptor could be another file's by then."""
    journal = filled(directory, FEW + 1)
    first, _ = journal.unsynced()
    journal.release(FEW)
    assert numbers(journal, FEW) == [FEW + 1]
    os.fstat(first.descriptor)
    assert first.path.exists()
    journal.synced()
    assert not first.path.exists()
    journal.close(reached=FEW + 1)
    assert list(directory.glob("*.segment")) == []


def test_segment_that_cannot_be_made_leaves_no_file(directory, disk):
    """A start after the disk was full finds nothing half made."""
    opened(directory)[0].close()
    disk["full"] = True
    with pytest.raises(OSError, match="No space"):
        Segment.make(directory, 1)
    assert list(directory.glob("*.segment")) == []
