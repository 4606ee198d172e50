"""Each client's example is run as its README says: a member signs up, a torrent is uploaded, and a ratio is shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import bencodepy
import libtorrent
import pytest
from clients.programs import CLIENTS, environment, run
from functional.content import SIZE


class Example(NamedTuple):
    """A client, the command that runs its example, and the id of the member whom it signs up."""

    client: str
    command: tuple[str, ...]
    member: int


EXAMPLES = (
    Example("python", (sys.executable, "examples/site.py"), 11),
    Example("python", (sys.executable, "examples/site_twisted.py"), 12),
    Example("go", ("go", "run", "./examples/site"), 13),
    Example("php", ("php", "examples/site.php"), 14),
    Example("typescript", ("node", "dist/examples/site.js"), 15),
)


@pytest.fixture(params=EXAMPLES, ids=lambda example: f"{example.client}-{Path(example.command[-1]).name}")
def example(request) -> tuple[Example, Path]:
    """Return an example and the folder where it is run."""
    built = request.param.client == "typescript"
    folder = request.getfixturevalue("typescript") if built else CLIENTS / request.param.client
    return request.param, folder


@pytest.mark.parametrize("kind", ["v1", "hybrid"])
def test_example_does_what_it_says(example, kind, tracker, contents, tmp_path):
    """Its output is what the API shows, its .torrent file is the member's, and announces by it make the ratio."""
    (_, command, member), folder = example
    public = {key: value for key, value in contents[kind].metainfo.items() if key != b"info"}
    info = {key: value for key, value in contents[kind].metainfo[b"info"].items() if key != b"private"}
    info[b"example"] = f"{member} {kind}".encode()  # another torrent for each example
    (tmp_path / "FILE.torrent").write_bytes(bencodepy.encode(public | {b"info": info, b"announce": b"http://a/b"}))
    member += 100 * (kind == "hybrid")

    def show() -> list[str]:
        arguments = (str(member), "Zoë", tmp_path / "FILE.torrent", tracker.base(), tmp_path / "OUT.torrent")
        return run(*command, *map(str, arguments), cwd=folder, env=environment(tracker)).splitlines()

    first = show()
    handed_out = libtorrent.load_torrent_buffer((tmp_path / "OUT.torrent").read_bytes())
    hashes = handed_out.ti.info_hashes()
    info_hash = hashes.v1.to_bytes()
    user, torrent = tracker.user(member), tracker.torrent(info_hash)
    assert user["name"] == "Zoë"
    assert torrent["info_hash_v2"] == (hashes.v2.to_bytes().hex() if kind == "hybrid" else None)
    assert (torrent["name"], torrent["size"]) == ("content.bin", SIZE)
    assert (handed_out.ti.priv(), handed_out.trackers) == (True, [tracker.announce_url(user)])
    assert first == [
        f"member {member} is Zoë, role {user['role']}",
        f"torrent {info_hash.hex()} is content.bin, {SIZE} bytes, 0 seeders",
        "up 0, down 0, ratio none yet",
    ]

    (url,) = handed_out.trackers
    peer = b"-XX0001-%012d" % member
    tracker.announce(url, info_hash, peer, event="started")
    answer = tracker.announce(
        url, info_hash, peer, event="completed", left=0, uploaded=(3 << 50) + 1, downloaded=1 << 51
    )
    assert answer[b"complete"] == 1
    assert show() == [
        first[0],
        first[1].replace("0 seeders", "1 seeders"),
        f"up {(3 << 50) + 1}, down {1 << 51}, ratio 1.50",
    ]


def test_example_says_in_one_line_what_is_wrong(example, tracker, contents, tmp_path):
    """A wrong token, a certificate that is not trusted, and what is no .torrent file: status 1 and no traceback."""
    (_, command, member), folder = example
    good, bad = tmp_path / "FILE.torrent", tmp_path / "BAD.torrent"
    good.write_bytes(contents["v1"].torrent_file())
    bad.write_bytes(b"<!doctype html>")
    program = " ".join(f"'{word}'" for word in command)
    for words, file, settings in (
        ("401 Unauthorized", good, {"MIKA_TOKEN": "an-invented-token"}),
        ("certificate", good, {"MIKA_CA": ""}),
        ("does not answer", good, {"MIKA_URL": "https://127.0.0.1:1"})
        if "go" not in command
        else ("refused", good, {"MIKA_URL": "https://127.0.0.1:1"}),
        ("no .torrent file", bad, {}),
    ):
        arguments = f"{member + 1000} bob '{file}' {tracker.base()} '{tmp_path / 'OUT.torrent'}'"
        shell = f"{program} {arguments} 2>&1; echo status $?"
        output = run("sh", "-c", shell, cwd=folder, env=environment(tracker) | settings).splitlines()
        assert output[-1] == "status 1", output
        said = [line for line in output[:-1] if not line.startswith(("member ", "exit status "))]
        assert len(said) == 1, output
        assert words in said[0]
    assert not (tmp_path / "OUT.torrent").exists()
