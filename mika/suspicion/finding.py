"""What a detector found, and how figures are written in its evidence."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What looks like cheating: `info_hash` is empty where it is about no torrent, `score` is 0 to 100."""

    kind: str
    user_id: int
    info_hash: bytes
    score: int
    evidence: str


def written(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
