"""Over a hundred malformed requests: each is answered with its status or its code, and nothing comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from builders import INFO_HASH, PASSKEY, Connection, Site, SlowStore, announce_target, make_site, result

from mika.testing.subjects import peers_of

pytestmark = pytest.mark.usefixtures("log")

GOOD = announce_target()
QUERY = GOOD.partition("?")[2]
ESCAPED = "".join(f"%{byte:02x}" for byte in INFO_HASH)


def get(target: str | bytes, rest: bytes = b" HTTP/1.1\r\nHost: tracker\r\n\r\n", method: bytes = b"GET") -> bytes:
    """Return a request of this target."""
    return method + b" " + (target.encode("latin-1") if isinstance(target, str) else target) + rest


def said(**params: Any) -> bytes:
    """Return an announce in which a parameter is another, or (None) is left out."""
    return get(announce_target(**params))


def header(line: bytes) -> bytes:
    """Return an announce with this header line."""
    return get(GOOD, b" HTTP/1.1\r\n" + line + b"\r\n\r\n")


REQUESTS: list[tuple[bytes, int | str]] = [
    # no HTTP at all
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), 400),
    (b"\x80\x2e\x01\x00\x02", 400),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", 400),
    (b"\x13BitTorrent protocol" + bytes(48), 400),
    (b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe", 400),
    (b"\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x12\x34\x56\x78", 400),
    (bytes(100), 400),
    (b"\xff" * 100, 400),
    (b"*1\r\n$4\r\nPING\r\n", 400),
    (b"EHLO mail.example\r\n\r\n", 400),
    (b"PROXY TCP4 6.6.6.6 10.0.0.1 1 2\r\n" + get(GOOD), 400),
    (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + get(GOOD), 400),
    (b"\r\n" * 5000, 400),
    (b"\n\n\n\n", 400),
    (b"\r\r\r\r\n", 400),
    # request lines
    (b"GET\r\n\r\n", 400),
    (b"GET /\r\n\r\n", 400),
    (b"GET HTTP/1.1\r\n\r\n", 400),
    (get(GOOD, b"\r\n\r\n"), 400),
    (get(GOOD, b" HTTP/0.9\r\n\r\n"), 400),
    (get(GOOD, b" HTTP/2.0\r\n\r\n"), 400),
    (get(GOOD, b" HTTP/1.10\r\n\r\n"), 400),
    (get(GOOD, b" http/1.1\r\n\r\n"), 400),
    (get(GOOD, b" HTTP/1.1 \r\n\r\n"), 400),
    (get(GOOD, b" HTTP\r\n\r\n"), 400),
    (get(GOOD, b" ICY/1.1\r\n\r\n"), 400),
    (get(GOOD, b"  HTTP/1.1\r\n\r\n"), 400),
    (get(GOOD, b"\tHTTP/1.1\r\n\r\n"), 400),
    (get(GOOD + " x", b" HTTP/1.1\r\n\r\n"), 400),
    (b" " + get(GOOD), 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (get(GOOD, b" HTTP/1.1\n\n"), 400),
    (get(GOOD, b" HTTP/1.1\nHost: tracker\n\n"), 400),
    (get("/" + "a" * 16_384), 414),
    (get(GOOD + "&x=" + "y" * 20_000), 414),
    (b"GET /" + b"a" * 40_000, 414),
    # methods
    (get(GOOD, method=b"POST"), 405),
    (get(GOOD, b" HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"POST"), 405),
    (get(GOOD, b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"PUT"), 405),
    (get(GOOD, method=b"DELETE"), 405),
    (get("*", method=b"OPTIONS"), 405),
    (get("tracker:443", method=b"CONNECT"), 405),
    (get(GOOD, method=b"TRACE"), 405),
    (get(GOOD, method=b"get"), 405),
    (get(GOOD, method=b"Get"), 405),
    (get(GOOD, method=b"PROPFIND"), 405),
    # headers
    (header(b"Host"), 400),
    (header(b": tracker"), 400),
    (header(b"Host : tracker"), 400),
    (header(b" Host: tracker"), 400),
    (header(b"Host: tracker\r\n folded"), 400),
    (header(b"Host: tracker\nX-Real-IP: 1.2.3.4"), 400),
    (header(b"\x00\xff"), 400),
    (header(b"Content-Length: 5") + b"hello", 400),
    (header(b"Content-Length: 99999999999999999999"), 400),
    (header(b"Content-Length: -1"), 400),
    (header(b"Content-Length: x"), 400),
    (header(b"Content-Length: 0\r\nContent-Length: 5") + b"hello", 400),
    (header(b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    (header(b"transfer-encoding: identity"), 400),
    (header(b"X: " + b"y" * 40_000), 431),
    (header(b"\r\n".join([b"X: y"] * 10_000)), 431),
    (get(GOOD, b" HTTP/1.1\r\n" + b"X: y\r\n" * 10_000), 431),
    # paths
    (get("/"), "path_invalid"),
    (get("*"), "path_invalid"),
    (get("//"), "path_invalid"),
    (get(f"?{QUERY}"), "path_invalid"),
    (get(f"/?{QUERY}"), "path_invalid"),
    (get("/favicon.ico"), "path_invalid"),
    (get("/robots.txt"), "path_invalid"),
    (get("/wp-login.php"), "path_invalid"),
    (get("/../../etc/passwd"), "path_invalid"),
    (get("/%2e%2e/%2e%2e/announce"), "path_invalid"),
    (get(f"/{PASSKEY}"), "path_invalid"),
    (get(f"/{PASSKEY}/Announce?{QUERY}"), "path_invalid"),
    (get(f"/{PASSKEY}/announcee?{QUERY}"), "path_invalid"),
    (get(f"/{PASSKEY}/announce/more?{QUERY}"), "path_invalid"),
    (get(f"/a/b/{PASSKEY}/announce?{QUERY}"), "path_invalid"),
    (get(f"{PASSKEY}/announce?{QUERY}"), "path_invalid"),
    (get(f"http://tracker?{QUERY}"), "path_invalid"),
    (get(f"ftp://tracker/{PASSKEY}/announce?{QUERY}"), "path_invalid"),
    (get("http://"), "path_invalid"),
    (get(f"/{PASSKEY}%2Fannounce?{QUERY}"), "path_invalid"),
    (get(f"/{PASSKEY}#/announce?{QUERY}"), "passkey_invalid"),
    (get(b"/\xff\xfe/\x00"), "path_invalid"),
    # passkeys
    (get("/announce"), "passkey_missing"),
    (get(f"/announce?{QUERY}"), "passkey_missing"),
    (get(f"//announce?{QUERY}"), "passkey_missing"),
    (get(f"/announce.php?passkey=&{QUERY}"), "passkey_missing"),
    (get(f"/announce.php?passkey&{QUERY}"), "passkey_missing"),
    (get(f"/announce.php?Passkey={PASSKEY}&{QUERY}"), "passkey_missing"),
    (get(f"/scrape?info_hash={ESCAPED}"), "passkey_missing"),
    (get(f"/short/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{'x' * 65}/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{'x' * 9000}/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{PASSKEY}x/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{PASSKEY.upper()}/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{PASSKEY}%0A/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/{PASSKEY}%00/announce?{QUERY}"), "passkey_invalid"),
    (get(f"/'%20OR%201=1--/announce?{QUERY}"), "passkey_invalid"),
    (get(b"/\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c/announce?" + QUERY.encode()), "passkey_invalid"),
    (get(f"/announce/{PASSKEY}.?{QUERY}"), "passkey_invalid"),
    (get(f"/announce?passkey={PASSKEY[:-1]}%ff&{QUERY}"), "passkey_invalid"),
    (get(f"/{'0' * 32}/scrape?info_hash={ESCAPED}"), "passkey_invalid"),
    # info hash and peer id
    (get(f"/{PASSKEY}/announce"), "info_hash_missing"),
    (get(f"/{PASSKEY}/announce?&&&"), "info_hash_missing"),
    (get(f"/{PASSKEY}/announce?{QUERY.replace('&', ';')}"), "info_hash_invalid"),
    (said(info_hash=None), "info_hash_missing"),
    (said(info_hash=""), "info_hash_missing"),
    (said(info_hash="x" * 19), "info_hash_invalid"),
    (said(info_hash=bytes(21)), "info_hash_invalid"),
    (said(info_hash=bytes(32)), "info_hash_invalid"),
    (said(info_hash=INFO_HASH.hex()), "info_hash_invalid"),
    (get(GOOD.replace("info_hash=", "info_hash=%zz")), "info_hash_invalid"),
    (said(info_hash=bytes(20)), "torrent_unregistered"),
    (said(peer_id=None), "peer_id_missing"),
    (said(peer_id=""), "peer_id_missing"),
    (said(peer_id="-TR4060-"), "peer_id_invalid"),
    (said(peer_id="x" * 21), "peer_id_invalid"),
    (said(peer_id="x" * 5000), "peer_id_invalid"),
    (get(f"/{PASSKEY}/scrape"), "scrape_all"),
    (get(f"/{PASSKEY}/scrape?info_hash"), "info_hash_invalid"),
    (get(f"/{PASSKEY}/scrape?info_hash={ESCAPED}&info_hash=x"), "info_hash_invalid"),
    # numbers
    (said(port="65536"), "port_invalid"),
    (said(port="-1"), "port_invalid"),
    (said(port="http"), "port_invalid"),
    (said(port="0x1AE1"), "port_invalid"),
    (said(port="6881.0"), "port_invalid"),
    (said(port=b"\xb2"), "port_invalid"),
    (said(port="1" * 9000), "port_invalid"),
    (said(port="0", cryptoport="70000"), "port_invalid"),
    (said(uploaded=None), "upload_counter_invalid"),
    (said(uploaded=""), "upload_counter_invalid"),
    (said(uploaded="-1"), "upload_counter_invalid"),
    (said(uploaded="1e9"), "upload_counter_invalid"),
    (said(uploaded="NaN"), "upload_counter_invalid"),
    (said(uploaded=str(2**53)), "upload_counter_invalid"),
    (said(uploaded="9" * 9000), "upload_counter_invalid"),
    (said(downloaded=None), "download_counter_invalid"),
    (said(downloaded="-1"), "download_counter_invalid"),
    (said(downloaded="1,5"), "download_counter_invalid"),
    (said(downloaded=str(2**64)), "download_counter_invalid"),
    (said(downloaded=b"\x00"), "download_counter_invalid"),
    (said(left="x"), "left_invalid"),
    (said(left="-"), "left_invalid"),
    (said(left="1.5"), "left_invalid"),
    (said(left="0x0"), "left_invalid"),
]


def state(site: Site) -> list[Any]:
    """Return all that a request could have registered or changed."""
    everybody = list(site.directory.users.values()) + result(site.store.list_users(0, 1000))
    everything = list(site.directory.torrents.values()) + result(site.store.list_torrents(b"", 1000))
    return [
        len(site.swarms),
        site.swarms.peer_count,
        [(user.passkey, user.totals.values()) for user in everybody],
        [(torrent.info_hash, torrent.totals.values(), torrent.completers) for torrent in everything],
        site.journal.last,
        result(peers_of(site.store)),
    ]


def check(answer: bytes, outcome: int | str, connection: Connection) -> None:
    """Assert that an answer is a problem with this status, or a failure with this code."""
    if isinstance(outcome, int):
        head, _, words = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % outcome), head
        assert words.endswith(b"\n")
        assert len(words) > 20
        assert connection.transport.finished
    else:
        [body] = connection.answers()
        assert body["failure code"] == outcome.encode()
        assert not connection.transport.disconnecting


def names() -> list[str]:
    """Name each row by its place and its outcome."""
    return [f"{place}-{outcome}" for place, (_, outcome) in enumerate(REQUESTS)]


def test_table_is_long_and_has_no_row_twice() -> None:
    """Each row is another request."""
    assert len({data for data, _ in REQUESTS}) == len(REQUESTS) > 100


@pytest.mark.parametrize(("data", "outcome"), REQUESTS, ids=names())
def test_malformed_request(data, outcome) -> None:
    """It is answered in words, and no peer, swarm, user, torrent or total is there that was not before."""
    site = make_site()
    before = state(site)
    connection = Connection(site)
    connection.send(data)
    check(connection.transport.value(), outcome, connection)
    assert state(site) == before


def test_malformed_request_registers_no_torrent() -> None:
    """Not even where a first announce registers its torrent."""
    site = make_site(auto_register=True)
    before = state(site)
    for data, outcome in REQUESTS:
        if outcome != "torrent_unregistered":
            connection = Connection(site)
            connection.send(data)
            check(connection.transport.value(), outcome, connection)
    assert state(site) == before


@pytest.mark.parametrize(("data", "outcome"), REQUESTS, ids=names())
def test_malformed_request_in_pieces(data, outcome) -> None:
    """The same when it arrives in pieces."""
    site = make_site()
    before = state(site)
    connection = Connection(site)
    size = 7 if len(data) < 1000 else 1460
    for start in range(0, len(data), size):
        connection.send(data[start : start + size])
    check(connection.transport.value(), outcome, connection)
    assert state(site) == before


def test_the_good_request_is_good() -> None:
    """The request that the table bends is served as it is, and would be seen in what is compared."""
    site = make_site()
    before = state(site)
    connection = Connection(site)
    connection.send(get(GOOD))
    assert connection.answers()[0]["incomplete"] == 1
    assert state(site) != before


def test_malformed_request_reads_no_store() -> None:
    """What is malformed costs no read."""
    store = SlowStore()
    site = make_site(store=store)
    for data, outcome in REQUESTS:
        if outcome not in ("passkey_invalid", "torrent_unregistered"):
            Connection(site).send(data)
    assert not store.reads
