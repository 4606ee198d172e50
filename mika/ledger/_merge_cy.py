"""Adds up the records of the journal byte by byte, for `merge.py`, which has struct in its place as plain Python.

Each function takes frames in a row, and what they are added to.
"""

from __future__ import annotations

from collections.abc import Callable

from mika._totals_cy import Totals
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
                row = rows[user_id] = Totals()
            row.add(worth(text, at))


def add_torrents(rows: dict[bytes, Totals], completers: set[tuple[bytes, int]], frames: bytes) -> None:
    """Add to each torrent what records are worth, and note who completed it."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4] and text[at + 5] & 1:
            info_hash = frames[at + 60 : at + 80]
            row = rows.get(info_hash)
            if row is None:
                row = rows[info_hash] = Totals()
            row.add(worth(text, at))
            if text[at + 5] & 2:
                completers.add((info_hash, get_8(text, at + 8)))


def add_peers(rows: dict[tuple[bytes, int, bytes], None], frames: bytes) -> None:
    """Note whose peers the records are."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4]:
            rows[frames[at + 60 : at + 80], get_8(text, at + 8), frames[at + 80 : at + 100]] = None


def add_history(rows: dict[tuple[int, bytes], History], owes: Callable[[], bool], frames: bytes) -> None:
    """Add to what each user did with each torrent; who completes one is in its debt if it `owes()`."""
    text = frames
    for at in range(0, len(frames), FRAME):
        if text[at + 4] and text[at + 5] & 1 and text[at + 15] < 128:
            key = get_8(text, at + 8), frames[at + 60 : at + 80]
            last_seen = get_4(text, at + 136)
            row = rows.get(key)
            if row is None:
                row = rows[key] = History(*key, Totals(), first_seen=last_seen)
            row.totals.add(worth(text, at))
            row.left = get_8(text, at + 116) & 0xFFFFFFFFFFFFFFFF
            row.last_seen = last_seen
            if text[at + 5] & 2:
                row.completed_at = last_seen
                row.debt = Debt.OWING if owes() else Debt.NONE


def worth(text: bytes, at: int) -> Totals:
    """Return what the record in the frame at `at` is worth."""
    totals = Totals.__new__(Totals)
    totals.uploaded = get_8(text, at + 16)
    totals.downloaded = get_8(text, at + 24)
    totals.uploaded_real = get_8(text, at + 32)
    totals.downloaded_real = get_8(text, at + 40)
    totals.bonus = get_8(text, at + 48)
    totals.seed_seconds = get_4(text, at + 56)
    totals.announces = 1
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
