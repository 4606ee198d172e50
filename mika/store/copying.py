"""Rows as PostgreSQL's COPY takes them and gives them, a piece at a time; `postgresql.py` calls it.

Text on the way there, which the server reads; its binary format on the way back, which we read a row at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_CHUNK = 1000  # no call into C is over more rows: it would keep the reactor's thread from running
_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_HEX = "\\\\x"


def _text(value: Any) -> str:
    if value is None:
        return _NULL
    if isinstance(value, bytes):
        return _HEX + value.hex()
    return str(value).translate(_ESCAPES)


_AT_ONCE: dict[type, Callable[[Sequence[Any]], Iterable[str]]] = {
    int: lambda column: map(str, column),
    bool: lambda column: map(str, column),
    bytes: lambda column: map(_HEX.__add__, map(bytes.hex, column)),
    type(None): lambda column: [_NULL] * len(column),
}


def _texts(column: Sequence[Any]) -> Iterable[str]:
    """Return a column as text: nearly every one is of one type, and goes through C."""
    kinds = set(map(type, column))
    at_once = _AT_ONCE.get(kinds.pop()) if len(kinds) == 1 else None
    return map(_text, column) if at_once is None else at_once(column)


def lines(rows: Sequence[tuple[Any, ...]]) -> Iterator[bytes]:
    """Cut rows of bytes, whole numbers, booleans, text and None into pieces of COPY's text format."""
    for start in range(0, len(rows), _CHUNK):
        columns = map(_texts, zip(*rows[start : start + _CHUNK], strict=True))
        yield ("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n").encode()


class Source:
    """What psycopg2 reads rows from, as from a file."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._lines = lines(rows)

    def read(self, size: int = -1) -> bytes:
        """Return the next piece, whatever its size; empty at the end."""
        del size
        return next(self._lines, b"")


# ---- the other way: rows out of COPY's binary format

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_LENGTH = 4  # of every length in it; before the first one is the number of columns


class Layout:
    """What is in a row: for each column a format of `struct`, or None for bytes of any length and places (NULL: empty).

    The query gives in its first column the lengths of those, as `shape_of`, so that each row is unpacked in one go.
    """

    def __init__(self, formats: Sequence[str | None]) -> None:
        self._formats = formats
        self._begin = 2 + _LENGTH
        self._end = self._begin + _LENGTH * formats.count(None)
        self._structs: dict[bytes, struct.Struct] = {}

    def unpack(self, rows: Iterable[bytes]) -> list[tuple[Any, ...]]:
        """Return rows as values; `struct.error` if they are not such rows."""
        begin, end, structs = self._begin, self._end, self._structs
        found = []
        for row in rows:
            shape = row[begin:end]
            known = structs.get(shape)
            if known is None:
                known = structs[shape] = self._struct(shape)
            found.append(known.unpack(row))
        return found

    def _struct(self, shape: bytes) -> struct.Struct:
        lengths = iter(struct.unpack(f">{len(shape) // _LENGTH}i", shape))
        columns = (f"{_LENGTH}x{each or f'{max(next(lengths), 0)}s'}" for each in self._formats)
        return struct.Struct(f">{self._end}x{''.join(columns)}")


class Sink:
    """What psycopg2 writes rows to, as to a file, each in a piece of its own; `take` gets them some at a time."""

    def __init__(self, take: Callable[[list[bytes]], None], at_a_time: int) -> None:
        self._take = take
        self._at_a_time = at_a_time
        self._rows: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep a row, the first of which has the signature before it."""
        data = data.removeprefix(_SIGNATURE)
        self._rows.append(data)
        if len(self._rows) == self._at_a_time:
            self._hand_on()

    def finish(self) -> None:
        """Hand on the rest."""
        self._hand_on()

    def _hand_on(self) -> None:
        rows, self._rows = [row for row in self._rows if row and row != _TRAILER], []
        if rows:
            self._take(rows)
