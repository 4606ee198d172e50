"""docs/remote-store.md: what it shows is what mika reads, and the example site has what it lists, and nothing else."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mika.store.remote_json import (
    entry_as_json,
    history_as_json,
    peer_as_json,
    read_entry,
    read_history,
    read_peer,
    read_role,
    read_suspicion,
    read_torrent,
    read_user,
    role_as_json,
    suspicion_as_json,
    torrent_as_json,
    user_as_json,
)
from mika.store.values import freeze_peer

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "remote-store.md").read_text()


def shown(section):
    """Return the JSON objects in the code blocks of a section."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def test_shown_nouns_are_what_mika_reads_and_writes():
    """Field by field, to the letter."""
    (user,), (torrent,), (peer,) = shown("Users"), shown("Torrents"), shown("Peers")
    with_tokens, with_void_keys, entry, history, suspicion = shown("What a site may offer beside")
    assert suspicion_as_json(read_suspicion(suspicion)) == suspicion
    assert history_as_json(read_history(history)) == history
    assert user_as_json(read_user(user), whole=True) == user
    assert read_user(user | with_tokens).freeleech == {b"\xaa" * 20: 1_798_135_200}
    assert read_user(user | with_void_keys).void_keys == {b"\xaa" * 20: 1}
    assert entry_as_json(read_entry(entry)) == entry
    assert torrent_as_json(read_torrent(torrent), whole=True) == torrent
    info_hash, read = read_peer(peer)
    assert peer_as_json(info_hash, freeze_peer(read)) == peer
    role = json.loads(re.search(r"A role is `(\{.*?\})`", PAGE, re.DOTALL)[1])
    assert role_as_json(read_role(role)) == role


@pytest.fixture(scope="module")
def routes():
    """Return method and pattern of each request that the example site answers, with all that it can offer."""
    sys.path.insert(0, str(DOCS / "examples"))
    found = {(method, pattern) for method, pattern, _ in import_module("site_offers").ROUTES}
    sys.path.remove(str(DOCS / "examples"))
    return found


def test_example_site_answers_what_the_page_lists(routes):
    """Each request of the tables has its route, and each route its request."""
    listed = set()
    for method, path in re.findall(r"`(GET|POST|DELETE) (/[^` ]*)`", PAGE):
        example = path.replace("ID", "17").replace("HASH", "ab" * 20)
        example = example.replace("passkey=P", "passkey").partition("?")[0] + (
            "?passkey" if "passkey=P" in path else ""
        )
        for kind in ("users", "torrents", "peers", "history"):
            found = {
                (verb, pattern)
                for verb, pattern in routes
                if verb == method and re.fullmatch(pattern, example.replace("KIND", kind))
            }
            assert len(found) == 1, (method, path)
            listed |= found
    assert listed == routes


def test_example_is_short():
    """It is read in one sitting."""
    for name in ("site_store.py", "site_offers.py"):
        assert len((DOCS / "examples" / name).read_text().splitlines()) <= 430
