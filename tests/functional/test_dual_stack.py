"""Real dual-stack clients on hosts of their own, which announce over IPv4 and IPv6: each is one client."""

from __future__ import annotations

import contextlib
import os
import shutil
from functools import partial

import pytest
from functional.content import SIZE, make_content
from functional.namespaces import HostedClient, network
from functional.tracker_process import TrackerProcess, wait_until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="network namespaces need root and iproute2"
)


@pytest.mark.parametrize("hybrid", [False, True], ids=["one hash", "both hashes of a hybrid torrent"])
def test_dual_stack_clients_are_counted_once(tmp_path, hybrid) -> None:
    """Three members over both families: three peers, one completion each, and accounts to the byte."""
    directory = tmp_path / "tracker"
    directory.mkdir()
    content = make_content(tmp_path / "content", hybrid=hybrid)
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(network(3))
        tracker = TrackerProcess(directory, MIKA_TRACKER__LISTEN=f"{net.ipv4}:0, [{net.ipv6}]:0")
        stack.callback(tracker.check_log)
        stack.callback(tracker.stop)
        tracker.start()
        tracker.api("POST", "/v1/torrents", content.fields)
        users = [tracker.add_user(name) for name in ("ann", "bob", "eve")]
        clients = []
        for host in net.hosts:
            clients.append(HostedClient(host))
            stack.callback(clients[-1].close)

        def counts() -> tuple[int, int, int]:
            return tracker.counts(content.info_hash)

        for number, (user, client) in enumerate(zip(users, clients, strict=True)):
            urls = (tracker.announce_url(user, host) for host in (net.ipv4, net.ipv6))
            downloads = content.directory if number == 0 else tmp_path / user["name"]
            downloads.mkdir(exist_ok=True)
            client.add(content.torrent_file(*urls), downloads)
            ways = 4 if hybrid else 2
            wait_until("it announced every way", partial(announced, tracker, user, ways))
            assert counts() == (1, number, 0)
        for client in clients[1:]:
            client.let_go()
            wait_until("it has all", client.is_complete)
        wait_until("all seed", lambda: counts() == (3, 0, 2))
        for client in clients:
            client.leave()
        wait_until("all are gone", lambda: counts() == (0, 0, 2))
        for user, client in zip(users, clients, strict=True):
            account = tracker.user(user["id"])
            assert (account["uploaded"], account["downloaded"]) == client.moved()
        figures = tracker.torrent(content.info_hash)
        assert figures["downloaded"] == 2 * SIZE
        assert figures["completed"] == 2


def announced(tracker, user, ways) -> bool:
    """Say whether a client has announced itself every way that it can."""
    return tracker.user(user["id"])["announces"] >= ways
