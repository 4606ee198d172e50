"""What clients send, as far as it is known for certain: captured from them, or read in their sources.

A version that is newer than what is known here may do otherwise, and is not in the table: who is not in it is under no
suspicion. tests/first_words.py has what real clients sent.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Client(NamedTuple):
    """One client, as it writes its announces.

    `peer_id` is how its peer ids begin, `tail` what follows after 7 bytes. `names` is the order of its parameters.
    `plain` are the bytes beside letters and digits that it does not escape, None where that is not known; `digits` is
    what its escapes are written with. `agent` is how its User-Agent begins, empty where that may be anything.
    """

    name: str
    peer_id: re.Pattern[bytes]
    tail: re.Pattern[bytes]
    names: re.Pattern[str]
    digits: re.Pattern[bytes]
    key: re.Pattern[bytes]
    plain: bytes | None = None
    agent: str = ""


LOWER = re.compile(rb"[0-9a-f]*")
UPPER = re.compile(rb"[0-9A-F]*")
ANY_TAIL = re.compile(rb"-.*", re.DOTALL)

# http_tracker_connection.cpp of libtorrent 1.2 to 2.1; `+` because each address of the client's is named.
_LIBTORRENT = re.compile(
    r"info_hash peer_id port uploaded downloaded left corrupt key( event)? numwant compact no_peer_id"
    r"( supportcrypto)?( redundant)?( trackerid)?( ip)?( ipv4)*( ipv6)*"
)
_LIBTORRENT_TAIL = re.compile(rb"-[A-Za-z0-9_.!~*()-]{12}")
_LIBTORRENT_KEY = re.compile(rb"[0-9A-F]{1,8}")
_LIBTORRENT_PLAIN = b"-_!.~*()"

# announcer-http.c of Transmission 2.8 to 3.0 and announcer-http.cc of 4.
_TRANSMISSION = re.compile(
    r"info_hash peer_id port uploaded downloaded left numwant key compact supportcrypto( requirecrypto)?( corrupt)?"
    r"( event)?( trackerid)?( ip)?( ipv4)?( ipv6)?"
)
_TRANSMISSION_TAIL = re.compile(rb"-[0-9a-z]{12}")
_TRANSMISSION_KEY = re.compile(rb"[0-9A-Fa-f]{1,10}")

# tracker_http.cc of rakshasa's libtorrent, in which `key` has moved once.
_RTORRENT = re.compile(
    r"info_hash peer_id( key)?( trackerid)?( ip)? compact( key)?( trackerid)?( ip)?( ipv4)?( ip)?( ipv6)?( numwant)?"
    r" port uploaded downloaded left( numwant)?( event)?"
)

_UTORRENT = re.compile(
    r"info_hash peer_id port uploaded downloaded left corrupt key( event)? numwant compact no_peer_id( ip)?( ipv6)*"
)

_ARIA2 = re.compile(
    r"info_hash peer_id uploaded downloaded left compact key numwant no_peer_id( port)?( event)?( trackerid)?"
    r"( requirecrypto| supportcrypto)( ip)?"
)

CLIENTS = (
    Client(
        "qBittorrent",
        re.compile(rb"-qB(?:4[2-9]|5[0-2])[0-9A-Z]{2}"),
        _LIBTORRENT_TAIL,
        _LIBTORRENT,
        LOWER,
        _LIBTORRENT_KEY,
        _LIBTORRENT_PLAIN,
        "qBittorrent",
    ),
    Client(
        "Deluge",
        re.compile(rb"-DE2[0-2].."),
        _LIBTORRENT_TAIL,
        _LIBTORRENT,
        LOWER,
        _LIBTORRENT_KEY,
        _LIBTORRENT_PLAIN,
        "Deluge",
    ),
    Client(
        "libtorrent",
        re.compile(rb"-LT(?:12|2[01]).."),
        _LIBTORRENT_TAIL,
        _LIBTORRENT,
        LOWER,
        _LIBTORRENT_KEY,
        _LIBTORRENT_PLAIN,
    ),
    Client(
        "Transmission",
        re.compile(rb"-TR(?:2[89]|30)[0-9A-Za-z]{2}"),
        _TRANSMISSION_TAIL,
        _TRANSMISSION,
        LOWER,
        _TRANSMISSION_KEY,
        b"-_.~",
        "Transmission",
    ),
    Client(
        "Transmission",
        re.compile(rb"-TR4[01][0-9A-Za-z]{2}"),
        _TRANSMISSION_TAIL,
        _TRANSMISSION,
        UPPER,
        _TRANSMISSION_KEY,
        b"-_.~",
        "Transmission",
    ),
    Client(
        "rTorrent",
        re.compile(rb"-lt0[D-F]..", re.DOTALL),
        ANY_TAIL,
        _RTORRENT,
        UPPER,
        re.compile(rb"[0-9a-f]{8}"),
        b"-",
        "rtorrent",
    ),
    Client(
        "\u00b5Torrent",
        re.compile(rb"-UT3[0-6]..", re.DOTALL),
        ANY_TAIL,
        _UTORRENT,
        LOWER,
        re.compile(rb"[0-9A-F]{8}"),
        agent="uTorrent",
    ),
    Client(
        "BitTorrent",
        re.compile(rb"-BT7[0-9a-b]..", re.DOTALL),
        ANY_TAIL,
        _UTORRENT,
        LOWER,
        re.compile(rb"[0-9A-F]{8}"),
        agent="BitTorrent",
    ),
    Client(
        "aria2",
        re.compile(rb"A2-1-3[5-7]"),
        ANY_TAIL,
        _ARIA2,
        UPPER,
        re.compile(rb"[A-Za-z0-9%._~-]+"),
        b"-._~",
    ),
)
"""By how the peer id begins."""

NAMES = frozenset(re.findall(r"[a-z_0-9]+", "".join(client.names.pattern for client in CLIENTS)))
"""The parameters whose order is known; a new one that no client here knows is passed over."""

OTHERS = re.compile(
    r"(?i)(qbittorrent|deluge|transmission|rtorrent|utorrent|bittorrent/|aria2|azureus|vuze|biglybt|bitcomet|tixati"
    r"|mozilla|python|java/|apache-httpclient|okhttp|go-http-client|node|axios|wget|curl|reqwest|libwww|php|ruby|winhttp)"
)
"""What other clients, and programs that are no clients, call themselves."""


def client_of(peer_id: bytes) -> Client | None:
    """Return the client that a peer id names, None if it is none of those that are known."""
    return next((client for client in CLIENTS if client.peer_id.match(peer_id)), None)


def sums_up(tail: bytes) -> bool:
    """Say whether the tail of a Transmission's peer id is one: the digits of base 36 add up to a multiple of it."""
    return sum(int(chr(byte), 36) for byte in tail) % 36 == 0
