"""The announce ports as a service, over real sockets on loopback: everywhere or nowhere, plain and over TLS."""

from __future__ import annotations

import errno
import resource
import socket
import ssl
from pathlib import Path

import pytest
from builders import PASSKEY, SlowStore, announce_bytes, answers_in, make_site, result
from twisted.internet import reactor
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from mika.config import Api
from mika.config_values import HostPort
from mika.server import listen
from mika.server.certificate import certificate_of, tls_context
from mika.server.listen import AnnounceService, allow_many_descriptors, reachable
from mika.server.port import AnnouncePort

ONCE = announce_bytes(headers=b"Connection: close\r\n")


def taken_port(host: str = "127.0.0.1") -> tuple[socket.socket, int]:
    """Return a socket that listens, and its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.create_server((host, 0), family=family)
    return taken, taken.getsockname()[1]


def free_port() -> int:
    """Return a port that was free just now, for both families."""
    taken, port = taken_port()
    taken.close()
    return port


def can_connect(host: str, port: int) -> bool:
    """Say whether somebody listens."""
    try:
        socket.create_connection((host, port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


class AnnounceServiceTests(TestCase):
    """A site, and where it listens."""

    timeout = 30

    def setUp(self):
        """Make the site, which nobody can reach yet."""
        self.site = make_site(allow_non_routable=True)

    def service(self, *plain, tls=(), context=None):
        """Return a service that listens there."""
        return AnnounceService(reactor, self.site.factory, plain, tls, context)

    def started(self, *plain, tls=(), context=None):
        """Return one that listens, until the test ends."""
        service = self.service(*plain, tls=tls, context=context)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def ask(self, host, port, request=ONCE, secure=None):
        """Send a request in a thread, and return the answers that come until the connection ends."""

        def talk():
            with socket.create_connection((host, port), 10) as plain:
                talking = plain if secure is None else secure.wrap_socket(plain, server_hostname=host)
                talking.sendall(request)
                answers = answers_in(b"".join(iter(lambda: talking.recv(65536), b"")))
                talking.close()
                return answers

        return deferToThread(talk)

    async def test_both_families_on_one_port_number(self):
        """Each has a socket of its own, and each client is known by the address of its own family."""
        port = free_port()
        service = self.started(HostPort("0.0.0.0", port), HostPort("::", port))
        ((answer,), (answer6,)) = [await self.ask(host, port) for host in ("127.0.0.1", "::1")]
        self.assertEqual(answer["external ip"], bytes([127, 0, 0, 1]))
        self.assertEqual(answer6["external ip"], bytes(15) + b"\1")
        self.assertEqual(answer6["incomplete"], 1)
        self.assertEqual(service.url, f"http://127.0.0.1:{port}")

    async def test_any_free_port_is_said(self):
        """Port 0 is for who asks what it became; the first address is the one to show."""
        with capturedLogs() as events:
            service = self.started(HostPort("::1", 0), HostPort("127.0.0.1", 0))
        lines = [formatEvent(event) for event in events if event["log_namespace"].startswith("mika.")]
        self.assertEqual(lines[0], f"announces are served at {service.url}")
        self.assertEqual(len(lines), 2)
        port = int(service.url.removeprefix("http://[::1]:"))
        ((answer,)) = await self.ask("::1", port)
        self.assertNotIn("failure reason", answer)

    async def test_port_in_use_fails_the_start_and_leaves_nothing_listening(self):
        """Everywhere or nowhere: the address that could be had is let go of; later the same service starts."""
        taken, port = taken_port("::1")
        service = self.service(HostPort("127.0.0.1", port), HostPort("::1", port))
        with self.assertRaises(CannotListenError) as caught:
            service.startService()
        self.assertEqual((caught.exception.interface, caught.exception.port), ("::1", port))
        self.assertEqual(caught.exception.socketError.errno, errno.EADDRINUSE)
        self.assertFalse(service.running)
        await deferLater(reactor, 0, lambda: None)
        self.assertFalse(can_connect("127.0.0.1", port))
        taken.close()
        service = self.started(HostPort("127.0.0.1", port), HostPort("::1", port))
        self.assertEqual(len(await self.ask("127.0.0.1", port)), 1)

    async def test_start_of_the_same_service_again(self):
        """After a start that failed, and after a stop."""
        taken, port = taken_port()
        service = self.service(HostPort("::1", port), HostPort("127.0.0.1", port))
        with self.assertRaises(CannotListenError):
            service.startService()
        await deferLater(reactor, 0, lambda: None)
        taken.close()
        for _ in range(2):
            service.startService()
            self.assertEqual(len(await self.ask("::1", port)), 1)
            await service.stopService()
            self.assertFalse(can_connect("::1", port))
            self.assertFalse(can_connect("127.0.0.1", port))

    def test_address_of_another_machine_fails_the_start(self):
        """It is named, for the line that the operator reads."""
        with self.assertRaises(CannotListenError) as caught:
            self.service(HostPort("192.0.2.1", 34000)).startService()
        self.assertEqual(caught.exception.interface, "192.0.2.1")

    def without_ipv6(self):
        """Let this machine have no IPv6."""

        class Port(AnnouncePort):
            def createInternetSocket(self):
                if self.addressFamily == socket.AF_INET6:
                    raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
                return super().createInternetSocket()

        self.patch(listen, "AnnouncePort", Port)

    async def test_machine_without_ipv6_serves_ipv4(self):
        """The wildcard of the default configuration is left out, and the log says so."""
        self.without_ipv6()
        with capturedLogs() as events:
            service = self.started(HostPort("0.0.0.0", 0), HostPort("::", 0))
        self.assertIn("this machine has no IPv6: [::]:0 is left out", [formatEvent(event) for event in events])
        self.assertEqual(len(await self.ask("127.0.0.1", int(service.url.rpartition(":")[2]))), 1)

    def test_machine_without_ipv6_cannot_serve_ipv6_alone(self):
        """To start and serve nobody would be worse than not to start; an address that is named must be there."""
        self.without_ipv6()
        for wanted in ([HostPort("::", 0)], [HostPort("0.0.0.0", 0), HostPort("::1", 0)]):
            with self.assertRaises(CannotListenError):
                self.service(*wanted).startService()

    async def test_tls_serves_announces(self):
        """With the certificate of the admin API, beside a plain port; the plain one is shown."""
        files = certificate_of(Api(), Path(self.mktemp()))
        tls_port = free_port()
        service = self.started(
            HostPort("127.0.0.1", 0), tls=[HostPort("127.0.0.1", tls_port)], context=tls_context(*files)
        )
        self.assertTrue(service.url.startswith("http://"))
        client = ssl.create_default_context(cafile=files.certificate)
        twice = announce_bytes() + announce_bytes(uploaded=5, headers=b"Connection: close\r\n")
        answers = await self.ask("127.0.0.1", tls_port, twice, client)
        self.assertEqual([answer["incomplete"] for answer in answers], [1, 1])
        self.assertEqual(self.site.user().totals.uploaded, 5)

    def test_tls_alone_is_shown(self):
        """As https."""
        context = tls_context(*certificate_of(Api(), Path(self.mktemp())))
        service = self.started(tls=[HostPort("127.0.0.1", 0)], context=context)
        self.assertTrue(service.url.startswith("https://127.0.0.1:"))

    async def test_stop_ends_kept_connections(self):
        """Who has said all it wanted finds the connection ended."""
        service = self.started(HostPort("127.0.0.1", 0))
        answered = self.ask("127.0.0.1", int(service.url.rpartition(":")[2]), announce_bytes())
        while not self.site.factory.connections or not self.site.swarms.peer_count:
            await deferLater(reactor, 0.01, lambda: None)
        await service.stopService()
        self.assertEqual(len(await answered), 1)

    async def test_stop_waits_for_an_announce_that_waits_for_its_store(self):
        """It is answered before the store closes, so it counts."""
        store = SlowStore()
        self.site = make_site(store=store, allow_non_routable=True)
        service = self.started(HostPort("127.0.0.1", 0))
        answered = self.ask("127.0.0.1", int(service.url.rpartition(":")[2]), announce_bytes())
        while not store.reads:
            await deferLater(reactor, 0.01, lambda: None)
        done: list[None] = []
        stopped = service.stopService().addCallback(done.append)
        await deferLater(reactor, 0.05, lambda: None)
        self.assertEqual(done, [])
        while store.reads:
            store.let_go()
        await stopped
        (answer,) = await answered
        self.assertNotIn("failure reason", answer)
        self.assertEqual(self.site.user(PASSKEY).totals.announces, 1)

    async def test_silent_connections_are_looked_for_as_long_as_it_runs(self):
        """Every few seconds from the start to the stop."""
        looks = []
        self.patch(self.site.factory.connections, "sweep", lambda: looks.append(None))
        self.patch(listen, "SWEEP_TIME", 0.01)
        service = self.started(HostPort("127.0.0.1", 0))
        while len(looks) < 3:
            await deferLater(reactor, 0.01, lambda: None)
        await service.stopService()
        looks.clear()
        await deferLater(reactor, 0.05, lambda: None)
        self.assertEqual(looks, [])


def test_limit_of_open_files_is_raised_at_the_start():
    """As far as this process may: to the hard limit, which stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        service = AnnounceService(MemoryReactorClock(), make_site().factory, [], [], None)
        service.startService()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
        result(service.stopService())
        allow_many_descriptors()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1:34000"),
        ("::", "[::1]:34000"),
        ("192.0.2.7", "192.0.2.7:34000"),
        ("2001:db8::1", "[2001:db8::1]:34000"),
    ],
)
def test_wildcard_is_shown_as_the_loopback(host, shown):
    """Where a client on this machine reaches it."""
    assert reachable(HostPort(host, 34000)) == shown
