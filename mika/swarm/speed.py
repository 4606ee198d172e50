"""How fast a peer is, by what its announces say it moved since the one before: bytes a second, smoothed."""

from __future__ import annotations

from mika._peer_cy import Peer
from mika.wire._request_cy import AnnounceRequest

MEMORY = 1800
"""Seconds after which half of a speed is what was measured since."""


def measure(peer: Peer, request: AnnounceRequest, now: int) -> None:
    """Note the speeds of a known peer; called before its announce counts, while it has the figures of the last one."""
    seconds = now - peer.last_seen
    if seconds <= 0:  # the same announce over another family, or in a clock that was set back
        return
    first = peer.last_seen == peer.first_seen
    up = (request.uploaded - peer.uploaded if request.uploaded > peer.uploaded else 0) // seconds
    down = (request.downloaded - peer.downloaded if request.downloaded > peer.downloaded else 0) // seconds
    peer.speed_up = up if first else smoothed(peer.speed_up, up, seconds)
    peer.speed_down = down if first else smoothed(peer.speed_down, down, seconds)


def smoothed(before: int, measured: int, seconds: int) -> int:
    """Return a speed that follows what was measured over so many seconds: the longer, the closer."""
    return (before * MEMORY + measured * seconds) // (MEMORY + seconds)
