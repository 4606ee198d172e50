"""Addresses, canonical at the edge: packed bytes of 4 or 16, never an IPv4-mapped one; and which proxy to believe."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from functools import lru_cache

from mika.rules.refusal import PROXY_MALFORMED
from mika.wire.request import BadRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXY_V1 = b"PROXY "
PROXY_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
MAX_PROXY_V1 = 107
"""The longest version 1 header, its line end included."""

_PROXY_FAMILIES: dict[str, type[ipaddress.IPv4Address | ipaddress.IPv6Address]] = {
    "TCP4": ipaddress.IPv4Address,
    "TCP6": ipaddress.IPv6Address,
}
_MAPPED = b"\x00" * 10 + b"\xff\xff"


@lru_cache(maxsize=65536)
def packed(text: str) -> bytes:
    """Turn an address as text into 4 or 16 bytes; IPv4-mapped IPv6 is IPv4, a zone is dropped. ValueError if none."""
    return canonical(ipaddress.ip_address(text.partition("%")[0]).packed)


def canonical(address: bytes) -> bytes:
    """Turn an IPv4-mapped IPv6 address into the IPv4 address that it is."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address


@lru_cache(maxsize=65536)
def is_routable(address: bytes) -> bool:
    """Say whether a packed address can be reached from the whole internet: no private, loopback, link-local, ..."""
    value = ipaddress.ip_address(address)
    return value.is_global and not value.is_multicast


def to_text(address: bytes) -> str:
    """Turn a packed address into text."""
    return str(ipaddress.ip_address(address))


class TrustedProxies:
    """The networks whose word about a client's address is taken."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)
        # Workers behind one proxy ask for the same few addresses again and again.
        self.include = lru_cache(maxsize=4096)(self._include)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def _include(self, address: bytes) -> bool:
        value = ipaddress.ip_address(address)
        return any(value in network for network in self.networks)

    def client(self, address: bytes, forwarded: bytes, real_ip: bytes) -> bytes:
        """Answer whose request it is that came from `address` with these headers (X-Forwarded-For, X-Real-IP).

        The rightmost address that is no trusted proxy; a trusted proxy that names none speaks for itself.
        """
        if not self.include(address):
            return address
        for hop in reversed(forwarded.split(b",")):
            named = _hop(hop)
            if named is None:
                break  # a word that is no address: what stands left of it cannot be trusted either
            if not self.include(named):
                return named
        named = _hop(real_ip)
        return address if named is None else named


def _hop(text: bytes) -> bytes | None:
    """Read one hop: an address, perhaps in brackets, perhaps with a port."""
    hop = text.strip().decode("latin-1").strip('"')
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return packed(hop)
    except ValueError:
        return None


def read_proxy(data: bytes) -> tuple[bytes | None, int] | None:
    """Read a PROXY protocol header (version 1 or 2) at the start of a connection.

    Answers (packed client address or None for a proxy's own check, length of the header), or None when more bytes are
    needed; (None, 0) when the connection does not start with one. `BadRequest` if it is malformed.
    """
    if data.startswith(PROXY_V1):
        return _proxy_v1(data)
    if data.startswith(PROXY_V2):
        return _proxy_v2(data)
    if PROXY_V1.startswith(data) or PROXY_V2.startswith(data):
        return None
    return None, 0


def _proxy_v1(data: bytes) -> tuple[bytes | None, int] | None:
    end = data.find(b"\r\n", 0, MAX_PROXY_V1)
    if end < 0:
        if len(data) >= MAX_PROXY_V1:
            raise BadRequest(PROXY_MALFORMED, 400)
        return None
    words = data[:end].decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return None, end + 2
    family = _PROXY_FAMILIES.get(words[1])
    if family is None or len(words) != 6:
        raise BadRequest(PROXY_MALFORMED, 400)
    try:
        source, _ = family(words[2]), family(words[3])
        in_range = all(0 <= int(port) <= 65535 for port in words[4:])
    except ValueError:
        in_range = False
    if not in_range:
        raise BadRequest(PROXY_MALFORMED, 400)
    return canonical(source.packed), end + 2


def _proxy_v2(data: bytes) -> tuple[bytes | None, int] | None:
    if len(data) < 16:
        return None
    command, family, length = struct.unpack_from("!BBH", data, 12)
    if command not in (0x20, 0x21):
        raise BadRequest(PROXY_MALFORMED, 400)
    if len(data) < 16 + length:
        return None
    size = {0x11: 4, 0x21: 16}.get(family, 0)
    if command == 0x20 or not size:
        return None, 16 + length
    if length < 2 * size + 4:
        raise BadRequest(PROXY_MALFORMED, 400)
    return canonical(data[16 : 16 + size]), 16 + length
