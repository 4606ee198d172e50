"""Peer ids as real clients send them, and the names that people know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.wire.client import AZUREUS, client_name


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"-qB4620-", "qBittorrent 4.6.2"),
        (b"-qB5130-", "qBittorrent 5.1.3"),
        (b"-qB33A0-", "qBittorrent 3.3.10"),
        (b"-TR2940-", "Transmission 2.94"),
        (b"-TR3000-", "Transmission 3.00"),
        (b"-TR4060-", "Transmission 4.0.6"),
        (b"-TR410B-", "Transmission 4.1.0"),
        (b"-DE211s-", "Deluge 2.1.1"),
        (b"-UT355W-", "\u00b5Torrent 3.5.5"),
        (b"-lt0D80-", "rTorrent 0.13.8"),
        (b"-LT20B0-", "libtorrent 2.0.11"),
        (b"-AZ5750-", "Vuze 5.7.5"),
        (b"-BI3500-", "BiglyBT 3.5.0"),
        (b"-BC0202-", "BitComet 0.2.0.2"),
        (b"M7-10-3--", "BitTorrent 7.10.3"),
        (b"T03I----", "BitTornado 0.3.18"),
        (b"A310--", "ABC 3.1.0"),
    ],
)
def test_client_is_named(beginning, name):
    """With its version, as its makers write it."""
    assert client_name(beginning.ljust(20, b"x")) == name


@pytest.mark.parametrize(
    "peer_id", [b"", b"-", b"-??1234-" + b"x" * 12, b"-ZZ1000-" + b"x" * 12, b"\x00" * 20, b"x" * 20]
)
def test_unknown_client_has_no_name(peer_id):
    """It is not guessed."""
    assert client_name(peer_id) is None


@given(st.binary(max_size=20))
def test_any_peer_id_is_read(peer_id):
    """Whatever a client makes up."""
    name = client_name(peer_id)
    assert name is None or name.isprintable()


def test_table_has_two_letters_each():
    """As the convention has it."""
    assert [code for code in AZUREUS if len(code) != 2] == []
