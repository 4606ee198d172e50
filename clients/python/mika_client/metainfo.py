"""A .torrent file into what the tracker keeps of it, and into the file that one member is given (BEP 3, 27, 47, 52).

Nothing is encoded anew but what is changed: the bytes that an info hash is made of are those of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any

from mika_client.errors import MikaError
from mika_client.models import NewTorrent

MAX_DEPTH = 64
MAX_SIZE = 2**53  # what the API takes

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Raw = dict[bytes, bytes]
"""The keys of a bencoded dictionary and its values as they are in the file."""


class BadTorrentError(MikaError):
    """These bytes are no .torrent file; the text says why."""


@dataclass(frozen=True, slots=True)
class Metainfo:
    """What a .torrent file says. `size` is bytes of content, without padding files; hashes are hex digits.

    `info_hash` of a torrent that is v2 only is the beginning of `info_hash_v2`, which is what clients announce.
    """

    info_hash: str
    info_hash_v2: str | None
    name: str
    size: int
    private: bool
    _file: Raw

    @property
    def fields(self) -> NewTorrent:
        """What `add_torrent` takes."""
        fields: NewTorrent = {"info_hash": self.info_hash, "name": self.name[:1000], "size": self.size}
        if self.info_hash_v2 is not None:
            fields["info_hash_v2"] = self.info_hash_v2
        return fields

    def made_private(self) -> Metainfo:
        """Return it with the private flag, without which clients find peers elsewhere: with another info hash."""
        if self.private:
            return self
        info = _raw(self._file[b"info"]) | {b"private": b"i1e"}
        return _metainfo(self._file | {b"info": _dictionary(info)})

    def announcing_to(self, url: str) -> bytes:
        """Return the .torrent file that announces to `url` and to no other tracker; the info hash is the same."""
        encoded = url.encode()
        kept = {key: value for key, value in self._file.items() if key not in (b"announce-list", b"nodes")}
        return _dictionary(kept | {b"announce": b"%d:%b" % (len(encoded), encoded)})


def read_metainfo(data: bytes) -> Metainfo:
    """Read a whole .torrent file; raise `BadTorrentError` when it is none."""
    if data[:1] != b"d":
        raise BadTorrentError("this is no .torrent file")
    return _metainfo(_raw(data))


def _metainfo(file: Raw) -> Metainfo:
    encoded = file.get(b"info", b"")
    if encoded[:1] != b"d":
        raise BadTorrentError('it has no "info" dictionary')
    info, _ = _value(encoded, 0, 0)
    name = info.get(b"name.utf-8") or info.get(b"name")  # the former is of old clients, for a name in another encoding
    if not isinstance(name, bytes) or not name:
        raise BadTorrentError('its "info" has no "name"')
    version = info.get(b"meta version", 1)
    if version not in (1, 2):
        raise BadTorrentError('its "meta version" is neither 1 nor 2')
    if version == 1 and b"pieces" not in info:
        raise BadTorrentError('its "info" has no "pieces"')
    size = _size_of_tree(info.get(b"file tree")) if version == 2 else _size_v1(info)
    if size > MAX_SIZE:
        raise BadTorrentError("its files are larger than 2^53 bytes")
    hash_v2 = sha256(encoded).hexdigest() if version == 2 else None
    hash_v1 = sha1(encoded, usedforsecurity=False).hexdigest()
    text = _CONTROL.sub("\ufffd", name.decode("utf-8", "replace"))
    info_hash = hash_v1 if hash_v2 is None or b"pieces" in info else hash_v2[:40]
    return Metainfo(info_hash, hash_v2, text, size, info.get(b"private") == 1, file)


def _size_v1(info: dict[bytes, Any]) -> int:
    files = info.get(b"files", [info])
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadTorrentError('its "files" is no list of files')
    return sum(_length(file) for file in files if not _is_padding(file))


def _size_of_tree(tree: Any) -> int:
    if not isinstance(tree, dict) or not tree:
        raise BadTorrentError('its "file tree" is no dictionary of files')
    return sum(_size_of_tree(node) if name else _length(node) for name, node in tree.items())


def _is_padding(file: dict[bytes, Any]) -> bool:
    attributes = file.get(b"attr")
    return isinstance(attributes, bytes) and b"p" in attributes


def _length(file: Any) -> int:
    length = file.get(b"length") if isinstance(file, dict) else None
    if not isinstance(length, int) or not 0 <= length <= MAX_SIZE:
        raise BadTorrentError('a file has no "length", or an impossible one')
    return length


def _dictionary(raw: Raw) -> bytes:
    return b"d" + b"".join(b"%d:%b%b" % (len(key), key, raw[key]) for key in sorted(raw)) + b"e"


def _raw(data: bytes) -> Raw:
    """Return the entries of the dictionary that all of `data` is."""
    raw: Raw = {}
    at = 1
    while data[at : at + 1] != b"e":
        key, begin = _string(data, at)
        _, at = _value(data, begin, 1)
        raw[key] = data[begin:at]
    if at + 1 != len(data):
        raise BadTorrentError("it has bytes after its end")
    return raw


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the value that begins at `at`, and where it ends."""
    if depth > MAX_DEPTH:
        raise BadTorrentError("it is nested too deep")
    match data[at : at + 1]:
        case b"i":
            return _integer(data, at + 1, b"e")
        case b"l":
            items = []
            at += 1
            while data[at : at + 1] != b"e":
                item, at = _value(data, at, depth + 1)
                items.append(item)
            return items, at + 1
        case b"d":
            entries: dict[bytes, Any] = {}
            last: bytes | None = None
            at += 1
            while data[at : at + 1] != b"e":
                key, at = _string(data, at)
                if last is not None and key <= last:
                    raise BadTorrentError("the keys of a dictionary are not sorted: make the file again")
                entries[key], at = _value(data, at, depth + 1)
                last = key
            return entries, at + 1
        case _:
            return _string(data, at)


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    length, begin = _integer(data, at, b":")
    if not 0 <= length <= len(data) - begin:
        raise BadTorrentError("it is cut short")
    return data[begin : begin + length], begin + length


def _integer(data: bytes, at: int, end: bytes) -> tuple[int, int]:
    stop = data.find(end, at, at + 21)
    digits = data[at:stop] if stop >= 0 else b""
    value = int(digits) if digits.removeprefix(b"-").isdigit() else 0
    if b"%d" % value != digits:  # a leading zero, "-0", or no number at all
        raise BadTorrentError("it is not bencoded, or damaged")
    return value, stop + 1
