"""The bytes of a .torrent file into what the tracker keeps of it: its info hashes, name and size (BEP 3, 47, 52).

Called by the `mika` command before it adds a torrent. Pure: the file is read elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any

from bencodepy import BencodeEncoder

from mika.errors import MikaError
from mika.model import INT64_MAX
from mika.wire.bencoding import BadBencodingError, read_bencoded

MAX_BYTES = 64 * 1024 * 1024
"""The largest .torrent file that is read: several times what clients accept."""

Dictionary = dict[bytes, Any]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadTorrentError(MikaError):
    """These bytes are no .torrent file that clients could use; the text says why."""


@dataclass(frozen=True, slots=True)
class Metainfo:
    """What a .torrent file says.

    `info_hash` is 20 bytes: SHA-1 of the info dictionary, or of a v2-only torrent the first 20 bytes of
    `info_hash_v2`, which is what clients announce (BEP 52). `info_hash_v2` is its SHA-256 when there is a v2 part.
    `size` is bytes of content. Padding files (BEP 47) do not count: nobody stores them, and the v2 half of a hybrid
    torrent does not have them, so both halves name one size. `warnings` are sentences for the operator.
    """

    info_hash: bytes
    info_hash_v2: bytes | None
    name: str
    size: int
    warnings: tuple[str, ...] = ()


def read_metainfo(data: bytes) -> Metainfo:
    """Read a whole .torrent file; raise `BadTorrentError`, and nothing else, when it is none."""
    info = _info(_decode(data))
    encoded = BencodeEncoder().encode(info)
    version = info.get(b"meta version", 1)
    if version not in (1, 2) or not isinstance(version, int):
        raise BadTorrentError('its "meta version" is neither 1 nor 2: mika knows no other')
    name = _name(info)
    piece_length = info.get(b"piece length")
    if not isinstance(piece_length, int) or piece_length <= 0:
        raise BadTorrentError('its "piece length" is not a positive number')
    warnings = [] if info.get(b"private") == 1 else ["it is not private: clients will also find peers by DHT and PEX"]
    if version == 1:
        size, padded = _size_v1(info)
        warnings += _piece_warnings(info[b"pieces"], padded, piece_length)
        return Metainfo(sha1(encoded, usedforsecurity=False).digest(), None, name, size, tuple(warnings))

    size = _checked_size(_size_of_tree(info.get(b"file tree")))
    hash_v2 = sha256(encoded).digest()
    info_hash = hash_v2[:20]
    if b"pieces" in info:
        size_v1, padded = _size_v1(info)
        if size_v1 != size:
            raise BadTorrentError(f"its v1 part holds {size_v1} bytes and its v2 part {size}: they must be the same")
        warnings += _piece_warnings(info[b"pieces"], padded, piece_length)
        info_hash = sha1(encoded, usedforsecurity=False).digest()
    return Metainfo(info_hash, hash_v2, name, size, tuple(warnings))


def _decode(data: bytes) -> Any:
    if not data:
        raise BadTorrentError("it is empty")
    if len(data) > MAX_BYTES:
        raise BadTorrentError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        decoded, strict = read_bencoded(data)
    except BadBencodingError as error:
        raise BadTorrentError(str(error)) from None
    if not strict:
        # The library reads more than BEP 3 allows; the info hash would not be the one that strict clients compute.
        raise BadTorrentError(
            "it is not strictly bencoded (keys unsorted or twice, or a number badly written), "
            "so clients would not agree on its info hash: make the file again"
        )
    return decoded


def _info(metainfo: Any) -> Dictionary:
    if not isinstance(metainfo, dict):
        raise BadTorrentError("it holds no dictionary, so it is no .torrent file")
    if b"info" not in metainfo:
        raise BadTorrentError('it has no "info", so it is no .torrent file')
    info = metainfo[b"info"]
    if not isinstance(info, dict):
        raise BadTorrentError('its "info" is not a dictionary')
    return info


def _name(info: Dictionary) -> str:
    name = info.get(b"name")
    if not isinstance(name, bytes) or not name:
        raise BadTorrentError('its "info" has no "name"')
    preferred = info.get(b"name.utf-8")  # written by old clients beside a name in another encoding
    if isinstance(preferred, bytes) and preferred:
        name = preferred
    return _CONTROL.sub("\ufffd", name.decode("utf-8", "replace"))


def _size_v1(info: Dictionary) -> tuple[int, int]:
    """Return the bytes of content, and the bytes including padding files, which the piece hashes cover."""
    pieces = info.get(b"pieces")
    if not isinstance(pieces, bytes):
        raise BadTorrentError('its "info" has no "pieces"')
    if len(pieces) % 20:
        raise BadTorrentError('the length of its "pieces" is no multiple of 20')
    if (b"length" in info) == (b"files" in info):
        raise BadTorrentError('its "info" must have either "length" (one file) or "files" (several)')
    if b"length" in info:
        size = _checked_size(_length(info))
        return size, size
    files = info[b"files"]
    if not isinstance(files, list) or not files:
        raise BadTorrentError('its "files" is not a list of files')
    size = padding = 0
    for file in files:
        if not isinstance(file, dict) or not _is_path(file.get(b"path")):
            raise BadTorrentError('a file in its "files" has no "path"')
        if _is_padding(file):
            padding += _length(file)
        else:
            size += _length(file)
    _checked_size(size + padding)
    return _checked_size(size), size + padding


def _size_of_tree(tree: Any) -> int:
    """Add up a `file tree` of BEP 52: names to subtrees, the empty name to the file itself."""
    if not isinstance(tree, dict) or not tree:
        raise BadTorrentError('its "file tree" is not a dictionary of files')
    size = 0
    for name, node in tree.items():
        if name:
            size += _size_of_tree(node)
            continue
        if not isinstance(node, dict) or len(tree) != 1:
            raise BadTorrentError('a file in its "file tree" is not a dictionary of its own')
        length = _length(node)
        root = node.get(b"pieces root")
        if length and not (isinstance(root, bytes) and len(root) == 32):
            raise BadTorrentError('a file in its "file tree" has no "pieces root" of 32 bytes')
        size += length
    return size


def _length(file: Dictionary) -> int:
    length = file.get(b"length")
    if not isinstance(length, int) or length < 0:
        raise BadTorrentError('a file has no "length", or a negative one')
    return length


def _is_path(path: Any) -> bool:
    return isinstance(path, list) and bool(path) and all(isinstance(part, bytes) for part in path)


def _is_padding(file: Dictionary) -> bool:
    attributes = file.get(b"attr")
    return isinstance(attributes, bytes) and b"p" in attributes


def _checked_size(size: int) -> int:
    if size == 0:
        raise BadTorrentError("its files are empty: there is nothing to share")
    if size > INT64_MAX:
        raise BadTorrentError("its files are larger than 2^63 bytes")
    return size


def _piece_warnings(pieces: bytes, size: int, piece_length: int) -> list[str]:
    """Say when the piece hashes do not cover the files: no matter to the tracker, but clients will not take it."""
    expected = -(-size // piece_length)
    if len(pieces) == 20 * expected:
        return []
    return [f"it has {len(pieces) // 20} piece hashes where its files need {expected}: clients will refuse it"]
