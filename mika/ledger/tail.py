"""The end of the journal: where the next record goes, in memory. `tracker.py` appends, `journal.py` has the files.

It is put there whole, with a checksum over record and number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from mika._peer_cy import Peer
from mika._totals_cy import Totals
from mika.ledger._record_cy import pack_record, put_frame
from mika.ledger.record import FRAME

_MASK = 0xFFFFFFFF


class Tail:
    """The segment that is written to: from the place `at` to its `end`, behind the record with the number `last`.

    `full` says that there is no room for records any more, neither on the disk nor in memory.
    """

    def __init__(self, turn: Callable[[], None]) -> None:
        """`turn` is called when the segment is full; it has `go_on_in` another."""
        self.last = 0
        self.full = False
        self._turn = turn
        self.let_go()

    def let_go(self) -> None:
        """Write to no segment; before the next record, there is a turn."""
        self.go_on_in(bytearray(1), 0, 0)

    def go_on_in(self, buffer: Any, at: int, end: int) -> None:
        """Write to this memory from now on."""
        self._room = memoryview(buffer)
        self.at = at
        self.end = end

    def append(self, info_hash: bytes, peer: Peer, credit: Totals, gone: bool) -> None:
        """Give the record of a peer the next number, and keep it."""
        if self.at == self.end:
            self._turn()
        at, number = self.at, self.last + 1
        record = pack_record(info_hash, peer, credit, gone)
        put_frame(self._room, at, crc32(record, number & _MASK), record)
        self.at, self.last = at + FRAME, number
