"""Something to share: a file of random bytes, and its private .torrent for each user."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bencodepy
import libtorrent

PIECE_SIZE = 64 * 1024
SIZE = 3 * 1024 * 1024 + 12_345
"""Bytes: some fifty pieces, the last of them short."""


@dataclass(frozen=True)
class Content:
    """A file in `directory` and its torrent: info hashes as bytes, `metainfo` without an announce URL."""

    directory: Path
    info_hash: bytes
    info_hash_v2: bytes | None
    metainfo: dict[bytes, Any]

    @property
    def file(self) -> Path:
        """The file itself."""
        return self.directory / "content.bin"

    @property
    def fields(self) -> dict[str, Any]:
        """The torrent as the admin API takes it."""
        fields: dict[str, Any] = {"info_hash": self.info_hash.hex(), "name": self.file.name, "size": SIZE}
        return fields if self.info_hash_v2 is None else fields | {"info_hash_v2": self.info_hash_v2.hex()}

    def torrent_file(self, *announce_urls: str) -> bytes:
        """Return the .torrent file of a user, with each announce URL in a tier of its own (BEP 12)."""
        tiers = [[url.encode()] for url in announce_urls]
        announce = {b"announce": tiers[0][0], b"announce-list": tiers} if tiers else {}
        encoded: bytes = bencodepy.encode(self.metainfo | announce)
        return encoded


def make_content(directory: Path, *, hybrid: bool = False) -> Content:
    """Make a file and its torrent, a v1 one or (`hybrid`) both v1 and v2 (BEP 52)."""
    directory.mkdir()
    file = directory / "content.bin"
    file.write_bytes(os.urandom(SIZE))
    flags = 0 if hybrid else libtorrent.create_torrent.v1_only
    creation = libtorrent.create_torrent(libtorrent.list_files(str(file)), PIECE_SIZE, flags)
    creation.set_priv(True)
    libtorrent.set_piece_hashes(creation, str(directory))
    metainfo = creation.generate()
    hashes = libtorrent.load_torrent_buffer(bencodepy.encode(metainfo)).ti.info_hashes()
    return Content(directory, hashes.v1.to_bytes(), hashes.v2.to_bytes() if hybrid else None, metainfo)
