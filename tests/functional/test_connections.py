"""Connections to the announce ports, plain and over TLS, as clients treat them."""

from __future__ import annotations

import socket
from urllib.parse import quote_from_bytes

import pytest
from functional.tracker_process import PATIENCE, wait_until

INFO_HASH = b"\0" * 20
TARGET = (
    b"/announce?info_hash=" + b"%00" * 20 + b"&peer_id=-XX0001-over-tls-ann&port=7001&uploaded=0&downloaded=0&left=0"
)

REQUESTS = {
    "announce": (b"GET /%s" + TARGET + b" HTTP/1.1\r\nConnection: close\r\n\r\n", b"8:completei1e"),
    "announce without a passkey": (b"GET " + TARGET + b" HTTP/1.0\r\n\r\n", b"passkey_missing"),
    "no HTTP": (b"Hello, tracker\r\n\r\n", b"This is not an HTTP/1.x request"),
    "wrong method": (b"POST /%s" + TARGET + b" HTTP/1.1\r\n\r\n", b"Only GET and HEAD"),
    "line that is too long": (b"GET /%s" + TARGET + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n", b"longer than 16 KiB"),
}


@pytest.mark.parametrize(("request_", "words"), REQUESTS.values(), ids=REQUESTS.keys())
def test_answer_over_tls_comes_whole_and_the_connection_ends_in_order(tracker, request_, words):
    """An end without TLS's own goodbye would be an error to the client: the answer might have been cut short."""
    tracker.api("POST", "/v1/torrents", {"info_hash": INFO_HASH.hex()})
    passkey = tracker.add_user("ann")["passkey"].encode()
    plain = socket.create_connection(("127.0.0.1", tracker.tls_port), PATIENCE)
    with tracker.trust().wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as connection:
        connection.sendall(request_.replace(b"%s", passkey))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert words in answer
    assert answer.partition(b"Content-Length: ")[2].startswith(b"%d\r\n" % len(answer.partition(b"\r\n\r\n")[2]))


MANY = 150


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_all_stops_of_a_client_that_leaves_without_reading_count(tracker, secure):
    """As libtorrent does it: at its end it sends everything that it has to say on one connection, and is gone."""
    torrents = [bytes([number // 256, number % 256]) + b"\xff" * 18 for number in range(MANY)]
    tracker.api("POST", "/v1/torrents", [{"info_hash": torrent.hex()} for torrent in torrents])
    ann = tracker.add_user("ann")

    def say(**parameters: object) -> bytes:
        more = "".join(f"&{name}={value}" for name, value in parameters.items())
        return b"".join(
            f"GET /{ann['passkey']}/announce?info_hash={quote_from_bytes(torrent)}&peer_id=-XX0001-goes-away---"
            f"&port=7001&downloaded=0&left=0{more} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            for torrent in torrents
        )

    with socket.create_connection(("127.0.0.1", tracker.port()), PATIENCE) as connection:
        connection.sendall(say(uploaded=0, event="started"))
        wait_until("ann has announced", lambda: tracker.user(ann["id"])["announces"] == MANY)
    plain = socket.create_connection(("127.0.0.1", tracker.tls_port if secure else tracker.port()), PATIENCE)
    # Else its kernel may keep a part back, and drop it at the end, because of what it did not read.
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with tracker.trust().wrap_socket(plain, server_hostname="127.0.0.1") if secure else plain as connection:
        connection.sendall(say(uploaded=1000, event="stopped"))
    wait_until("all stops are credited", lambda: tracker.user(ann["id"])["uploaded"] == 1000 * MANY)
    assert all(tracker.counts(torrent) == (0, 0, 0) for torrent in (torrents[0], torrents[-1]))
