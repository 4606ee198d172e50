"""Records of the journal added up to the rows of a batch: one class for each kind of store. `flush.py` feeds them.

Each takes records in the order of their numbers, as frames in a row, and has `rows`. A frame of zeros is room
that nothing was ever written to, or that a kill left half written, and adds nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from mika.compiled import runs_compiled
from mika.ledger import _merge_cy
from mika.ledger.record import ANNOUNCED, CHECKSUM, COMPLETED, FRAME
from mika.model import INT64_MAX, Debt, History, Totals


def _reader(fields: str) -> struct.Struct:
    """Return what reads some fields of a frame and steps over the others."""
    begin = f"<{CHECKSUM}x{fields}"
    return struct.Struct(f"{begin}{FRAME - struct.calcsize(begin)}x")


_USERS = _reader("BB2xq5QI")
_TORRENTS = _reader("BB2xq5QI20s")
_HISTORY = _reader("BB2xq5QI20s36xQ12xI")
_PEERS = _reader("B3xq44x20s20s")


Users = dict[int, Totals]
Torrents = dict[bytes, Totals]
Histories = dict[tuple[int, bytes], History]
Completers = set[tuple[bytes, int]]
Peers = dict[tuple[bytes, int, bytes], None]


def unpack_users(rows: Users, frames: bytes) -> None:
    """Add to each user what records are worth; public peers have no account that is kept."""
    for kind, flags, user_id, up, down, up_real, down_real, bonus, seconds in _USERS.iter_unpack(frames):
        if kind and flags & ANNOUNCED and user_id >= 0:
            row = rows.get(user_id)
            if row is None:
                row = rows[user_id] = Totals()
            _grow(row, flags, up, down, up_real, down_real, bonus, seconds)


def unpack_torrents(rows: Torrents, completers: Completers, frames: bytes) -> None:
    """Add to each torrent what records are worth, and note who completed it."""
    for kind, flags, user_id, up, down, up_real, down_real, bonus, seconds, info_hash in _TORRENTS.iter_unpack(frames):
        if kind and flags & ANNOUNCED:
            row = rows.get(info_hash)
            if row is None:
                row = rows[info_hash] = Totals()
            _grow(row, flags, up, down, up_real, down_real, bonus, seconds)
            if flags & COMPLETED:
                completers.add((info_hash, user_id))


def unpack_history(rows: Histories, owes: Callable[[], bool], frames: bytes) -> None:
    """Add to what each user did with each torrent; who completes one is in its debt if it `owes()`."""
    for record in _HISTORY.iter_unpack(frames):
        kind, flags, user_id, up, down, up_real, down_real, bonus, seconds, info_hash, left, seen = record
        if kind and flags & ANNOUNCED and user_id >= 0:
            key = user_id, info_hash
            row = rows.get(key)
            if row is None:  # as nearly always: a client announces more rarely than this is written
                totals = Totals(up, down, up_real, down_real, bonus, seconds, 1, 1 if flags & COMPLETED else 0)
                row = rows[key] = History(user_id, info_hash, totals, left, seen, seen)
            else:
                row.left = left
                row.last_seen = seen
                _grow(row.totals, flags, up, down, up_real, down_real, bonus, seconds)
            if flags & COMPLETED:
                row.completed_at = seen
                row.debt = Debt.OWING if owes() else Debt.NONE


def unpack_peers(rows: Peers, frames: bytes) -> None:
    """Note whose peers the records are."""
    for kind, user_id, info_hash, peer_id in _PEERS.iter_unpack(frames):
        if kind:
            rows[info_hash, user_id, peer_id] = None


def _grow(  # noqa: PLR0913, PLR0917 - the figures one by one: in a list or a Totals of their own they take twice as long
    row: Totals, flags: int, up: int, down: int, up_real: int, down_real: int, bonus: int, seconds: int
) -> None:
    """Add what a record is worth, without a bound: as Python's integers have none."""
    row.uploaded += up
    row.downloaded += down
    row.uploaded_real += up_real
    row.downloaded_real += down_real
    row.bonus += bonus
    row.seed_seconds += seconds
    row.announces += 1
    if flags & COMPLETED:
        row.completed += 1


_COMPILED = runs_compiled(_merge_cy)
add_users = _merge_cy.add_users if _COMPILED else unpack_users
add_torrents = _merge_cy.add_torrents if _COMPILED else unpack_torrents
add_history = _merge_cy.add_history if _COMPILED else unpack_history
add_peers = _merge_cy.add_peers if _COMPILED else unpack_peers


class UserGrowth:
    """What users grew by, by user id."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: Users = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, frames: bytes) -> None:
        """Add what these records are worth."""
        add_users(self.rows, frames)


class TorrentGrowth:
    """What torrents grew by, by info hash, and who completed which."""

    __slots__ = ("completers", "rows")

    def __init__(self) -> None:
        self.rows: Torrents = {}
        self.completers: Completers = set()

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, frames: bytes) -> None:
        """Add what these records are worth."""
        add_torrents(self.rows, self.completers, frames)


class HistoryGrowth:
    """What users did with torrents, by user id and info hash; who completes one is in its debt if it `owes()`."""

    __slots__ = ("owes", "rows")

    def __init__(self, owes: Callable[[], bool] = lambda: False) -> None:
        self.owes = owes
        self.rows: Histories = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, frames: bytes) -> None:
        """Add what these records are worth."""
        add_history(self.rows, self.owes, frames)


class PeerKeys:
    """Which peers changed, by (info hash, user id, peer id): how they are now, the swarms know."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: Peers = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, frames: bytes) -> None:
        """Add the peers that these records are about."""
        add_peers(self.rows, frames)


def bounded(growth: Totals) -> Totals:
    """Return growth that every store can hold: a sum of many records may be past what its columns take."""
    return growth if max(growth.values()) <= INT64_MAX else Totals(*(min(each, INT64_MAX) for each in growth.values()))
