"""clients/testdata/torrents.json, which the tests of all clients read, is what mika itself makes of the same files."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from clients import torrents
from mika.wire.metainfo import BadTorrentError, read_metainfo

DOCUMENT = json.loads(torrents.FILE.read_text(encoding="utf-8"))
ALSO_FOR_MIKA = [each for each in DOCUMENT["bad"] if each["about"] != "too large a file"]


def test_file_is_up_to_date():
    """`python tests/clients/torrents.py` writes it."""
    assert torrents.FILE.read_text(encoding="utf-8") == torrents.document()


@pytest.mark.parametrize(
    "expected", [each for each in DOCUMENT["good"] if each["size"]], ids=lambda each: each["about"]
)
def test_mika_reads_them_alike(expected):
    """Hashes, name and size."""
    read = read_metainfo(b64decode(expected["torrent"]))
    assert read.info_hash.hex() == expected["info_hash"]
    assert (read.info_hash_v2.hex() if read.info_hash_v2 else None) == expected["info_hash_v2"]
    assert (read.name, read.size) == (expected["name"], expected["size"])


@pytest.mark.parametrize("bad", ALSO_FOR_MIKA, ids=lambda each: each["about"])
def test_mika_refuses_them_alike(bad):
    """But for files between 2^53 and 2^63 bytes, which the API refuses."""
    with pytest.raises(BadTorrentError):
        read_metainfo(b64decode(bad["torrent"]))
