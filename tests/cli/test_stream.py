"""Server-sent events, however they are cut into pieces, and what is no event."""

from __future__ import annotations

import json

import pytest

from mika.cli.api import ApiError
from mika.cli.stream import LONGEST, EventReader

STREAM = (
    b"retry: 3000\n\n"
    b": a comment\n\n"
    b'id: 1-1\nevent: torrent\ndata: {"at": "2027-01-01T00:00:00Z",\ndata:  "name": "\xc3\xa9"}\n\n'
    b"data:{}\n\n"
    b"event: empty\n\n"
)
EVENTS = [("torrent", {"at": "2027-01-01T00:00:00Z", "name": "é"}), ("message", {})]


@pytest.mark.parametrize("size", [1, 2, 7, 50, len(STREAM)])
def test_pieces(size) -> None:
    """They say the same, wherever they are cut."""
    reader = EventReader()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in reader.feed(piece)] == EVENTS


@pytest.mark.parametrize("data", [b"{", b"[]", b"5", b"nonsense", b"\xff", b"[" * 100_000, json.dumps("x").encode()])
def test_data_that_is_none(data) -> None:
    """It is one error, in words."""
    with pytest.raises(ApiError, match="no JSON object"):
        list(EventReader().feed(b"data: " + data + b"\n\n"))


def test_event_without_an_end() -> None:
    """What grows for ever is given up."""
    reader = EventReader()
    assert list(reader.feed(b"x" * LONGEST)) == []
    with pytest.raises(ApiError, match="without an end"):
        list(reader.feed(b"x"))
