"""Bytes of .torrent files, good and malformed, into what the tracker keeps of them."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha1, sha256

import bencodepy
import libtorrent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mika.wire.metainfo import MAX_BYTES, BadTorrentError, Metainfo, read_metainfo

PIECE = 16384


def v1(**changes) -> dict:
    """Return the info dictionary of a private one-file v1 torrent; a change to None leaves the key out."""
    info = {"name": "a film.mkv", "piece length": PIECE, "pieces": bytes(20), "length": 5000, "private": 1}
    info |= {key.replace("_", " "): value for key, value in changes.items()}
    return {key: value for key, value in info.items() if value is not None}


def v2(**changes) -> dict:
    """Return the info dictionary of a private v2-only torrent of two files."""
    tree = {"sub": {"b": {"": {"length": 3000, "pieces root": bytes(32)}}}, "a": {"": {"length": 0}}}
    info = {"file_tree": tree, "meta_version": 2, "pieces": None, "length": None}
    return v1(**(info | changes))


def torrent(info) -> bytes:
    """Return a whole .torrent file."""
    return bencodepy.encode({"announce": "http://tracker.example/announce", "info": info})


def leaf(**fields) -> dict:
    """Return a `file tree` of one file."""
    return {"x": {"": {key.replace("_", " "): value for key, value in fields.items()}}}


def nested(depth: int) -> bytes:
    """Return a .torrent with lists nested in its info dictionary."""
    return b"d4:infod1:x" + b"l" * depth + b"e" * depth + b"ee"


def test_v1_file() -> None:
    """A v1 torrent has the SHA-1 of its info dictionary, and no second hash."""
    info = v1()
    expected = Metainfo(sha1(bencodepy.encode(info)).digest(), None, "a film.mkv", 5000)
    assert expected == read_metainfo(torrent(info))


def test_v2_file() -> None:
    """A v2-only torrent is announced by the first 20 bytes of its SHA-256 (BEP 52)."""
    info = v2()
    digest = sha256(bencodepy.encode(info)).digest()
    assert Metainfo(digest[:20], digest, "a film.mkv", 3000) == read_metainfo(torrent(info))


def test_hybrid_file() -> None:
    """A hybrid torrent has both hashes, and its padding counts in neither half."""
    files = [
        {"length": 0, "path": ["a"]},
        {"length": PIECE - 1, "path": [".pad", "1"], "attr": "p"},
        {"length": 3000, "path": ["sub", "b"]},
    ]
    info = v2(files=files, pieces=bytes(40))
    encoded = bencodepy.encode(info)
    expected = Metainfo(sha1(encoded).digest(), sha256(encoded).digest(), "a film.mkv", 3000)
    assert expected == read_metainfo(torrent(info))


@pytest.mark.parametrize("flags", [libtorrent.create_torrent.v1_only, libtorrent.create_torrent.v2_only, 0])
def test_agrees_with_libtorrent(tmp_path, flags) -> None:
    """Files that libtorrent makes are read as libtorrent reads them."""
    (tmp_path / "first").write_bytes(bytes(40_000))
    (tmp_path / "second").write_bytes(bytes(70_001))
    made = libtorrent.create_torrent(libtorrent.list_files(str(tmp_path)), PIECE, flags)
    made.set_priv(True)
    libtorrent.set_piece_hashes(made, str(tmp_path.parent))
    data = libtorrent.bencode(made.generate())
    hashes = libtorrent.torrent_info(libtorrent.bdecode(data)).info_hashes()

    metainfo = read_metainfo(data)

    assert str(hashes.v2) == (metainfo.info_hash_v2 or bytes(32)).hex()
    assert str(hashes.v1 if hashes.has_v1() else hashes.get_best()) == metainfo.info_hash.hex()
    assert (tmp_path.name, 110_001, ()) == (metainfo.name, metainfo.size, metainfo.warnings)


@pytest.mark.parametrize(
    ("info", "warning"),
    [
        (v1(private=None), "not private"),
        (v1(private=0), "not private"),
        (v1(private="1"), "not private"),
        (v1(length=PIECE + 1), "1 piece hashes where its files need 2"),
        (v1(pieces=bytes(60)), "3 piece hashes where its files need 1"),
    ],
)
def test_warns_and_reads(info, warning) -> None:
    """What is the operator's choice, or no matter to the tracker, is a warning."""
    [said] = read_metainfo(torrent(info)).warnings
    assert warning in said


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "Der Spaß"}, "Der Spaß"),
        ({"name": b"caf\xe9", "name.utf-8": "café"}, "café"),
        ({"name": b"caf\xe9"}, "caf\ufffd"),
        ({"name": "a\x1b[31mb\n"}, "a\ufffd[31mb\ufffd"),
    ],
)
def test_names(changes, name) -> None:
    """A name is text without control characters, whatever the bytes were."""
    assert name == read_metainfo(torrent(v1(**changes))).name


MALFORMED = {
    "empty": (b"", "it is empty"),
    "text": (b"<html>log in</html>", "not bencoded"),
    "magnet": (b"magnet:?xt=urn:btih:" + b"a" * 40, "not bencoded"),
    "cut off in a string": (torrent(v1())[:-7], "not bencoded, or damaged"),
    "cut off in a key": (b"d4:inf", "not bencoded, or damaged"),
    "a line feed at the end": (torrent(v1()) + b"\n", "bytes after its end"),
    "two in one": (torrent(v1()) * 2, "bytes after its end"),
    "a number": (b"i5e", "holds no dictionary"),
    "a list": (b"le", "holds no dictionary"),
    "no info": (b"de", 'no "info"'),
    "info is a string": (b"d4:info2:xxe", '"info" is not a dictionary'),
    "keys unsorted": (b"d1:bi1e1:ai2ee", "not strictly bencoded"),
    "a key twice": (b"d1:ai1e1:ai2ee", "not strictly bencoded"),
    "a number with a plus": (b"d1:ai+1ee", "not strictly bencoded"),
    "a number with an underscore": (b"d1:ai1_0ee", "not strictly bencoded"),
    "a number with a zero before": (b"d1:ai01ee", "not bencoded"),
    "a number without end": (b"d1:ai" + b"1" * 9999, "not bencoded"),
    "a length with a space": (b"d1 :ai1ee", "not strictly bencoded"),
    "a negative length, for ever": (b"d1:ai1e-6:", "not bencoded"),
    "a length beyond the end": (b"d4:info99999999999:xe", "not bencoded"),
    "key is a number": (b"di1ei2ee", "not bencoded"),
    "nested 5,000 deep": (nested(5000), "too deep"),
    "nested 150 deep": (nested(150), "too deep"),
    "too large": (b"d4:info%d:" % MAX_BYTES + bytes(MAX_BYTES) + b"e", "larger than 64 MiB"),
    "no name": (torrent(v1(name=None)), 'no "name"'),
    "name empty": (torrent(v1(name="")), 'no "name"'),
    "name is a number": (torrent(v1(name=5)), 'no "name"'),
    "no piece length": (torrent(v1(piece_length=None)), '"piece length"'),
    "piece length 0": (torrent(v1(piece_length=0)), '"piece length"'),
    "no pieces": (torrent(v1(pieces=None)), 'no "pieces"'),
    "pieces of 19 bytes": (torrent(v1(pieces=bytes(19))), "multiple of 20"),
    "no length": (torrent(v1(length=None)), 'either "length"'),
    "length and files": (torrent(v1(files=[{"length": 5, "path": ["x"]}])), 'either "length"'),
    "length negative": (torrent(v1(length=-1)), "negative"),
    "length is a string": (torrent(v1(length="5")), '"length"'),
    "length of 70 digits": (torrent(v1(length=10**70)), "larger than 2^63"),
    "nothing in it": (torrent(v1(length=0, pieces="")), "nothing to share"),
    "files empty": (torrent(v1(length=None, files=[])), '"files"'),
    "files is a dictionary": (torrent(v1(length=None, files={})), '"files"'),
    "a file is a string": (torrent(v1(length=None, files=["x"])), '"path"'),
    "a file without path": (torrent(v1(length=None, files=[{"length": 5}])), '"path"'),
    "a file with an empty path": (torrent(v1(length=None, files=[{"length": 5, "path": []}])), '"path"'),
    "a file without length": (torrent(v1(length=None, files=[{"path": ["x"]}])), '"length"'),
    "padding alone": (torrent(v1(length=None, files=[{"attr": "p", "length": 5, "path": ["x"]}])), "nothing to share"),
    "meta version 3": (torrent(v1(meta_version=3)), '"meta version"'),
    "meta version is a list": (torrent(v1(meta_version=[2])), '"meta version"'),
    "v2 without file tree": (torrent(v2(file_tree=None)), '"file tree"'),
    "v2 with an empty file tree": (torrent(v2(file_tree={})), '"file tree"'),
    "v2 with a string as file": (torrent(v2(file_tree={"x": "y"})), '"file tree"'),
    "v2 without pieces root": (torrent(v2(file_tree=leaf(length=5))), '"pieces root"'),
    "v2 with a short pieces root": (torrent(v2(file_tree=leaf(length=5, pieces_root=bytes(20)))), '"pieces root"'),
    "v2 file that is a folder, too": (torrent(v2(file_tree={"x": {"": {"length": 0}, "y": {}}})), '"file tree"'),
    "hybrid of two sizes": (torrent(v2(pieces=bytes(20), length=4000)), "they must be the same"),
}


@pytest.mark.parametrize(("data", "words"), MALFORMED.values(), ids=MALFORMED)
def test_refuses_in_words(data, words) -> None:
    """Every malformed file is refused in one line that says what is wrong with it."""
    with pytest.raises(BadTorrentError) as caught:
        read_metainfo(data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def read_or_refuse(data: bytes) -> None:
    """Read, and let only the one error pass."""
    with suppress(BadTorrentError):
        assert len(read_metainfo(data).info_hash) == 20


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(), st.text("dlie-0123456789:ax", max_size=30).map(str.encode)))
def test_any_bytes_are_read_or_refused(data) -> None:
    """Random bytes, and random bytes of bencode's own alphabet, end in a value or in the one error."""
    read_or_refuse(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data) -> None:
    """So does a good file in which bytes were replaced."""
    content = bytearray(torrent(data.draw(st.sampled_from([v1(), v2(), v2(pieces=bytes(20), length=3000)]))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(content))


VALUES = st.recursive(
    st.one_of(st.integers(), st.binary(max_size=40)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.binary(max_size=12), inner, max_size=3)),
    max_leaves=6,
)
KEYS = ("name", "piece length", "pieces", "length", "files", "file tree", "meta version", "private", "name.utf-8")


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.sampled_from([v1(), v2()]))
def test_any_types_are_read_or_refused(changes, info) -> None:
    """So does well-formed bencode with any value under the keys that are looked at."""
    read_or_refuse(torrent(info | changes))
