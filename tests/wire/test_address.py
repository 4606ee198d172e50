"""Addresses as bytes, whose word about them is taken, and the PROXY protocol."""

from __future__ import annotations

import ipaddress
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mika.rules.refusal import PROXY_MALFORMED
from mika.wire.address import (
    MAX_PROXY_V1,
    PROXY_V1,
    PROXY_V2,
    TrustedProxies,
    canonical,
    is_routable,
    packed,
    read_proxy,
    to_text,
)
from mika.wire.request import BadRequest

V4 = bytes((81, 2, 69, 142))
V6 = ipaddress.ip_address("2a02:ec8:e1::1").packed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("81.2.69.142", V4),
        ("::ffff:81.2.69.142", V4),
        ("::FFFF:5102:458e", V4),
        ("2a02:ec8:e1::1", V6),
        ("2A02:0EC8:00E1:0::1", V6),
        ("fe80::1%eth0", ipaddress.ip_address("fe80::1").packed),
        ("::", bytes(16)),
        ("::81.2.69.142", bytes(12) + V4),
    ],
)
def test_packed(text, address) -> None:
    """Text becomes the bytes of its family; an IPv4-mapped address is IPv4."""
    assert packed(text) == address


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:80", "[::1]", ":::"])
def test_no_address(text) -> None:
    """What is no address is a ValueError."""
    with pytest.raises(ValueError, match="does not appear to be"):
        packed(text)


@given(st.binary(min_size=16, max_size=16) | st.binary(min_size=4, max_size=4))
def test_text_and_back(address) -> None:
    """Text of an address reads back as the same bytes, in canonical form."""
    assert packed(to_text(address)) == canonical(address)


@pytest.mark.parametrize(
    ("text", "routable"),
    [
        ("81.2.69.142", True),
        ("2a02:ec8:e1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("239.255.255.255", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("203.0.113.5", False),
        ("198.18.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd1e::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_routable(text, routable) -> None:
    """Only what the whole internet can reach is handed out."""
    assert is_routable(packed(text)) is routable


# ---- who is believed


PROXIES = TrustedProxies([ipaddress.ip_network(each) for each in ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")])


@pytest.mark.parametrize(
    ("address", "forwarded", "real_ip", "client"),
    [
        # from a proxy: the rightmost hop that is none
        ("10.0.0.1", "1.2.3.4", "", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6,1.2.3.4,10.0.0.7", "", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.7, 127.0.0.1", "", "1.2.3.4"),
        ("10.0.0.1", "2a02::1", "", "2a02::1"),
        ("10.0.0.1", "1.2.3.4,::ffff:10.0.0.7", "", "1.2.3.4"),
        ("10.0.0.1", "::ffff:1.2.3.4", "", "1.2.3.4"),
        ("fd00::1", "1.2.3.4, fd00::7", "", "1.2.3.4"),
        # with ports, brackets, quotes, spaces
        ("10.0.0.1", "1.2.3.4:5678", "", "1.2.3.4"),
        ("10.0.0.1", "[2a02::1]", "", "2a02::1"),
        ("10.0.0.1", "[2a02::1]:5678", "", "2a02::1"),
        ("10.0.0.1", '"[2a02::1]:5678"', "", "2a02::1"),
        ("10.0.0.1", " \t1.2.3.4 , 10.0.0.2\t", "", "1.2.3.4"),
        # a hop that is no address: nothing left of it is believed
        ("10.0.0.1", "1.2.3.4, unknown", "", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, unknown, 5.6.7.8", "", "5.6.7.8"),
        ("10.0.0.1", "1.2.3.4, unknown, 10.0.0.2", "9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "1.2.3.4, 999.1.1.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, _hidden:80, 10.0.0.2", "", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4\xff", "", "10.0.0.1"),
        # none named
        ("10.0.0.1", "", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "unknown", "10.0.0.1"),
        ("10.0.0.1", ",", "", "10.0.0.1"),
        # X-Real-IP only where X-Forwarded-For names nobody
        ("10.0.0.1", "", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "", "[2a02::1]:80", "2a02::1"),
        ("10.0.0.1", "1.2.3.4", "5.6.7.8", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.2", "5.6.7.8", "5.6.7.8"),
        # from anybody else: the connection's address, whatever is said
        ("81.2.69.142", "1.2.3.4", "5.6.7.8", "81.2.69.142"),
        ("81.2.69.142", "10.0.0.2", "", "81.2.69.142"),
        ("127.0.0.2", "1.2.3.4", "", "127.0.0.2"),
    ],
)
def test_client(address, forwarded, real_ip, client) -> None:
    """Whose request it is that a proxy, or somebody else, hands on."""
    said = PROXIES.client(packed(address), forwarded.encode("latin-1"), real_ip.encode())
    assert to_text(said) == client


def test_no_proxies() -> None:
    """Without trusted proxies nobody's word is taken."""
    nobody = TrustedProxies([])
    assert not nobody
    assert nobody.client(V4, b"1.2.3.4", b"5.6.7.8") == V4


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=30))
def test_any_headers_name_an_address(forwarded, real_ip) -> None:
    """Whatever the headers hold, the answer is an address in canonical form."""
    client = PROXIES.client(bytes((10, 0, 0, 1)), forwarded, real_ip)
    assert canonical(client) == client
    assert len(client) in (4, 16)


# ---- PROXY protocol


def v2(command: int = 0x21, family: int = 0x11, payload: bytes = V4 + bytes(4) + bytes((1, 2, 3, 4))) -> bytes:
    """Return a version 2 header: command, family and protocol, addresses and ports, then any extensions."""
    return PROXY_V2 + struct.pack("!BBH", command, family, len(payload)) + payload


PROXY_HEADERS = {
    "v1 IPv4": (b"PROXY TCP4 81.2.69.142 10.0.0.1 56324 443\r\n", V4),
    "v1 IPv6": (b"PROXY TCP6 2a02:ec8:e1::1 fd00::1 56324 443\r\n", V6),
    "v1 mapped": (b"PROXY TCP6 ::ffff:81.2.69.142 ::ffff:10.0.0.1 56324 443\r\n", V4),
    "v1 of nobody": (b"PROXY UNKNOWN\r\n", None),
    "v1 of nobody, with words": (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
    "v1 as long as can be": (
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535".ljust(MAX_PROXY_V1 - 2, b" ") + b"\r\n",
        None,
    ),
    "v2 IPv4": (v2(), V4),
    "v2 IPv6": (v2(family=0x21, payload=V6 + bytes(16) + bytes(4)), V6),
    "v2 mapped": (v2(family=0x21, payload=bytes(10) + b"\xff\xff" + V4 + bytes(16) + bytes(4)), V4),
    "v2 with extensions": (v2(payload=V4 + bytes(8) + b"\x03\x00\x04abcd"), V4),
    "v2 with long extensions": (v2(payload=V4 + bytes(8) + bytes(2000)), V4),
    "v2 local": (v2(0x20), None),
    "v2 local, empty": (v2(0x20, 0, b""), None),
    "v2 of no family": (v2(family=0, payload=b""), None),
    "v2 over UDP": (v2(family=0x12), None),
    "v2 of a Unix socket": (v2(family=0x31, payload=bytes(216)), None),
}


@pytest.mark.parametrize(("header", "address"), PROXY_HEADERS.values(), ids=PROXY_HEADERS)
@pytest.mark.parametrize("rest", [b"", b"GET /a HTTP/1.1\r\n\r\n"])
def test_proxy_header(header, address, rest) -> None:
    """A header is read up to its end, and what follows is the client's."""
    assert read_proxy(header + rest) == (address, len(header))


@pytest.mark.parametrize(("header", "address"), PROXY_HEADERS.values(), ids=PROXY_HEADERS)
def test_part_of_a_proxy_header_is_waited_for(header, address) -> None:
    """A header may come a byte at a time."""
    assert [read_proxy(header[:end]) for end in range(len(header))] == [None] * len(header)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\r\n\r\n",
        b"PROXZ ",
        b"P0",
        b"proxy tcp4",
        b"\r\nGET",
        b"\r\n\r\n\0\r\nQUIX",
        b"\x16\x03\x01",
        b" ",
    ],
)
def test_no_proxy_header(data) -> None:
    """A proxy need not send a header: what does not begin with one is the request itself."""
    assert read_proxy(data) == (None, 0)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY \r\n",
        b"PROXY  TCP4 81.2.69.142 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP5 81.2.69.142 10.0.0.1 56324 443\r\n",
        b"PROXY UDP4 81.2.69.142 10.0.0.1 56324 443\r\n",
        b"PROXY tcp4 81.2.69.142 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 56324\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 56324 443 1\r\n",
        b"PROXY TCP4 81.2.69.300 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4 81.2.69.142 nobody 56324 443\r\n",
        b"PROXY TCP4 2a02::1 fd00::1 56324 443\r\n",
        b"PROXY TCP6 81.2.69.142 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 -1 443\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 56324 65536\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 a b\r\n",
        b"PROXY TCP4 \xff 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4 81.2.69.142 10.0.0.1 56324 443\n" + b"GET /a HTTP/1.1\r\n",
        b"PROXY " + b"x" * MAX_PROXY_V1,
        b"PROXY " + b"x" * MAX_PROXY_V1 + b"\r\n",
        v2(0x11),
        v2(0x22),
        v2(0x31),
        v2(0xFF),
        v2(payload=V4 + V4),
        v2(payload=b""),
        v2(family=0x21),
    ],
)
def test_malformed_proxy_header_is_refused(header) -> None:
    """A header that is none ends the connection: the address would be a guess."""
    with pytest.raises(BadRequest) as caught:
        read_proxy(header)
    assert (caught.value.refusal, caught.value.status) == (PROXY_MALFORMED, 400)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [b"", PROXY_V1, b"PROXY TCP4 ", b"PROXY TCP6 ", PROXY_V2, PROXY_V2 + b"\x21", v2(), v2(family=0x21)]
    ),
    st.binary(max_size=130),
    st.sampled_from([b"", b"\r\n"]),
)
def test_any_bytes_are_read_or_refused(start, middle, end) -> None:
    """Whatever a trusted proxy sends: an address and a length, or more is needed, or the one error."""
    data = start + middle + end
    with suppress(BadRequest):
        read = read_proxy(data)
        if read is not None:
            address, length = read
            assert address is None or len(address) in (4, 16)
            assert 0 <= length <= len(data)
