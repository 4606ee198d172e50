"""The announce port over real sockets on loopback, plain and over TLS, with clients that behave and others."""

from __future__ import annotations

import errno
import os
import resource
import socket
import ssl
import struct
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCOUTQ
from typing import Any

from builders import (
    INFO_HASH,
    OTHER_PASSKEY,
    PASSKEY,
    PEER_ID,
    Site,
    SlowStore,
    announce_bytes,
    answers_in,
    make_site,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase

from mika.config import Api
from mika.rules import refusal
from mika.server import kept, port
from mika.server._shortcut_cy import Line
from mika.server.certificate import certificate_of, tls_context
from mika.server.http import HEAD_TIME, IDLE_TIME
from mika.server.port import AnnouncePort
from mika.server.shortcut import PlainShortcut, make_shortcut
from mika.wire.http import write_problem

CLOSE = b"Connection: close\r\n"
HASHES = [b"%020d" % number for number in range(600)]
STOPS = [announce_bytes(info_hash=each, event="stopped", uploaded=1) for each in HASHES]


class PortTestCase(TestCase):
    """A site on a port, and what a client does in a thread."""

    timeout = 60
    host = "127.0.0.1"
    secure = False
    shortcut = staticmethod(make_shortcut)

    def setUp(self):
        """Watch the log, and serve a site of two users."""
        self.patch(kept, "make_shortcut", self.shortcut)
        self.events: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.serve(make_site(torrents=[INFO_HASH, *HASHES], allow_non_routable=True, peers_per_user_torrent=300))

    def serve(self, site: Site) -> None:
        """Listen on a free port."""
        self.site = site
        factory: Any = site.factory
        if self.secure:
            self.certificate = certificate_of(Api(), Path(self.mktemp()))
            factory = TLSMemoryBIOFactory(tls_context(*self.certificate), False, factory)
            factory.noisy = False
        self.port = AnnouncePort(0, factory, 50, self.host, reactor)
        self.port.startListening()

    async def tearDown(self):
        """Stop, and fail if anything was logged as a traceback or a connection is left."""
        await self.port.stopListening()
        await self.site.factory.end()
        await self.until(lambda: not self.site.factory.connections)
        self.assertEqual([event["log_failure"] for event in self.events if "log_failure" in event], [])

    async def until(self, condition):
        """Wait until something is so."""
        while not condition():
            await deferLater(reactor, 0.01)

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Connect, in the thread of a client."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        client = socket.socket(family, socket.SOCK_STREAM)
        client.settimeout(20)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect((self.host, self.port.getHost().port))
        if not self.secure:
            return client
        context = ssl.create_default_context(cafile=str(self.certificate.certificate))
        return context.wrap_socket(client, server_hostname="127.0.0.1")

    def talk(self, *parts: bytes, answers: int = 0) -> Deferred[bytes]:
        """Send parts one by one; answer with what comes back until that many answers are there, or the end."""

        def run() -> bytes:
            with self.connect() as client:
                for part in parts:
                    client.sendall(part)
                data = b""
                while not answers or data.count(b"HTTP/1.1 ") < answers or len(answers_in(data)) < answers:
                    piece = client.recv(65536)
                    if not piece:
                        break
                    data += piece
                return data

        return deferToThread(run)

    def leave(self, data: bytes) -> Deferred[None]:
        """Send, and close at once with a reset, nothing read: as a client does that shuts down."""
        return deferToThread(lambda: self.reset(self.connect(), data))

    def reset(self, client: socket.socket, data: bytes) -> None:
        """Send, see it arrive, and reset the connection."""
        client.sendall(data)
        deadline = time.monotonic() + 10
        while struct.unpack("i", ioctl(client, TIOCOUTQ, bytes(4)))[0]:  # what has not arrived is lost by a reset
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


class LeavingClients:
    """Clients that send all their stops and leave, in the clear or over TLS."""

    async def test_stops_of_a_client_that_leaves(self):
        """600 stops pipelined and the connection reset at once: every one counts."""
        for each in HASHES:
            self.site.announce(info_hash=each)
        await self.leave(b"".join(STOPS))
        await self.until(lambda: self.site.swarms.peer_count == 0)
        self.assertEqual(self.site.user().totals.uploaded, len(HASHES))

    async def test_stops_behind_a_request_that_waits_for_a_store(self):
        """They wait for it, though the client does not, and count then: as many as the kernel keeps unread."""
        await self.port.stopListening()
        store = SlowStore()
        self.serve(make_site(torrents=HASHES, store=store, allow_non_routable=True))
        self.site.directory.load(PASSKEY, HASHES)
        store.let_go()
        some = 100
        for each in HASHES[:some]:
            self.site.announce(info_hash=each)
        await self.leave(announce_bytes(OTHER_PASSKEY, info_hash=HASHES[0]) + b"".join(STOPS[:some]))
        await self.until(lambda: store.reads)
        store.let_go()
        await self.until(lambda: self.site.swarms.peer_count == 1)
        self.assertEqual(self.site.user().totals.uploaded, some)


class AnnouncePortTests(LeavingClients, PortTestCase):
    """Over IPv4, in the clear."""

    async def test_one_request_one_connection(self):
        """The usual case: connect, ask, be answered, and the server closes; no transport was ever made."""
        data = await self.talk(announce_bytes(headers=CLOSE))
        [answer] = answers_in(data)
        self.assertEqual(answer["external ip"], bytes((127, 0, 0, 1)))
        self.assertEqual(answer["incomplete"], 1)
        self.assertEqual(self.port.sessionno, 0)

    async def test_kept_alive(self):
        """Requests one after another on one connection, then one that closes."""

        def run() -> list[bytes]:
            with self.connect() as client:
                found = []
                for number in range(20):
                    client.sendall(announce_bytes(uploaded=number, headers=CLOSE if number == 19 else b""))
                    found.append(client.recv(65536))
                found.append(client.recv(1))
                return found

        *answers, end = await deferToThread(run)
        self.assertEqual([answers_in(each)[0]["incomplete"] for each in answers], [1] * 20)
        self.assertEqual(end, b"")
        self.assertEqual(self.site.user().totals.uploaded, 19)

    async def test_pipelined(self):
        """Everything in one packet, cut anywhere: answered in order."""
        requests = b"".join(announce_bytes(peer_id=b"-XX0000-%012d" % number) for number in range(100))
        data = await self.talk(requests[:150], requests[150:9000], requests[9000:], answers=100)
        self.assertEqual([answer["incomplete"] for answer in answers_in(data)], list(range(1, 101)))

    async def test_a_byte_at_a_time(self):
        """Each byte in a packet of its own."""
        request = announce_bytes(headers=CLOSE)

        def run() -> bytes:
            with self.connect() as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for place in range(len(request)):
                    client.sendall(request[place : place + 1])
                return b"".join(iter(lambda: client.recv(65536), b""))

        [answer] = answers_in(await deferToThread(run))
        self.assertEqual(answer["incomplete"], 1)
        self.assertEqual(self.site.user().totals.announces, 1)

    async def test_refused_method_is_answered_though_its_body_is_unread(self):
        """The client reads the 405, and not a reset, however much it still sends."""
        head = announce_bytes(headers=b"Content-Length: 1000000\r\n").replace(b"GET", b"POST")
        data = await self.talk(head, b"x" * 1_000_000)
        self.assertTrue(data.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n"))
        self.assertEqual(data, write_problem(refusal.METHOD_REFUSED, 405))

    async def test_single_stop_of_a_client_that_leaves(self):
        """One stop and a reset, as the shortcut meets it."""
        self.site.announce()
        await self.leave(announce_bytes(event="stopped", uploaded=5))
        await self.until(lambda: self.site.swarms.peer_count == 0)
        self.assertEqual(self.site.user().totals.uploaded, 5)

    async def test_client_that_goes_on_behind_its_last_request(self):
        """What it sends there is not read, and does not cost it the answer."""
        for before in ((), (announce_bytes(uploaded=5), b"")):
            data = await self.talk(*before, announce_bytes(headers=CLOSE) + b"x" * 20_000)
            self.assertEqual(len(answers_in(data)), 1 + len(before) // 2)

    def fill(self) -> None:
        """Let 200 peers in, so that an answer is more than a kilobyte."""
        for number in range(200):
            self.site.announce(OTHER_PASSKEY, f"127.0.1.{number}", peer_id=b"-XX0000-%012d" % number)

    async def test_answers_that_do_not_fit(self):
        """A client that reads late gets every answer whole and in order."""
        self.fill()
        requests = b"".join(announce_bytes(uploaded=number, numwant=200) for number in range(500))

        def run() -> bytes:
            with self.connect(receive_buffer=4096) as client:
                client.sendall(requests)
                client.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: client.recv(5000), b""))

        sent = deferToThread(run)
        answers = answers_in(await sent)
        self.assertEqual(len(answers), 500)
        self.assertEqual({len(answer["peers"]) for answer in answers}, {1200})
        self.assertEqual(self.site.user().totals.uploaded, 499)

    async def test_stops_behind_answers_that_were_never_read(self):
        """The connection breaks at a write while stops are unread: they are read to the end."""
        self.fill()
        for each in HASHES[:250]:
            self.site.announce(info_hash=each)
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # accepted sockets inherit both
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        client = await deferToThread(self.connect, 4096)
        await deferToThread(client.sendall, announce_bytes(numwant=200) * 100)
        await self.until(lambda: self.site.user().totals.announces == 350)
        [connection] = self.site.factory.connections
        transport = connection.transport
        unsent = len(transport.dataBuffer) + transport._tempDataLen
        self.reset(client, b"".join(announce_bytes(info_hash=each, event="stopped") for each in HASHES[:250]))
        await self.until(lambda: not self.site.factory.connections)
        self.assertGreater(unsent, 0)
        self.assertEqual(self.site.user().totals.announces, 600)

    async def test_client_that_never_reads(self):
        """Its announces count until its answers pile up; then it is cut off, and nobody else notices."""
        self.patch(port, "MAX_UNSENT", 64 * 1024)
        self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)  # accepted sockets inherit it
        self.fill()
        request = announce_bytes(numwant=200) * 50

        def run() -> bool:
            with self.connect(receive_buffer=4096) as client:
                try:
                    while True:
                        client.sendall(request)
                except OSError as problem:
                    return problem.errno in (errno.ECONNRESET, errno.EPIPE)

        self.assertTrue(await deferToThread(run))
        self.assertGreater(self.site.user().totals.announces, 50)
        await self.until(lambda: not self.site.factory.connections)
        self.assertEqual(len(answers_in(await self.talk(announce_bytes(headers=CLOSE)))), 1)

    async def test_client_that_says_nothing(self):
        """A connection without a request ends without an answer, and without a word in the log."""

        def run() -> None:
            self.connect().close()

        await deferToThread(run)
        data = await self.talk(announce_bytes(headers=CLOSE))
        self.assertEqual(len(answers_in(data)), 1)
        self.assertEqual(
            [event for event in self.events if event.get("log_level") and event["log_level"].name != "info"], []
        )

    async def test_hundreds_at_once(self):
        """More connections at once than are accepted in one turn of the reactor."""

        def run() -> int:
            clients = [self.connect() for _ in range(150)]
            for number, client in enumerate(clients):
                client.sendall(announce_bytes(peer_id=b"-XX0000-%012d" % number, headers=CLOSE))
            found = 0
            for client in clients:
                data = b"".join(iter(lambda client=client: client.recv(65536), b""))
                found += len(answers_in(data))
                client.close()
            return found

        self.assertEqual(await deferToThread(run), 150)
        self.assertEqual(self.site.swarms.peer_count, 150)

    async def test_out_of_descriptors(self):
        """Without a descriptor for a connection the port goes on, and serves again when there is one."""
        clients = [socket.socket() for _ in range(3)]
        address = ("127.0.0.1", self.port.getHost().port)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        probe = os.open(os.devnull, os.O_RDONLY)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
        try:
            for client in clients:
                client.connect(address)
                client.sendall(announce_bytes(headers=CLOSE))
            self.port.doRead()
            self.assertNotIn(self.port, reactor.getReaders())  # it rests, instead of asking without end
            self.port.doRead()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for client in clients:
                client.close()
        self.assertEqual(len([event for event in self.events if "too few open files" in str(event)]), 1)
        self.assertTrue(self.port.connected)
        [answer] = answers_in(await self.talk(announce_bytes(headers=CLOSE)))
        self.assertEqual(answer["incomplete"], 1)

    async def test_trusted_proxy(self):
        """What a trusted proxy sends goes the longer way: its header first, then its clients' requests."""
        await self.port.stopListening()
        self.serve(make_site(trusted_proxies=["127.0.0.0/8"]))
        greeting = b"PROXY TCP4 81.2.69.144 127.0.0.1 40000 34000\r\n"
        data = await self.talk(greeting + announce_bytes(headers=CLOSE))
        self.assertEqual(answers_in(data)[0]["external ip"], bytes((81, 2, 69, 144)))
        data = await self.talk(announce_bytes(headers=CLOSE + b"X-Forwarded-For: 81.2.69.145\r\n"))
        self.assertEqual(answers_in(data)[0]["external ip"], bytes((81, 2, 69, 145)))
        data = await self.talk(announce_bytes(headers=CLOSE))
        self.assertEqual(answers_in(data)[0]["external ip"], bytes((127, 0, 0, 1)))


class ConnectionsThatStay:
    """Connections of whom the reactor hears nothing, as long as they say what can be answered in one go."""

    def keep(self, *parts: bytes) -> Deferred[tuple[socket.socket, bytes]]:
        """Send, and read an answer after each part but the last, if that is empty; the connection stays."""

        def run() -> tuple[socket.socket, bytes]:
            client = self.connect()
            data = b""
            for part in parts:
                client.sendall(part)
                data += client.recv(65536)
            return client, data

        return deferToThread(run)

    def only(self) -> Any:
        """Return the only connection."""
        [connection] = self.site.factory.connections
        return connection

    async def test_whole_requests_need_no_transport(self):
        """Announces, a scrape and a HEAD, one after another; the connection is a line until its client leaves."""
        scrape = announce_bytes().replace(b"announce", b"scrape")
        head = announce_bytes().replace(b"GET", b"HEAD")
        client, data = await self.keep(announce_bytes(), scrape, head, announce_bytes(uploaded=5))
        self.assertEqual([len(answer) > 0 for answer in answers_in(data)], [True, True, False, True])
        self.assertEqual(self.port.sessionno, 0)
        self.assertIsInstance(self.only(), Line)
        self.assertEqual((self.only().address, self.only().patience), (bytes((127, 0, 0, 1)), IDLE_TIME))
        client.close()
        await self.until(lambda: not self.site.factory.connections)
        self.assertEqual(self.site.user().totals.uploaded, 5)

    async def test_partial_request_needs_one_until_it_is_answered(self):
        """Its rest comes later; what comes after it takes the shortcut again."""
        client, _ = await self.keep(announce_bytes())
        client.sendall(announce_bytes()[:50])
        await self.until(lambda: self.port.sessionno == 1)
        self.assertNotIsInstance(self.only(), Line)
        client.sendall(announce_bytes()[50:])
        await deferToThread(client.recv, 65536)
        self.assertIsInstance(self.only(), Line)
        client.sendall(announce_bytes(uploaded=5, headers=CLOSE))
        answer = await deferToThread(lambda: b"".join(iter(lambda: client.recv(65536), b"")))
        self.assertEqual(len(answers_in(answer)), 1)
        self.assertEqual((self.port.sessionno, self.site.user().totals.uploaded), (1, 5))
        client.close()

    async def test_client_that_says_nothing_yet(self):
        """It is waited for, and cut off in the end."""
        self.port.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 0)
        silent = await deferToThread(self.connect)
        await self.until(lambda: self.site.factory.connections)
        self.assertEqual((self.port.sessionno, self.only().patience), (0, HEAD_TIME))
        self.site.clock.advance(HEAD_TIME + 1)
        self.site.factory.connections.sweep()
        self.assertEqual(await deferToThread(silent.recv, 1), b"")
        self.assertEqual((len(self.site.factory.connections), self.site.factory.traffic.cut_off), (0, 1))
        silent.close()

    async def test_request_that_comes_as_its_connection_is_cut_off(self):
        """It is answered, and the connection stays."""
        client, _ = await self.keep(announce_bytes())
        client.sendall(announce_bytes(uploaded=5))
        self.assertFalse(self.only().cut_off())
        self.assertEqual(len(answers_in(await deferToThread(client.recv, 65536))), 1)
        self.assertEqual((self.site.user().totals.uploaded, self.site.factory.traffic.cut_off), (5, 0))
        client.close()

    async def test_requests_that_come_as_the_tracker_ends(self):
        """They are answered, however many, and the connections end."""
        client, _ = await self.keep(announce_bytes())
        client.sendall(announce_bytes(uploaded=5) + announce_bytes(uploaded=7))
        await self.port.stopListening()
        await self.site.factory.end()
        data = await deferToThread(lambda: b"".join(iter(lambda: client.recv(65536), b"")))
        self.assertEqual(len(answers_in(data)), 2)
        self.assertEqual(self.site.user().totals.uploaded, 7)
        client.close()
        self.serve(self.site)

    async def test_proxies_that_are_trusted_later(self):
        """A connection that was there before is known by what its headers say from then on."""
        client, _ = await self.keep(announce_bytes())
        self.site.factory.proxies = make_site(trusted_proxies=["127.0.0.0/8"]).factory.proxies
        client.sendall(announce_bytes(headers=CLOSE + b"X-Forwarded-For: 81.2.69.145\r\n"))
        [answer] = answers_in(await deferToThread(client.recv, 65536))
        self.assertEqual(answer["external ip"], bytes((81, 2, 69, 145)))
        client.close()


class AnnouncePortKeptTests(ConnectionsThatStay, PortTestCase):
    """Connections that stay, over IPv4, in the clear."""


class AnnouncePortInPlainPythonTests(ConnectionsThatStay, AnnouncePortTests):
    """The same without what is compiled, if that is what the others test."""

    shortcut = PlainShortcut


class DualPort(AnnouncePort):
    """A port that takes IPv4 on its socket of IPv6, as no port of the tracker does."""

    def createInternetSocket(self):
        """Make the socket as Twisted does."""
        return super(AnnouncePort, self).createInternetSocket()


class MappedAddressTests(PortTestCase):
    """IPv4 over a socket of IPv6."""

    async def test_ipv4_mapped_address_is_ipv4(self):
        """Whichever way the connection was accepted."""
        for shortcut in (make_shortcut, PlainShortcut):
            self.patch(kept, "make_shortcut", shortcut)
            await self.port.stopListening()
            self.port = DualPort(0, self.site.factory, 50, "::", reactor)
            self.port.startListening()
            [answer] = answers_in(await self.talk(announce_bytes(headers=CLOSE)))
            self.assertEqual(answer["external ip"], bytes((127, 0, 0, 1)))


class AnnouncePortOverIpv6Tests(PortTestCase):
    """Over IPv6."""

    host = "::1"

    async def test_announce(self):
        """The endpoint is of IPv6, and so are the peers."""
        self.site.announce(OTHER_PASSKEY, "2a02:ec8:e1::2", peer_id=b"-XX0000-000000000002")
        [answer] = answers_in(await self.talk(announce_bytes(headers=CLOSE)))
        self.assertEqual((answer["peers"], len(answer["peers6"])), (b"", 18))
        self.assertEqual(answer["external ip"], bytes(15) + b"\x01")
        peer = self.site.swarms.get(INFO_HASH).peers.find(self.site.user().id, PEER_ID)
        self.assertEqual((len(peer.endpoint6), peer.endpoint4), (18, b""))

    async def test_kept_alive(self):
        """The longer way, too."""
        data = await self.talk(announce_bytes()[:40], announce_bytes()[40:], answers=1)
        self.assertEqual(answers_in(data)[0]["external ip"], bytes(15) + b"\x01")


class AnnouncePortOverIpv6InPlainPythonTests(AnnouncePortOverIpv6Tests):
    """The same without what is compiled, if that is what the others test."""

    shortcut = PlainShortcut


class AnnouncePortOverTlsTests(LeavingClients, PortTestCase):
    """Over TLS."""

    secure = True

    async def test_announce(self):
        """One request, and the connection ends as TLS ends it."""
        [answer] = answers_in(await self.talk(announce_bytes(headers=CLOSE)))
        self.assertEqual((answer["incomplete"], answer["external ip"]), (1, bytes((127, 0, 0, 1))))

    async def test_kept_alive_and_pipelined(self):
        """Many requests on one connection."""
        requests = b"".join(announce_bytes(peer_id=b"-XX0000-%012d" % number) for number in range(100))
        data = await self.talk(requests[:150], requests[150:], answers=100)
        self.assertEqual([answer["incomplete"] for answer in answers_in(data)], list(range(1, 101)))

    async def test_bad_request_is_answered(self):
        """What is no request is answered over TLS too, and the connection ends."""
        data = await self.talk(b"NONSENSE\r\n\r\n")
        self.assertEqual(data, write_problem(refusal.REQUEST_MALFORMED, 400))

    async def test_plain_http_on_the_tls_port(self):
        """No handshake, no answer, no traceback; the next client is served."""

        def run() -> None:
            with socket.create_connection(("127.0.0.1", self.port.getHost().port), 20) as client:
                client.sendall(announce_bytes())
                while client.recv(65536):
                    pass

        await deferToThread(run)
        self.assertEqual(self.site.user().totals.announces, 0)
        self.assertEqual(len(answers_in(await self.talk(announce_bytes(PASSKEY, headers=CLOSE)))), 1)
