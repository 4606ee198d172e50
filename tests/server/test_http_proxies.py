"""Whose request it is that arrives on the announce port: the connection's, or whom a trusted proxy names."""

from __future__ import annotations

import struct

import pytest
from builders import ADDRESS, ADDRESS6, Connection, announce_bytes, make_site

from mika.wire.address import PROXY_V2, packed

pytestmark = pytest.mark.usefixtures("log")

PROXY = "10.0.0.1"


def externals(connection: Connection) -> list[bytes]:
    """Return by which address each request was answered."""
    return [answer["external ip"] for answer in connection.answers()]


PROXIES = {"trusted_proxies": ["10.0.0.0/8", "fd00::/8"]}
FORWARDED = b"X-Forwarded-For: 6.6.6.6, 81.2.69.144\r\n"
V1 = b"PROXY TCP4 81.2.69.144 10.0.0.1 40000 34000\r\n"
V2 = PROXY_V2 + struct.pack("!BBH", 0x21, 0x11, 12) + packed("81.2.69.144") + bytes(4) + bytes((1, 2, 3, 4))
LOCAL = PROXY_V2 + struct.pack("!BBH", 0x20, 0, 0)


@pytest.mark.parametrize(
    ("config", "address", "greeting", "headers", "client"),
    [
        ({}, ADDRESS, b"", FORWARDED, ADDRESS),
        ({}, ADDRESS6, b"", b"X-Real-IP: 6.6.6.6\r\n", ADDRESS6),
        ({}, "::ffff:" + ADDRESS, b"", b"", ADDRESS),
        (PROXIES, ADDRESS, b"", FORWARDED, ADDRESS),
        (PROXIES, PROXY, b"", FORWARDED, "81.2.69.144"),
        (PROXIES, "::ffff:" + PROXY, b"", FORWARDED, "81.2.69.144"),
        (PROXIES, "fd00::1", b"", FORWARDED, "81.2.69.144"),
        (PROXIES, PROXY, b"", b"X-Real-IP: 81.2.69.145\r\n", "81.2.69.145"),
        (PROXIES, PROXY, b"", FORWARDED + b"X-Real-IP: 6.6.6.6\r\n", "81.2.69.144"),
        (PROXIES, PROXY, b"", b"X-Forwarded-For: " + ADDRESS6.encode() + b"\r\n", ADDRESS6),
        (PROXIES, PROXY, b"", b"", PROXY),
        (PROXIES, PROXY, V1, b"", "81.2.69.144"),
        (PROXIES, PROXY, V2, b"", "81.2.69.144"),
        (PROXIES, PROXY, V2, b"X-Forwarded-For: 6.6.6.6\r\n", "81.2.69.144"),
        (PROXIES, PROXY, LOCAL, b"", PROXY),
        (PROXIES, PROXY, LOCAL, FORWARDED, "81.2.69.144"),
    ],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_whose_request(config, address, greeting, headers, client, step) -> None:
    """The address is the connection's, or what a trusted proxy says, for every request of the connection."""
    site = make_site(**config)
    connection = Connection(site, address)
    data = greeting + announce_bytes(headers=headers) + announce_bytes(headers=headers)
    for start in range(0, len(data), step):
        connection.send(data[start : start + step])
    assert externals(connection) == [packed(client)] * 2


def test_proxy_speaks_for_many() -> None:
    """On one connection of a proxy each request is another client's."""
    site = make_site(**PROXIES)
    connection = Connection(site, PROXY)
    clients = [f"81.2.69.{number}" for number in range(1, 6)]
    connection.send(b"".join(announce_bytes(headers=b"X-Forwarded-For: %b\r\n" % each.encode()) for each in clients))
    assert externals(connection) == [packed(each) for each in clients]


@pytest.mark.parametrize("greeting", [V1, V2])
@pytest.mark.parametrize("config", [{}, PROXIES])
def test_proxy_protocol_from_anybody_else_is_no_request(config, greeting) -> None:
    """From an address that is not trusted the PROXY protocol is a bad request, and nothing more."""
    site = make_site(**config)
    connection = Connection(site, ADDRESS)
    connection.send(greeting + announce_bytes())
    assert connection.transport.value().startswith(b"HTTP/1.1 4")
    assert site.swarms.peer_count == 0


def test_malformed_proxy_protocol_ends_the_connection() -> None:
    """A trusted proxy that garbles the client's address is not believed, nor served."""
    site = make_site(**PROXIES)
    connection = Connection(site, PROXY)
    connection.send(b"PROXY TCP4 nobody nowhere 1 2\r\n" + announce_bytes())
    assert connection.transport.value().endswith(b"The PROXY protocol header is malformed\n")
    assert site.swarms.peer_count == 0
    assert connection.transport.finished
