"""Two real clients find each other through the tracker and move a file; then the accounts are right, to the byte."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest
from functional.content import SIZE, make_content
from functional.torrent_clients import Client, Libtorrent, Moved, Qbittorrent, endpoint
from functional.tracker_process import wait_until

IPV4, IPV6 = "127.0.0.1", "::1"


class Case(NamedTuple):
    """At which addresses the clients announce, which clients they are, and what kind of torrent it is."""

    hosts: tuple[str, ...]
    seeder: type = Libtorrent
    leecher: type = Libtorrent
    hybrid: bool = False


CASES = {
    "libtorrent over IPv4": Case((IPV4,)),
    "libtorrent over IPv6": Case((IPV6,)),
    "libtorrent over both": Case((IPV4, IPV6)),
    "libtorrent with both hashes of a hybrid torrent": Case((IPV4,), hybrid=True),
    "qbittorrent leeches over IPv4": Case((IPV4,), leecher=Qbittorrent),
    "qbittorrent leeches over IPv6": Case((IPV6,), leecher=Qbittorrent),
    "qbittorrent seeds over both": Case((IPV4, IPV6), seeder=Qbittorrent),
}


def handed_out(answer: dict[bytes, Any]) -> set[str]:
    """Return the endpoints in an answer: compact IPv4 peers (BEP 23) or IPv6 peers (BEP 7)."""
    size, compact = (18, answer[b"peers6"]) if b"peers6" in answer else (6, answer[b"peers"])
    peers = [compact[start : start + size] for start in range(0, len(compact), size)]
    return {endpoint(str(ip_address(peer[:-2])), int.from_bytes(peer[-2:])) for peer in peers}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_file_moves_and_the_accounts_are_exact(tracker, start_client, tmp_path, case):
    """Who seeds and leeches is right at every step, and nobody is counted twice or handed to himself."""
    content = make_content(tmp_path / "content", hybrid=case.hybrid)
    tracker.api("POST", "/v1/torrents", content.fields)
    ann, bob = tracker.add_user("ann"), tracker.add_user("bob")
    anns_client = start_client(case.seeder, "ann", case.hosts)
    bobs_client = start_client(case.leecher, "bob", case.hosts)
    downloads = tmp_path / "downloads"
    downloads.mkdir()

    def torrent_of(user: dict, client: Client) -> bytes:
        return content.torrent_file(*(tracker.announce_url(user, host, client.announce_path) for host in case.hosts))

    def counts() -> tuple[int, int, int]:
        return tracker.counts(content.info_hash)

    anns_client.add(torrent_of(ann, anns_client), content.directory)
    first_announces = len(case.hosts) * (2 if case.hybrid else 1)
    wait_until("ann has announced", lambda: tracker.user(ann["id"])["announces"] == first_announces)
    assert counts() == (1, 0, 0)
    bobs_client.add(torrent_of(bob, bobs_client), downloads)
    wait_until("bob has announced", lambda: tracker.user(bob["id"])["announces"] == first_announces)
    assert counts() == (1, 1, 0)
    wait_until("bob is connected to ann", bobs_client.connected)
    assert bobs_client.connected() <= {endpoint(host, anns_client.port) for host in case.hosts}
    wait_until("bob was handed ann alone", lambda: bobs_client.handed() == 1)
    assert anns_client.handed() == 0
    for user, other in ((ann, bobs_client), (bob, anns_client)):
        for host in case.hosts:
            ask = partial(
                tracker.announce, tracker.announce_url(user, host), content.info_hash, b"-XX0001-asks-by-hand"
            )
            assert handed_out(ask()) == {endpoint(host, other.port)}
        ask(event="stopped")  # one stop for both families
    assert counts() == (1, 1, 0)

    bobs_client.let_go()
    wait_until("bob has all of it", bobs_client.is_complete)
    wait_until("bob seeds", lambda: counts() == (2, 0, 1))
    copy, original = downloads / content.file.name, content.file.read_bytes()
    wait_until("bob's file is written", lambda: copy.read_bytes() == original)

    anns_client.leave()
    wait_until("ann is gone", lambda: counts() == (1, 0, 1))
    bobs_client.leave()
    wait_until("bob is gone", lambda: counts() == (0, 0, 1))
    for user, client in ((ann, anns_client), (bob, bobs_client)):
        account = tracker.user(user["id"])
        told = Moved(account["uploaded"], account["downloaded"])
        assert Moved(account["uploaded_real"], account["downloaded_real"]) == told
        wait_until(f"a client shows that it moved {told}", partial(has_moved, client, told))
    uploaded, downloaded = anns_client.moved().uploaded, bobs_client.moved().downloaded
    assert (anns_client.moved().downloaded, bobs_client.moved().uploaded) == (0, 0)
    assert downloaded == SIZE
    # Clients that meet over both families drop one connection, and what was under way on it is sent again.
    assert uploaded == SIZE if len(case.hosts) == 1 else uploaded >= SIZE
    figures = tracker.torrent(content.info_hash)
    assert Moved(figures["uploaded"], figures["downloaded"]) == Moved(uploaded, downloaded)
    assert Moved(figures["uploaded_real"], figures["downloaded_real"]) == Moved(uploaded, downloaded)
    assert (anns_client.handed(), bobs_client.handed()) == (0, 1)


def has_moved(client: Client, told: Moved) -> bool:
    """Say whether a client shows what it told the tracker; qBittorrent brings what it shows up to date now and then."""
    return client.moved() == told
