"""The journal: what is credited and not yet in every store, in files that outlive a kill.

`tracker.py` appends a record to its `tail` before an answer leaves; `flush.py` reads records behind what a store has,
and `jobs.py` forces them to the disk and lets go of those that every store has. A record's number is its place.
Segments are mapped into memory: what was appended is the kernel's, whatever becomes of this process.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import secrets
import struct
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from twisted.logger import Logger

from mika.errors import StoreError
from mika.ledger.record import CHECKSUM, FRAME, NOTHING
from mika.ledger.tail import Tail
from mika.model import Peer, Totals

HEADER = struct.Struct("<8sIIQ")
"""What a segment begins with: magic, version, bytes of a frame, number of its first record."""

MAGIC = b"mikajrnl"
VERSION = 1
START = 64
"""Where the records of a segment begin."""

RECORDS = 45_000
"""Records in a segment, some 8 MiB: two of them are what a small site needs on its disk."""

MOST_IN_MEMORY = 64
"""Segments that are kept without a disk: 2.9 million announces, half a GiB. Then announces are refused."""

_NAME = re.compile(r"([0-9a-f]{16})(?:-[0-9a-f]{8})?\.segment")
_MASK = 0xFFFFFFFF


class Segment:
    """A run of records: from the number `first`, `count` of them so far. Without a path it is in memory only."""

    __slots__ = ("buffer", "count", "descriptor", "first", "path", "synced")

    def __init__(self, first: int, path: Path | None, descriptor: int, buffer: mmap.mmap) -> None:
        self.first = first
        self.path = path
        self.descriptor = descriptor
        self.buffer = buffer
        self.count = 0
        self.synced = 0

    @classmethod
    def in_memory(cls, first: int) -> Segment:
        """Make one that ends with this process."""
        return cls(first, None, -1, mmap.mmap(-1, START + RECORDS * FRAME))

    @classmethod
    def make(cls, directory: Path, first: int) -> Segment:
        """Make a file with room for every record, so that no later write can find the disk full; `OSError` if not."""
        # A name of its own: the reactor and a thread may come to make the same one, and one of them is thrown away.
        path = directory / f"{first:016x}-{secrets.token_hex(4)}.segment"
        size = START + RECORDS * FRAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            os.pwrite(descriptor, HEADER.pack(MAGIC, VERSION, FRAME, first), 0)
            os.fsync(descriptor)
            _sync_directory(directory)
            buffer = mmap.mmap(descriptor, size)
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(first, path, descriptor, buffer)

    @classmethod
    def found(cls, path: Path, first: int) -> tuple[Segment, int]:
        """Read one that an earlier process left; answer it and how many of its records were damaged.

        Every record whose checksum is right counts. What a kill or a power cut left half written becomes nothing.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            _check_header(path, os.pread(descriptor, HEADER.size, 0), first)
            buffer = mmap.mmap(descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        segment = cls(first, path, descriptor, buffer)
        return segment, segment._check((size - START) // FRAME)

    def _check(self, room: int) -> int:
        damaged = 0
        for index in range(room):
            at = START + index * FRAME
            frame = self.buffer[at : at + FRAME]
            body = frame[CHECKSUM:]
            if int.from_bytes(frame[:CHECKSUM], "little") == crc32(body, (self.first + index) & _MASK):
                if body[0]:
                    self.count = index + 1
            elif any(frame):
                damaged += 1
                self.buffer[at : at + FRAME] = bytes(FRAME)
        return damaged

    @property
    def last(self) -> int:
        """The number of the last record so far."""
        return self.first + self.count - 1

    def close(self, *, delete: bool) -> None:
        """Let go of the memory and, if told so, of the file."""
        self.buffer.close()
        if self.path is not None:
            os.close(self.descriptor)
            if delete:
                self.path.unlink(missing_ok=True)


class Journal:
    """Records by number, from the first that some store lacks to `last`.

    `instance` names this tracker in the stores' marks. Without a directory, nothing is kept on a disk. `trouble` says
    why a journal that has one is in memory nevertheless.
    """

    log = Logger()

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self.instance = "memory"
        self.tail = Tail(self._turn)
        self.trouble = ""
        self._lock = -1
        self._segments: deque[Segment] = deque()
        self._spare: Segment | None = None
        self._syncing: list[Segment] = []
        self._doomed: list[Segment] = []  # every store has them, and a thread still forces them to the disk

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self.tail.last

    @property
    def full(self) -> bool:
        """Whether there is no room for records any more."""
        return self.tail.full

    # ---- start and end

    def open(self) -> None:
        """Read what an earlier process left; `StoreError` in one line if it cannot be read or is in use."""
        if self.directory is None:
            return
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"The state directory {self.directory.parent} is in use by another mika: "
                    "stop that one, or name another directory."
                ) from None
            self.instance = _instance(self.directory / "instance")
            self._read_segments(self.directory)
        except OSError as problem:
            self.close()
            raise StoreError(f"The journal {self.directory} cannot be used: {problem.strerror or problem}.") from None
        except BaseException:
            self.close()
            raise

    def _read_segments(self, directory: Path) -> None:
        damaged = 0
        for path in sorted(directory.iterdir()):
            named = _NAME.fullmatch(path.name)
            if named is None:
                continue
            segment, holes = Segment.found(path, int(named[1], 16))
            damaged += holes
            if segment.count:
                self._segments.append(segment)
                self.tail.last = max(self.last, segment.last)
            else:
                segment.close(delete=True)
        if damaged:
            self.log.warn(
                "the journal had {damaged} records half written, as a kill or a power cut leaves them", damaged=damaged
            )

    def begin(self, reached: int) -> None:
        """Be ready to append, behind every number that was given before, here or (`reached`) in a store."""
        self.tail.last = max(self.last, reached)
        self._turn()

    def close(self, reached: int = 0) -> None:
        """Let go of everything; what every store has (up to `reached`) is deleted."""
        self.release(reached)
        self.tail.let_go()
        while self._segments:
            segment = self._segments.popleft()
            segment.close(delete=segment.last <= reached or not segment.count)
        if self._spare is not None:
            self._spare.close(delete=True)
            self._spare = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # ---- appending

    def append(self, info_hash: bytes, peer: Peer, credit: Totals = NOTHING, gone: bool = False) -> None:
        """Give the record of a peer the next number, and keep it."""
        self.tail.append(info_hash, peer, credit, gone)

    def _turn(self) -> None:
        """Go on in the next segment."""
        self._settle()
        first = self.last + 1
        spare, self._spare = self._spare, None
        if spare is not None and spare.first == first:
            self._go_on_in(spare)
            return
        if spare is not None:
            spare.close(delete=True)
        made: Segment | OSError | None = None
        if self.directory is not None:
            made = try_to_make(self.directory, first)
            self._say(made)
        self._go_on_in(made if isinstance(made, Segment) else Segment.in_memory(first))

    def _go_on_in(self, segment: Segment) -> None:
        self._segments.append(segment)
        self.tail.go_on_in(segment.buffer, START, START + RECORDS * FRAME)
        self._judge()

    def _judge(self) -> None:
        self.tail.full = sum(each.path is None for each in self._segments) > MOST_IN_MEMORY

    def _settle(self) -> None:
        """Note in the segment that is written to how many records it has."""
        if self.tail.end:
            self._segments[-1].count = (self.tail.at - START) // FRAME

    def _say(self, made: Segment | OSError) -> None:
        """Log once when the disk does not take the journal any more, and once when it does again."""
        if isinstance(made, OSError):
            if not self.trouble:
                self.log.critical(
                    "the journal cannot grow, and what is credited from now on is lost if mika is killed before the "
                    "stores have it: {directory}: {problem}",
                    directory=self.directory,
                    problem=made.strerror or made,
                )
            self.trouble = made.strerror or str(made)
        elif self.trouble:
            self.log.info("the journal is on the disk again: {directory}", directory=self.directory)
            self.trouble = ""

    # ---- reading

    def read(self, after: int, most: int) -> Iterator[tuple[int, bytes]]:
        """Yield runs of records behind the number `after`, at most `most` in each, with the number of its last one.

        Records come as frames, each with its checksum before it.
        """
        self._settle()
        for segment in list(self._segments):
            start = max(0, after + 1 - segment.first)
            for index in range(start, segment.count, most):
                end = min(index + most, segment.count)
                yield segment.first + end - 1, segment.buffer[START + index * FRAME : START + end * FRAME]

    # ---- what a periodic job does

    def wanted(self) -> int | None:
        """Return the first number of the segment that should be made now, None if none.

        Making a file takes longer than an announce, so that the next one is made before this one is full.
        """
        if self.directory is None or self._spare is not None or not self.tail.end:
            return None
        if self.trouble:
            return self.last + 1
        return self._segments[-1].first + RECORDS if self.tail.at > START + RECORDS // 2 * FRAME else None

    def made(self, segment: Segment | OSError) -> None:
        """Take the segment that was `wanted`, or why there is none."""
        was_in_trouble = bool(self.trouble)
        self._say(segment)
        if isinstance(segment, OSError):
            return
        if self._spare is not None or not self.tail.end:
            segment.close(delete=True)
        elif not was_in_trouble:
            if segment.first == self._segments[-1].first + RECORDS:
                self._spare = segment
            else:  # it came too late: another one is in its place
                segment.close(delete=True)
        elif segment.first == self.last + 1:
            self._settle()
            self._go_on_in(segment)
        else:  # announces came meanwhile
            segment.close(delete=True)
            self._turn()

    def unsynced(self) -> list[Segment]:
        """Return the segments with records that were not forced to the disk yet; they stay open until `synced`."""
        self._settle()
        self._syncing = [each for each in self._segments if each.path is not None and each.synced < each.count]
        return self._syncing

    def has_unsynced(self) -> bool:
        """Say whether there are such records."""
        self._settle()
        return any(each.path is not None and each.synced < each.count for each in self._segments)

    def synced(self) -> None:
        """Note that no thread uses a segment any more."""
        self._syncing = []
        while self._doomed:
            self._doomed.pop().close(delete=True)

    def release(self, reached: int) -> None:
        """Delete the segments whose records every store has: those up to the number `reached`."""
        self._settle()
        while len(self._segments) > 1 and self._segments[0].last <= reached:
            segment = self._segments.popleft()
            if segment in self._syncing:
                self._doomed.append(segment)
            else:
                segment.close(delete=True)
            self._judge()

    def size(self) -> int:
        """Return how many bytes of files and memory the journal takes."""
        return len(self._segments) * (START + RECORDS * FRAME)


def _check_header(path: Path, head: bytes, first: int) -> None:
    if len(head) < HEADER.size or HEADER.unpack(head) != (MAGIC, VERSION, FRAME, first):
        raise StoreError(
            f"The journal's file {path} is damaged or of another version of mika: "
            "start that version once, or move the file away (what is in it is lost then)."
        )


def try_to_make(directory: Path, first: int) -> Segment | OSError:
    """Return a new segment, or why it cannot be made; in a thread if there is time."""
    try:
        return Segment.make(directory, first)
    except OSError as problem:
        return problem


def sync(segments: list[Segment]) -> None:
    """Force segments to the disk; in a thread, since it waits for the disk."""
    for segment in segments:
        count = segment.count
        os.fdatasync(segment.descriptor)
        segment.synced = count


def _instance(path: Path) -> str:
    """Return the name of this tracker, made at its first start."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        text = ""
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        text = secrets.token_hex(8)
        temporary = path.with_suffix(".new")
        with temporary.open("w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_directory(path.parent)
    return text


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
