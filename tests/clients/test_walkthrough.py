"""docs/clients.md: its functions are those of clients/php/examples/hooks.php, and do what the page says."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import bencodepy
import libtorrent
import pytest
from clients.programs import CLIENTS, environment, run

PAGE = (CLIENTS.parent / "docs" / "clients.md").read_text(encoding="utf-8")
HOOKS = CLIENTS / "php" / "examples" / "hooks.php"
BASE = 6000


@pytest.fixture
def php(tracker):
    """Return a function that runs PHP with the hooks and a client, `$mika`, and returns what the code returns."""

    def call(code: str) -> object:
        setup = "require 'autoload.php'; require 'examples/hooks.php'; $mika = new Mika\\Client();"
        program = f"{setup} echo json_encode((function () use ($mika) {{ {code} }})(), JSON_THROW_ON_ERROR);"
        return json.loads(run("php", "-r", program, cwd=CLIENTS / "php", env=environment(tracker)))

    return call


def test_page_shows_the_functions_as_they_are():
    """To the letter, and all of them but the one that writes sizes."""
    source = HOOKS.read_text(encoding="utf-8")
    shown = [block for block in re.findall(r"```php\n(.*?)```", PAGE, re.DOTALL) if "\nfunction " in block]
    for block in shown:
        assert block in source
    named = set(re.findall(r"^function (\w+)", source, re.MULTILINE))
    assert {re.search(r"^function (\w+)", block, re.MULTILINE)[1] for block in shown} == named - {"in_words"}


def test_a_torrent_goes_from_one_member_to_another(php, tracker, contents, tmp_path):
    """Sign-up, upload, download, announces, and the lines that the site's pages show."""
    php(f"on_sign_up($mika, {BASE}, 'ann'); on_sign_up($mika, {BASE + 1}, 'bob'); on_sign_up($mika, {BASE}, 'ann');")
    ann, bob = tracker.user(BASE), tracker.user(BASE + 1)
    public = contents["hybrid"].metainfo | {b"announce": b"http://other.example/announce", b"comment": b"walkthrough"}
    public[b"info"] = {key: value for key, value in public[b"info"].items() if key != b"private"} | {b"x": b"walk"}
    upload, kept = tmp_path / "upload.torrent", tmp_path / "kept.torrent"
    upload.write_bytes(bencodepy.encode(public))
    info_hash = php(
        f"[$hash, $kept] = on_upload($mika, file_get_contents('{upload}'));"
        f"file_put_contents('{kept}', $kept); return $hash;"
    )
    again = f"on_upload($mika, file_get_contents('{upload}'));"
    assert (
        php(f"try {{ {again} }} catch (DomainException $e) {{ return $e->getMessage(); }}")
        == "This torrent is here already."
    )

    def download(member: int) -> libtorrent.add_torrent_params:
        file = tmp_path / f"{member}.torrent"
        php(f"file_put_contents('{file}', on_download($mika, {member}, file_get_contents('{kept}')));")
        return libtorrent.load_torrent_buffer(file.read_bytes())

    for member in (ann, bob):
        personal = download(member["id"])
        assert personal.trackers == [f"https://tracker.example/{member['passkey']}/announce"]
        assert personal.ti.info_hashes().v1.to_bytes().hex() == info_hash
        assert personal.ti.priv()

    raw = bytes.fromhex(info_hash)
    peers = {"ann": b"-XX0001-ann%09d" % BASE, "bob": b"-XX0001-bob%09d" % BASE}
    tracker.announce(tracker.announce_url(ann), raw, peers["ann"], event="started", left=0)
    tracker.announce(tracker.announce_url(bob), raw, peers["bob"], event="started")
    assert php(f"return stats_line($mika, {BASE});") == "Up 0 B, down 0 B, ratio none yet, 0 points"
    tracker.announce(tracker.announce_url(ann), raw, peers["ann"], left=0, uploaded=3 << 30)
    tracker.announce(tracker.announce_url(bob), raw, peers["bob"], event="completed", left=0, downloaded=3 << 29)
    assert php(f"return stats_line($mika, {BASE});").startswith("Up 3.00 GiB, down 0 B, ratio none yet, ")
    assert php(f"return stats_line($mika, {BASE + 1});").startswith("Up 0 B, down 1.50 GiB, ratio 0.00, ")
    assert php(f"return swarm_line($mika, '{info_hash}');") == "2 seeders, 0 leechers, completed 1 times"

    swarms = php(f"return swarms_of($mika, ['{info_hash}']);")
    assert swarms[info_hash] | {"seeders": 2, "leechers": 0, "completed": 1} == swarms[info_hash]

    php(f"on_freeleech($mika, '{info_hash}');")
    tracker.announce(tracker.announce_url(bob), raw, peers["bob"], left=0, downloaded=3 << 30)
    assert tracker.user(BASE + 1)["downloaded"] == 3 << 29

    php(f"on_freeleech($mika, '{info_hash}', false); $mika->addBonus({BASE + 1}, '150');")
    bonus = Decimal(tracker.user(BASE + 1)["bonus"])
    for _ in "12":
        php(f"on_token_bought($mika, {BASE + 1}, '{info_hash}', 7);")
    tracker.announce(tracker.announce_url(bob), raw, peers["bob"], left=0, downloaded=5 << 30)
    user = tracker.user(BASE + 1)
    assert user["downloaded"] == 3 << 29
    assert bonus - 100 <= Decimal(user["bonus"]) < bonus - 99

    php(f"on_ban($mika, {BASE + 1});")
    assert b"failure reason" in tracker.announce(tracker.announce_url(bob), raw, peers["bob"], left=0)
    php(f"on_ban($mika, {BASE + 1}, false); on_passkey_leak($mika, {BASE + 1});")
    assert b"failure reason" in tracker.announce(tracker.announce_url(bob), raw, peers["bob"], left=0)
    renewed = tracker.announce_url(tracker.user(BASE + 1))
    tracker.secrets.add(bob["passkey"])
    assert tracker.announce(renewed, raw, peers["bob"], left=0)[b"complete"] == 2

    php(f"on_torrent_removed($mika, '{info_hash}', 'Replaced'); on_torrent_removed($mika, '{info_hash}', 'Replaced');")
    assert tracker.announce(renewed, raw, peers["bob"], left=0)[b"failure reason"] == b"Unregistered torrent: Replaced"


def test_members_whose_sign_up_was_lost_are_made_up_for(php, tracker):
    """Once: those who are there stay as they are."""
    names = f"[{BASE + 10} => 'cat', {BASE + 11} => 'dan']"
    php(f"on_sign_up($mika, {BASE + 10}, 'cat');")
    passkey = tracker.user(BASE + 10)["passkey"]
    assert php(f"return make_up_for_lost_sign_ups($mika, {names});") == 1
    assert php(f"return make_up_for_lost_sign_ups($mika, {names});") == 0
    assert (tracker.user(BASE + 11)["name"], tracker.user(BASE + 10)["passkey"]) == ("dan", passkey)


@pytest.mark.parametrize("readme", sorted(Path(CLIENTS).glob("*/README.md")), ids=lambda path: path.parent.name)
def test_readme_names_files_that_are_there(readme):
    """Its links, and the programs of its commands that need not be built."""
    text = readme.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (readme.parent / link).exists(), link
    for program in re.findall(r"^    (?:php|python) (\S+)", text, re.MULTILINE):
        assert (readme.parent / program).exists(), program
