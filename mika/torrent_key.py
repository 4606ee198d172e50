"""Keys a torrent: what stands in the passkey's place in the announce URL and is good for one user and one torrent.

Made for the API, read for `tracker.py`. No secret but the tracker's is in one, and nobody else can tell whose it is, so
that a .torrent file that leaked gives away one torrent, and neither a passkey nor a name.
"""

from __future__ import annotations

import struct
from base64 import b64decode, urlsafe_b64encode
from functools import lru_cache
from hmac import compare_digest, digest
from typing import NamedTuple

from mika.model import User

LENGTH = 64
"""Characters of a key: as long as a passkey may be, so that most passkeys are told from a key by their length."""

TAG = 16
KNOWN = 100_000
"""Keys that were read are remembered, and so many at most; one that is read anew costs some ten microseconds."""

_PLAIN = struct.Struct(">q4s20s")


class TorrentKey(NamedTuple):
    """What a key says: whose it is, for which torrent, and of which passkey and generation it was made (`stamp`)."""

    user_id: int
    stamp: bytes
    info_hash: bytes


class TorrentKeys:
    """Makes and reads the keys of one secret.

    A key is base64url of a tag and of 32 bytes that are hidden: user id, stamp, info hash. The tag is the HMAC-SHA256
    of those, cut to 128 bits; what hides them is the HMAC-SHA256 of the tag (deterministic authenticated encryption,
    as RFC 5297 builds it of another function). A stamp is 32 bits of the HMAC-SHA256 of the passkey and the generation
    (how many keys of this user for this torrent are void), so that a key ends with either.
    """

    def __init__(self, secret: bytes) -> None:
        self._sign, self._hide, self._of_user = (
            digest(secret, purpose, "sha256") for purpose in (b"sign", b"hide", b"stamp")
        )
        self.read = lru_cache(KNOWN)(self._read)
        self._stamp = lru_cache(KNOWN)(self._make_stamp)

    def make(self, user: User, info_hash: bytes) -> str:
        """Return the key that is good now for a user and a torrent, by its own `info_hash`."""
        plain = _PLAIN.pack(user.id, self._stamp_of(user, info_hash), info_hash)
        tag = digest(self._sign, plain, "sha256")[:TAG]
        return urlsafe_b64encode(tag + self._masked(plain, tag)).decode("ascii")

    def is_good(self, key: TorrentKey, user: User) -> bool:
        """Say whether a key of this user is neither void nor of a passkey that the user had before."""
        return compare_digest(key.stamp, self._stamp_of(user, key.info_hash))

    def _read(self, text: str) -> TorrentKey | None:
        """Return what a key says; None if it is none, or of another secret."""
        try:
            data = b64decode(text, b"-_", validate=True)
        except ValueError:
            return None
        if len(text) != LENGTH or len(data) != TAG + _PLAIN.size:
            return None
        tag = data[:TAG]
        plain = self._masked(data[TAG:], tag)
        if not compare_digest(digest(self._sign, plain, "sha256")[:TAG], tag):
            return None
        return TorrentKey(*_PLAIN.unpack(plain))

    def _masked(self, data: bytes, tag: bytes) -> bytes:
        """Hide what can be read, or show what is hidden."""
        mask = digest(self._hide, tag, "sha256")
        return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(len(mask), "big")

    def _stamp_of(self, user: User, info_hash: bytes) -> bytes:
        return self._stamp(user.passkey, user.void_keys.get(info_hash, 0))

    def _make_stamp(self, passkey: str, generation: int) -> bytes:
        return digest(self._of_user, f"{generation} {passkey}".encode(), "sha256")[:4]
