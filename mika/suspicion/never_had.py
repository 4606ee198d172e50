"""Seeding what was never downloaded here, nor brought by its uploader: judged by what is kept of a user and a torrent.

Data may come from elsewhere, so that this alone is listed for nobody who does not ask; it weighs beside other findings.
"""

from __future__ import annotations

from mika.model import History, Torrent
from mika.suspicion.finding import Finding, written

KIND = "never_had"

FIRST = 24 * 3600
"""Seconds after a torrent was added in which whoever seeds it may have brought it."""

LEAST = 256 << 20
"""Bytes of upload below which nothing is judged."""

BESIDE = 25
"""What another suspicion of the same user adds to the score."""


def judge_never_had(row: History | None, torrent: Torrent, beside: str) -> Finding | None:
    """Judge a user who uploads a torrent; `beside` is the kind of another suspicion of theirs, empty if there is none.

    Without a row nothing is known, as where the site keeps no histories.
    """
    size = torrent.size
    if row is None or not size or row.completed_at or row.user_id in torrent.completers:
        return None
    uploaded, downloaded = row.totals.uploaded_real, row.totals.downloaded_real
    if downloaded * 10 >= size or row.first_seen < torrent.created_at + FIRST or uploaded < max(LEAST, size // 10):
        return None
    score = (45 if uploaded >= size else 30) + (BESIDE if beside else 0)
    evidence = (
        f"Uploaded {written(uploaded)} of a torrent of {written(size)} that was never downloaded here ("
        f"{written(downloaded)}), nor seeded in its first day: data from elsewhere, or none"
    )
    return Finding(
        KIND, row.user_id, row.info_hash, score, f"{evidence}; see also {beside}." if beside else f"{evidence}."
    )
