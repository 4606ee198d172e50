"""Adds up the records of the journal byte by byte, for `merge.py`, which has struct in its place as plain Python.

Each function takes frames in a row, and what they are added to.
"""

from __future__ import annotations

from collections.abc import Callable

from mika._totals_cy import Totals, worth_of
from mika.model import Debt, History

FRAME = 184
"""Bytes of a record with its checksum. Where each field is, `record.py` says."""


def add_users(rows: dict[int, Totals], frames: bytes) -> None:
    """Add to each user what records are worth; public peers have no account that is kept."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4] and text[at + 5] & 1 and text[at + 15] < 128:
            user_id = get_8(text, at + 8)
            row = rows.get(user_id)
            if row is None:
                rows[user_id] = worth(text, at)
            else:
                row.add(worth(text, at))


def add_torrents(rows: dict[bytes, Totals], completers: set[tuple[bytes, int]], frames: bytes) -> None:
    """Add to each torrent what records are worth, and note who completed it."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4] and text[at + 5] & 1:
            info_hash = text[at + 60 : at + 80]
            row = rows.get(info_hash)
            if row is None:
                rows[info_hash] = worth(text, at)
            else:
                row.add(worth(text, at))
            if text[at + 5] & 2:
                completers.add((info_hash, get_8(text, at + 8)))


def add_peers(rows: dict[tuple[bytes, int, bytes], None], frames: bytes) -> None:
    """Note whose peers the records are."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4]:
            rows[text[at + 60 : at + 80], get_8(text, at + 8), text[at + 80 : at + 100]] = None


def add_history(rows: dict[tuple[int, bytes], History], owes: Callable[[], bool], frames: bytes) -> None:
    """Add to what each user did with each torrent; who completes one is in its debt if it `owes()`."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4] and text[at + 5] & 1 and text[at + 15] < 128:
            key = get_8(text, at + 8), text[at + 60 : at + 80]
            last_seen = get_4(text, at + 136)
            row = rows.get(key)
            if row is None:
                row = rows[key] = History(*key, worth(text, at), first_seen=last_seen)
            else:
                row.totals.add(worth(text, at))
            row.left = get_8(text, at + 116) & 0xFFFFFFFFFFFFFFFF
            row.last_seen = last_seen
            if text[at + 5] & 2:
                row.completed_at = last_seen
                row.debt = Debt.OWING if owes() else Debt.NONE


def worth(text: bytes, at: int) -> Totals:
    """Return what the record in the frame at `at` is worth."""
    totals = worth_of(
        get_8(text, at + 16),
        get_8(text, at + 24),
        get_8(text, at + 32),
        get_8(text, at + 40),
        get_8(text, at + 48),
        get_4(text, at + 56),
    )
    totals.completed = 1 if text[at + 5] & 2 else 0
    return totals


def get_8(text: bytes, at: int) -> int:
    """Read a signed number of 8 bytes."""
    value = text[at + 7]
    if value > 127:
        value -= 256
    for index in range(6, -1, -1):
        value = value << 8 | text[at + index]
    return value


def get_4(text: bytes, at: int) -> int:
    """Read a number of 4 bytes."""
    value = 0
    for index in range(3, -1, -1):
        value = value << 8 | text[at + index]
    return value
