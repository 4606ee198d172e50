"""How clients write announces: the order of parameters, the escapes, the headers. `sessions.py` fills them in.

As they were seen on the wire and in the clients' sources; trackers that look at fingerprints look at exactly this.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from random import Random

LETTERS = (string.ascii_letters + string.digits).encode()
BASE36 = (string.digits + string.ascii_lowercase).encode()
LIBTORRENT = LETTERS + b"-_.!~*()"
UNRESERVED = LETTERS + b"-_.~"
AZUREUS = LETTERS + b"-_.*"
ANY = bytes(range(256))


@dataclass(frozen=True, slots=True)
class Dialect:
    """One client: `before` and `after` are what stands around the three counters, `headers` follow the Host.

    `plain` bytes are not escaped, `tail` bytes end peer ids; `key` is how its secret is written. With `keeps_key` it
    says the same one after a restart; with `one_peer_id` it is the same peer in all of its torrents. `whole_pieces`:
    `left` counts what is not yet checked, in pieces. `pauses`: a partial seed says so (BEP 21).
    """

    name: str
    peer_id: str
    before: str
    after: str
    headers: str
    plain: bytes = UNRESERVED
    tail: bytes = LETTERS
    escape: str = "%{:02x}"
    key: str = "{:08X}"
    numwant: int = 200
    keeps_key: bool = False
    one_peer_id: bool = False
    whole_pieces: bool = False
    pauses: bool = False

    def escaped(self, raw: bytes) -> str:
        """Write bytes as this client does."""
        return "".join(chr(byte) if byte in self.plain else self.escape.format(byte) for byte in raw)

    def new_peer_id(self, random: Random) -> bytes:
        """Make a peer id: what the client is called, and the rest at random; Transmission's ends with a check."""
        tail = bytes(random.choices(self.tail, k=20 - len(self.peer_id)))
        if self.tail is BASE36:
            tail = tail[:-1] + BASE36[-sum(map(BASE36.index, tail[:-1])) % 36].to_bytes()
        return self.peer_id.encode() + tail

    def new_key(self, random: Random) -> str:
        """Make what the client proves by that it is the same."""
        return self.key.format(random.getrandbits(31))


_SHORT = "info_hash={info_hash}&peer_id={peer_id}&port={port}&"
_RASTERBAR = "&corrupt=0&key={key}{event}&numwant={numwant}&compact=1&no_peer_id=1&supportcrypto=1&redundant=0"
_CURL = "User-Agent: {}\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip, br, zstd\r\n"
_PLAIN = "User-Agent: {}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n"


def _libtorrent(name: str, peer_id: str, agent: str) -> Dialect:
    return Dialect(name, peer_id, _SHORT, _RASTERBAR, _PLAIN.format(agent), LIBTORRENT, LIBTORRENT)


def _transmission(name: str, peer_id: str, agent: str, escape: str, key: str) -> Dialect:
    after = "&numwant={numwant}&key={key}&compact=1&supportcrypto=1{event}"
    written = _CURL.format(agent), UNRESERVED, BASE36, escape, key
    return Dialect(name, peer_id, _SHORT, after, *written, numwant=80, whole_pieces=True, pauses=True)


QBITTORRENT = _libtorrent("qBittorrent 4.6.5", "-qB4650-", "qBittorrent/4.6.5")
QBITTORRENT_5 = _libtorrent("qBittorrent 5.0.3", "-qB5030-", "qBittorrent/5.0.3")
DELUGE = _libtorrent("Deluge 2.0.3", "-DE203s-", "Deluge/2.0.3 libtorrent/2.0.8.0")
TRANSMISSION = _transmission("Transmission 4.0.6", "-TR4060-", "Transmission/4.0.6", "%{:02X}", "{:08X}")
TRANSMISSION_3 = _transmission("Transmission 3.00", "-TR3000-", "Transmission/3.00", "%{:02x}", "{:08x}")
RTORRENT = Dialect(
    "rTorrent 0.9.8",
    "-lt0D80-",
    "info_hash={info_hash}&peer_id={peer_id}&key={key}&compact=1&port={port}&",
    "{event}",
    _CURL.format("rtorrent/0.9.8/0.13.8"),
    LETTERS + b"-",
    ANY,
    "%{:02X}",
    "{:08x}",
    one_peer_id=True,
)
UTORRENT = Dialect(
    "\u00b5Torrent 3.5.5",
    "-UT355W-",
    _SHORT,
    "&corrupt=0&key={key}{event}&numwant={numwant}&compact=1&no_peer_id=1",
    "User-Agent: uTorrent/355(111104683)(45838)\r\nAccept-Encoding: gzip\r\nConnection: Close\r\n",
    LIBTORRENT,
    ANY,
    keeps_key=True,
    one_peer_id=True,
)
BIGLYBT = Dialect(
    "BiglyBT 3.6.0",
    "-BI3600-",
    "info_hash={info_hash}&peer_id={peer_id}&supportcrypto=1&port={port}&azudp={port}&",
    "&corrupt=0{event}&numwant={numwant}&no_peer_id=1&compact=1&key={key}&azver=3",
    "User-Agent: BiglyBT/3.6.0.0;Windows 10;Java 11.0.20\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
    "Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\n",
    AZUREUS,
    LETTERS,
    "%{:02X}",
    "{:08X}",
    100,
    keeps_key=True,
)

COMMON = ((QBITTORRENT, 35), (QBITTORRENT_5, 20), (TRANSMISSION, 12), (UTORRENT, 8), (DELUGE, 8), (BIGLYBT, 5))
"""Clients at home, and of how many people."""

SERVERS = ((RTORRENT, 40), (QBITTORRENT, 25), (TRANSMISSION_3, 15), (DELUGE, 20))
"""The same of machines that run all the time."""
