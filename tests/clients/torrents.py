"""The .torrent files that every client must read alike: written to clients/testdata/torrents.json by this program.

What is expected of each is computed here from the dictionaries, and held against mika's own reading by a test.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import bencodepy

FILE = Path(__file__).parents[2] / "clients" / "testdata" / "torrents.json"

ANNOUNCE = "https://tracker.example/0123456789abcdef/announce"
"""The URL that `personal` announces to."""

PIECES = b"\x00\x01\xfe\xff" * 5


def tree(**lengths: int) -> dict[bytes, Any]:
    """Return a `file tree` of BEP 52; a name that begins with `_` stands for that without it."""
    return {
        name.removeprefix("_").encode(): {b"": {b"length": length, b"pieces root": b"r" * 32}}
        for name, length in lengths.items()
    }


def info(**fields: Any) -> dict[bytes, Any]:
    """Return an info dictionary of one small file; a field that is `None` is left out."""
    spelled = {
        "piece_length": "piece length",
        "meta_version": "meta version",
        "file_tree": "file tree",
        "name_utf_8": "name.utf-8",
    }
    named = {
        spelled.get(name, name): value for name, value in ({"name": b"a file", "piece_length": 16384} | fields).items()
    }
    return {name.encode(): value for name, value in named.items() if value is not None}


GOOD: dict[str, dict[bytes, Any]] = {
    "v1, public, of another tracker": {
        b"announce": b"http://other.example/announce",
        b"announce-list": [[b"http://other.example/announce"], [b"udp://third.example:80"]],
        b"info": info(length=5000, pieces=PIECES),
        b"nodes": [[b"router.example", 6881]],
        b"url-list": [b"https://seed.example/a%20file"],
    },
    "v1, private, several files, two of padding": {
        b"info": info(
            pieces=PIECES,
            private=1,
            files=[
                {b"length": 10, b"path": [b"1"]},
                {b"attr": b"p", b"length": 90, b"path": [b".pad", b"90"]},
                {b"attr": b"xp", b"length": 1, b"path": [b".pad", b"1"]},
                {b"attr": b"x", b"length": 20, b"path": [b"2", b"deep"]},
            ],
        ),
    },
    "hybrid": {
        b"info": info(meta_version=2, pieces=PIECES, length=7, file_tree=tree(one=7)),
        b"piece layers": {b"r" * 32: b"l" * 64},
    },
    "v2 only, private, names that look like numbers": {
        b"announce": b"",
        b"info": info(meta_version=2, private=1, file_tree=tree(_1=100, _02=20) | {b"3": tree(_4=3)}),
        b"piece layers": {},
    },
    "keys that look like numbers, empty lists and dictionaries": {
        b"10": [],
        b"9": {},
        b"comment": "naïve".encode(),
        b"info": info(length=0, pieces=b"") | {b"2": {}, b"10": [[], {}], b"x-\xff": -5},
    },
    "a name in another encoding, beside it in UTF-8": {
        b"info": info(name=b"Jap\xe4n", name_utf_8="Japän 日本".encode(), length=2**53, pieces=PIECES)
    },
    "a name that is not UTF-8, and has a control character": {
        b"info": info(name=b"a\xffb\x07c", length=1, pieces=PIECES, private=0)
    },
}

NO_TORRENT = bencodepy.encode({b"info": info(length=1, pieces=PIECES)})

BAD: dict[str, bytes] = {
    "empty": b"",
    "a page": b"<!doctype html>",
    "a list": b"le",
    "no info": b"de",
    "info is a list": b"d4:infolee",
    "cut short": NO_TORRENT[:-1],
    "cut in the middle": NO_TORRENT[:40],
    "something after its end": NO_TORRENT + b"e",
    "a string longer than the file": b"d4:info99:de",
    "a negative length of a string": b"d4:info-1:de",
    "a length with a zero before it": b"d04:infodee",
    "an integer with a zero before it": NO_TORRENT.replace(b"6:lengthi1e", b"6:lengthi01e"),
    "minus zero": NO_TORRENT.replace(b"6:lengthi1e", b"6:lengthi-0e"),
    "an integer of words": NO_TORRENT.replace(b"6:lengthi1e", b"6:lengthi e"),
    "an integer that is longer than 64 bits": NO_TORRENT.replace(b"6:lengthi1e", b"6:lengthi99999999999999999999e"),
    "keys of info that are not sorted": b"d4:infod4:name1:a6:lengthi1e6:pieces0:ee",
    "a key twice": b"d4:infod6:lengthi1e6:lengthi1e4:name1:a6:pieces0:ee",
    "lists within lists": b"d4:infod1:x" + b"l" * 1_000,
    "no name": bencodepy.encode({b"info": info(name=None, length=1, pieces=PIECES)}),
    "an empty name": bencodepy.encode({b"info": info(name=b"", length=1, pieces=PIECES)}),
    "no pieces": bencodepy.encode({b"info": info(length=1)}),
    "no length": bencodepy.encode({b"info": info(pieces=PIECES)}),
    "a negative length": bencodepy.encode({b"info": info(length=-1, pieces=PIECES)}),
    "too large a file": bencodepy.encode({b"info": info(length=2**53 + 1, pieces=PIECES)}),
    "files that are too large together": bencodepy.encode(
        {b"info": info(pieces=PIECES, files=[{b"length": 2**53, b"path": [b"%d" % at]} for at in range(1100)])}
    ),
    "files that are no list": bencodepy.encode({b"info": info(files=b"two", pieces=PIECES)}),
    "a file that is no dictionary": bencodepy.encode({b"info": info(files=[b"one"], pieces=PIECES)}),
    "a meta version of tomorrow": bencodepy.encode({b"info": info(meta_version=3, length=1, pieces=PIECES)}),
    "v2 without a file tree": bencodepy.encode({b"info": info(meta_version=2)}),
    "v2 with an empty file tree": bencodepy.encode({b"info": info(meta_version=2, file_tree={})}),
    "v2 with a file that has no length": bencodepy.encode({b"info": info(meta_version=2, file_tree={b"a": {b"": {}}})}),
}


def expected(metainfo: dict[bytes, Any], size: int) -> dict[str, Any]:
    """Return what a client must make of a .torrent file."""
    fields = metainfo[b"info"]
    private = metainfo | {b"info": fields | {b"private": 1}, b"announce": ANNOUNCE.encode()}
    for key in (b"announce-list", b"nodes"):
        private.pop(key, None)
    name = fields.get(b"name.utf-8") or fields[b"name"]
    return {
        "info_hash": info_hash(fields),
        "info_hash_v2": sha256(bencodepy.encode(fields)).hexdigest() if b"meta version" in fields else None,
        "name": name.decode(errors="replace").replace("\x07", "\ufffd"),
        "size": size,
        "private": fields.get(b"private") == 1,
        "private_info_hash": info_hash(private[b"info"]),
        "personal": b64encode(bencodepy.encode(private)).decode(),
    }


def info_hash(fields: dict[bytes, Any]) -> str:
    """Return what clients announce."""
    encoded = bencodepy.encode(fields)
    return sha1(encoded).hexdigest() if b"pieces" in fields else sha256(encoded).hexdigest()[:40]


SIZES = (5000, 30, 7, 123, 0, 2**53, 1)


def document() -> str:
    """Return the file."""
    good = [
        {"about": about, "torrent": b64encode(bencodepy.encode(metainfo)).decode(), **expected(metainfo, size)}
        for (about, metainfo), size in zip(GOOD.items(), SIZES, strict=True)
    ]
    bad = [{"about": about, "torrent": b64encode(data).decode()} for about, data in BAD.items()]
    return json.dumps({"announce": ANNOUNCE, "good": good, "bad": bad}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
