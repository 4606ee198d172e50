"""A peer id to the name of its client, for people to read: "qBittorrent 4.6.2". The API shows it with each peer.

Three conventions are in use (BEP 20): Azureus's `-qB4620-`, Shadow's `A310--`, and Mainline's `M7-9-2--`.
"""

from __future__ import annotations

import re
from functools import lru_cache

AZUREUS = {
    "7T": "aTorrent",
    "AG": "Ares",
    "AR": "Arctic",
    "AV": "Avicora",
    "AX": "BitPump",
    "AZ": "Vuze",
    "BB": "BitBuddy",
    "BC": "BitComet",
    "BE": "Baretorrent",
    "BF": "Bitflu",
    "BG": "BTGetit",
    "BI": "BiglyBT",
    "BL": "BitCometLite",
    "BP": "BitTorrent Pro",
    "BR": "BitRocket",
    "BT": "BitTorrent",
    "BW": "BitWombat",
    "BX": "BittorrentX",
    "CD": "Enhanced CTorrent",
    "CT": "CTorrent",
    "DE": "Deluge",
    "DP": "Propagate",
    "EB": "EBit",
    "ES": "Electric Sheep",
    "FC": "FileCroc",
    "FD": "Free Download Manager",
    "FT": "FoxTorrent",
    "FX": "Freebox BitTorrent",
    "GS": "GSTorrent",
    "HL": "Halite",
    "HN": "Hydranode",
    "KG": "KGet",
    "KT": "KTorrent",
    "LC": "LeechCraft",
    "LH": "LH-ABC",
    "LP": "Lphant",
    "LT": "libtorrent",
    "LW": "LimeWire",
    "MO": "MonoTorrent",
    "MP": "MooPolice",
    "MR": "Miro",
    "MT": "MoonlightTorrent",
    "NX": "Net Transport",
    "OT": "OmegaTorrent",
    "PC": "CacheLogic",
    "PI": "PicoTorrent",
    "PT": "PHPTracker",
    "QT": "Qt",
    "RS": "Rufus",
    "RT": "Retriever",
    "RZ": "RezTorrent",
    "SB": "Swiftbit",
    "SD": "Thunder",
    "SN": "ShareNET",
    "SP": "BitSpirit",
    "SS": "SwarmScope",
    "ST": "SymTorrent",
    "SZ": "Shareaza",
    "TG": "Torrent GO",
    "TL": "Tribler",
    "TN": "TorrentDotNET",
    "TR": "Transmission",
    "TS": "Torrentstorm",
    "TT": "TuoTu",
    "TX": "Tixati",
    "UE": "\u00b5Torrent Embedded",
    "UL": "uLeecher",
    "UM": "\u00b5Torrent for Mac",
    "UT": "\u00b5Torrent",
    "UW": "\u00b5Torrent Web",
    "VG": "Vagaa",
    "WT": "BitLet",
    "WW": "WebTorrent",
    "WD": "WebTorrent Desktop",
    "XF": "Xfplay",
    "XL": "Xunlei",
    "XT": "XanTorrent",
    "XX": "XTorrent",
    "ZO": "Zona",
    "ZT": "ZipTorrent",
    "lt": "rTorrent",
    "qB": "qBittorrent",
    "st": "SharkTorrent",
}
"""By the two letters after the first dash."""

SHADOW = {
    "A": "ABC",
    "O": "Osprey Permaseed",
    "Q": "BTQueue",
    "R": "Tribler",
    "S": "Shadow",
    "T": "BitTornado",
    "U": "UPnP NAT",
}
"""By the first letter."""

_AZUREUS = re.compile(rb"-([A-Za-z0-9]{2})([0-9A-Za-z]{3})([0-9A-Za-z.~-])")
_SHADOW = re.compile(rb"([AOQRSTU])([0-9A-Za-z])([0-9A-Za-z])([0-9A-Za-z])[0-9A-Za-z-]{1,2}-")
_MAINLINE = re.compile(rb"([MQ])(\d{1,2})-(\d{1,2})-(\d{1,2})-")


@lru_cache(4096)
def client_name(peer_id: bytes) -> str | None:
    """Return the name of a client and its version; None if the peer id follows no convention that is known."""
    for pattern, name in ((_AZUREUS, _azureus), (_SHADOW, _shadow), (_MAINLINE, _mainline)):
        found = pattern.match(peer_id)
        if found:
            return name(*(part.decode("ascii") for part in found.groups()))
    return None


def _azureus(code: str, version: str, last: str) -> str | None:
    client = AZUREUS.get(code)
    if client is None:
        return None
    if client == "Transmission" and version[0] in "0123":  # 2.94 is 2940: two decimals, until 4.0.0
        return f"{client} {version[0]}.{version[1:]}"
    numbers = [str(_number(digit)) for digit in version]
    if last.isdigit() and last != "0":
        numbers.append(last)
    return f"{client} {'.'.join(numbers)}"


def _shadow(letter: str, *version: str) -> str:
    return f"{SHADOW[letter]} {'.'.join(str(_number(digit)) for digit in version)}"


def _mainline(letter: str, *version: str) -> str:
    return f"{'BitTorrent' if letter == 'M' else 'Queen Bee'} {'.'.join(version)}"


def _number(digit: str) -> int:
    """Return the value of a digit: 0 to 9, then A is 10; small letters, which some begin with, go on after Z."""
    if digit.isdigit():
        return int(digit)
    return ord(digit) - 55 if digit.isupper() else ord(digit) - 61
