"""How a client writes an announce: the bytes of a whole request to what tells clients apart, for `fingerprint.py`.

Two clients that say the same differ in the order of parameters, in how they escape bytes, in their headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mika.wire.http import unquote

_BYTE = re.compile(rb"%([0-9A-Fa-f]{2})|(.)", re.DOTALL)


class Writing(NamedTuple):
    """What a request shows of who wrote it.

    `names` are its parameters in order, those of the announce URL itself left out; `escaped` is the info hash and the
    peer id as they were written; `headers` are by lower-case names.
    """

    peer_id: bytes
    names: tuple[str, ...]
    escaped: bytes
    key: bytes
    agent: str
    headers: dict[str, str]


class Letters(NamedTuple):
    """How bytes were written: hex digits of escapes, which bytes were escaped, and which were not."""

    digits: bytes
    escaped: bytes
    plain: bytes


def read_writing(request: bytes) -> Writing | None:
    """Read a whole request; None if it is no announce that can be told apart."""
    head, *lines = request.split(b"\r\n\r\n")[0].split(b"\r\n")
    words = head.split(b" ")
    if len(words) != 3:
        return None
    pairs = [pair.partition(b"=") for pair in re.split(rb"[?&]", words[1])]
    names = [name.decode("latin-1") for name, _, _ in pairs]
    if "info_hash" not in names or "peer_id" not in names:
        return None
    values = {name: value for name, _, value in pairs}
    headers = dict(_headers(lines))
    return Writing(
        unquote(values[b"peer_id"]),
        tuple(names[names.index("info_hash") :]),
        values[b"info_hash"] + values[b"peer_id"],
        values.get(b"key", b""),
        headers.get("user-agent", ""),
        headers,
    )


def _headers(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        yield name.strip().lower(), value.strip()


def letters_of(escaped: bytes) -> Letters:
    """Tell apart what was escaped and what was not."""
    digits, hidden, plain = bytearray(), bytearray(), bytearray()
    for code, byte in _BYTE.findall(escaped):
        if code:
            digits += code
            hidden.append(int(code, 16))
        else:
            plain += byte
    return Letters(bytes(digits), bytes(hidden), bytes(plain))
