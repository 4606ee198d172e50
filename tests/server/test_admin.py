"""The admin API over TLS on loopback, as curl and a site's HTTP client meet it."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

from builders import Unchanging, make_figures
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import Clock, deferLater
from twisted.internet.tcp import Connection
from twisted.internet.threads import deferToThread
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseFailed

from mika.admin.call import Context, Health
from mika.config import Api
from mika.directory import Directory
from mika.server.admin import MAX_BODY, admin_service
from mika.store.memory import MemoryStore
from mika.swarm.swarms import Swarms

NOW = 1_795_341_600
HASH = "aa" * 20


class SlowStore(MemoryStore):
    """A store whose additions wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: Deferred[None] | None = None

    def add_torrents(self, torrents):
        """Wait for the gate, if there is one."""
        if self.gate is None:
            return MemoryStore.add_torrents(self, torrents)
        return self.gate.addCallback(lambda _: MemoryStore.add_torrents(self, torrents))


class AdminOverTlsTests(TestCase):
    """One tracker, its API on a free port, and clients that trust its certificate."""

    timeout = 30

    async def setUp(self):
        """Start it."""
        self.events = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.state = Path(self.mktemp())
        self.store = SlowStore()
        swarms = Swarms(2700, 1_814_400, lambda _endpoint: True, lambda *_changed: None)
        self.directory = Directory(self.store, self.store, swarms, lambda: NOW, lambda _kind: succeed(None))
        await self.directory.open()
        figures = make_figures(swarms, Clock(), torrents=self.directory.torrents)
        self.context = Context(self.directory, swarms, NOW, lambda: Health([], {}), Unchanging(), figures)
        self.service = self.make_service()
        self.service.startService()
        self.token = (self.state / "api-token").read_text().strip()
        trusted = trustRootFromCertificates([Certificate.loadPEM((self.state / "api-certificate.pem").read_bytes())])
        self.client = HTTPClient(Agent(reactor, BrowserLikePolicyForHTTPS(trusted)))

    async def tearDown(self):
        """Stop it, and wait until TLS has said its last word on both ends."""
        await self.service.stopService()
        while any(isinstance(each, Connection) for each in [*reactor.getReaders(), *reactor.getWriters()]):
            await deferLater(reactor, 0.01, lambda: None)

    def make_service(self, port=0):
        """Return a service in this test's state directory."""
        return admin_service(reactor, Api(listen=f"127.0.0.1:{port}"), self.state, self.context)

    async def send(self, method, path, body=None, host="127.0.0.1", token=None):
        """Send a request and wait for status, headers and JSON."""
        response = await self.client.request(
            method,
            f"https://{host}:{self.service.port}{path}",
            **({} if body is None else {"json": body}),
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        content = await response.content()
        return response.code, response.headers, json.loads(content) if content else None

    def raw(self, request, **limits):
        """Send bytes in a thread and return every byte that comes back until the connection ends."""
        port, certificate = self.service.port, self.state / "api-certificate.pem"

        def talk():
            context = ssl.create_default_context(cafile=certificate)
            for name, value in limits.items():
                setattr(context, name, value)
            plain = socket.create_connection(("127.0.0.1", port), 10)
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                for part in [request] if isinstance(request, bytes) else request:
                    tls.sendall(part)
                return b"".join(iter(lambda: tls.recv(65536), b""))

        return deferToThread(talk)

    async def test_torrent_is_added_shown_and_deleted(self):
        """From one end to the other."""
        status, headers, added = await self.send("POST", "/v1/torrents", {"info_hash": HASH, "name": "Ünï"})
        self.assertEqual((status, added["name"]), (201, "Ünï"))
        self.assertEqual(headers.getRawHeaders("Content-Type"), ["application/json"])
        self.assertEqual(headers.getRawHeaders("Location"), [f"/v1/torrents/{HASH}"])
        self.assertEqual(headers.getRawHeaders("Cache-Control"), ["no-store"])
        self.assertEqual((await self.send("GET", f"/v1/torrents/{HASH}"))[2], added)
        status, headers, body = await self.send("DELETE", f"/v1/torrents/{HASH}?reason=gone")
        self.assertEqual((status, body), (204, None))
        self.assertIsNone(headers.getRawHeaders("Content-Type"))
        self.assertEqual((await self.send("GET", f"/v1/torrents/{HASH}"))[0], 404)

    async def test_certificate_is_good_for_localhost_too(self):
        """By name."""
        self.assertEqual((await self.send("GET", "/healthz", host="localhost"))[0], 200)

    async def test_problem_is_a_problem_document(self):
        """With its own media type."""
        status, headers, body = await self.send("POST", "/v1/users", {})
        self.assertEqual((status, body["errors"][0]["field"]), (422, "name"))
        self.assertEqual(headers.getRawHeaders("Content-Type"), ["application/problem+json"])

    async def test_token_is_asked_for(self):
        """And what is asked for is said."""
        status, headers, _body = await self.send("GET", "/v1/status", token="wrong")
        self.assertEqual((status, headers.getRawHeaders("WWW-Authenticate")), (401, ["Bearer"]))

    async def read_events(self, query="", token=None):
        """Open `/v1/events`; return the response and what collects its text."""
        url = f"https://127.0.0.1:{self.service.port}/v1/events{query}"
        response = await self.client.get(
            url, headers={"Authorization": f"Bearer {token or self.token}"}, unbuffered=True
        )
        text = []
        ended = response.collect(text.append)
        return response, text, ended

    async def test_events_come_while_the_connection_is_open(self):
        """At once, and not when the answer is over; a stop of the tracker ends it as a whole one."""
        self.directory.publish = self.context.figures.events.publish
        response, text, ended = await self.read_events("?types=torrent")
        self.assertEqual(response.headers.getRawHeaders("Content-Type"), ["text/event-stream"])
        self.assertIsNone(response.headers.getRawHeaders("Content-Length"))
        await self.send("POST", "/v1/torrents", {"info_hash": HASH})
        while b"event: torrent" not in b"".join(text):
            await deferLater(reactor, 0.01)
        self.assertIn(b'"info_hash":"' + HASH.encode(), b"".join(text))
        await self.service.stopService()
        await ended
        self.assertEqual(len(self.context.figures.events), 0)

    async def test_events_end_with_the_token_that_they_are_watched_with(self):
        """Whoever has it is told nothing more, and cannot come again; other readers stay."""
        made = [
            (await self.send("POST", "/v1/tokens", {"name": name, "scopes": ["read"]}))[2] for name in ("one", "two")
        ]
        readers = [await self.read_events(token=each["token"]) for each in made]
        while not all(text for _response, text, _ended in readers):
            await deferLater(reactor, 0.01)
        self.assertEqual((await self.send("DELETE", "/v1/tokens/one"))[0], 204)
        await readers[0][2]
        self.assertEqual(len(self.context.figures.events), 1)
        self.assertEqual((await self.send("GET", "/v1/events", token=made[0]["token"]))[0], 401)
        await self.service.stopService()
        await readers[1][2]

    async def test_reader_of_events_that_goes_is_forgotten(self):
        """Its connection ends without a word."""
        _response, text, ended = await self.read_events()
        while not text:
            await deferLater(reactor, 0.01)
        self.assertEqual(len(self.context.figures.events), 1)
        ended.addErrback(lambda failure: failure.trap(ResponseFailed))
        [connection] = self.service._factory.protocols
        connection.abortConnection()
        while len(self.context.figures.events):
            await deferLater(reactor, 0.01)
        await ended

    async def test_reader_of_events_that_does_not_read_is_dropped(self):
        """And never waited for: the tracker goes on at once."""
        port, certificate = self.service.port, self.state / "api-certificate.pem"
        request = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n\r\n"

        def connect():
            context = ssl.create_default_context(cafile=certificate)
            tls = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")
            tls.sendall(request.encode())
            tls.recv(1)
            return tls

        tls = await deferToThread(connect)
        self.addCleanup(tls.close)
        events = self.context.figures.events
        while len(events):
            events.publish("user", {"padding": "x" * 100_000})
            await deferLater(reactor, 0)
        self.assertEqual(events.dropped, 1)
        lines = [formatEvent(event) for event in self.events if "keep up" in (event.get("log_format") or "")]
        self.assertEqual(lines, ["a reader of /v1/events at 127.0.0.1 does not keep up and is dropped"])

    async def test_head_of_events_is_an_answer_that_ends(self):
        """It has nothing to say."""
        request = (
            f"HEAD /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\nConnection: close\r\n\r\n"
        )
        head, _, body = (await self.raw(request.encode())).partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200 OK", head)
        self.assertIn(b"Content-Type: text/event-stream", head)
        self.assertEqual((body, len(self.context.figures.events)), (b"", 0))

    async def test_head_is_get_without_the_body(self):
        """The headers are the same."""
        answer = await self.raw(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200 OK", head)
        self.assertIn(b"Content-Length: 11", head)
        self.assertEqual(body, b"")

    async def test_connection_is_kept_for_the_next_request(self):
        """A site sends many."""
        request = (
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answer = await self.raw(request)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 2)
        self.assertIn(b"HTTP/1.1 404 ", answer)

    async def test_old_tls_is_refused(self):
        """TLS 1.2 is the least, and it is the tracker that says so."""
        request = b"GET /healthz HTTP/1.0\r\n\r\n"
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertIn(b" 200 OK", await self.raw(request, minimum_version=version, maximum_version=version))
        context = ssl.create_default_context(cafile=self.state / "api-certificate.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")  # else this client would not even ask
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.assertEqual(len(self.flushWarnings()), 2)
        with self.assertRaisesRegex(ssl.SSLError, "alert protocol version"):
            await deferToThread(self.shake_hands, context)

    async def test_ciphers_without_forward_secrecy_or_authentication_are_refused(self):
        """Of TLS 1.2; 1.3 has none."""
        for ciphers in ("ECDHE+AES128+SHA", "ECDHE+AES256+SHA384", "kRSA+AESGCM"):
            context = ssl.create_default_context(cafile=self.state / "api-certificate.pem")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
            with self.assertRaisesRegex(ssl.SSLError, "alert handshake failure"):
                await deferToThread(self.shake_hands, context)

    def shake_hands(self, context):
        """Connect with this TLS, and go."""
        with socket.create_connection(("127.0.0.1", self.service.port), 10) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()

    async def test_body_that_is_too_long_by_its_header_is_413_before_it_comes(self):
        """Also to who waits for leave to send it."""
        for more in (b"", b"Expect: 100-continue\r\n"):
            head = b"POST /v1/torrents HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (more, MAX_BODY + 1)
            answer = await self.raw(head)
            self.assertTrue(answer.startswith(b"HTTP/1.1 413 Content Too Large\r\n"), answer[:80])
            self.assertIn(b"application/problem+json", answer)
            self.assertNotIn(b"100 Continue", answer)

    async def test_body_that_grows_too_long_in_chunks_is_413(self):
        """Whose length nobody said."""
        head = b"POST /v1/torrents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for authorization in (b"", f"Authorization: Bearer {self.token}\r\n".encode()):
            answer = await self.raw([head + authorization + b"\r\n", *[chunk] * 17, b"0\r\n\r\n"])
            self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:80])

    async def test_body_just_within_the_limit_is_read(self):
        """To its last byte."""
        body = b'[{"info_hash": "' + HASH.encode() + b'"}' + b" " * (MAX_BODY - 59) + b"]"
        self.assertEqual(len(body), MAX_BODY)
        head = b"POST /v1/torrents HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        fields = f"Content-Length: {len(body)}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
        answer = await self.raw([head + fields, body])
        self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer[:200])

    async def test_two_authorizations_are_none(self):
        """Nobody could say which of them counts."""
        line = f"Authorization: Bearer {self.token}\r\n".encode()
        answer = await self.raw(b"GET /v1/status HTTP/1.0\r\n" + line * 2 + b"\r\n")
        self.assertIn(b" 401 ", answer.partition(b"\r\n")[0])

    async def test_junk_is_answered_without_a_traceback(self):
        """What is not HTTP is refused by twisted.web, and nothing is left running."""
        for junk in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
            self.assertIn(b" 400 ", (await self.raw(junk)).partition(b"\r\n")[0])

    async def test_port_in_use_fails_the_start(self):
        """At once, not in the log alone."""
        with self.assertRaises(CannotListenError):
            self.make_service(self.service.port).startService()
        with self.assertRaises(CannotListenError):
            self.make_service(self.service.port).privilegedStartService()

    async def test_stop_waits_for_what_is_being_answered(self):
        """What was begun is done before the stores close."""
        self.store.gate = Deferred()
        sent = Deferred.fromCoroutine(self.send("POST", "/v1/torrents", {"info_hash": HASH}))
        while not self.service._site.root._running:
            await deferLater(reactor, 0.01, lambda: None)
        stopped = self.service.stopService()
        await deferLater(reactor, 0.05, lambda: None)
        self.assertNoResult(stopped)
        self.store.gate.callback(None)
        await stopped
        self.assertEqual((await sent)[0], 201)

    async def test_change_is_made_though_its_sender_is_gone(self):
        """Half of it would be worse; and the answer that nobody reads is no fault."""
        self.store.gate = Deferred()
        sent = Deferred.fromCoroutine(self.send("POST", "/v1/torrents", {"info_hash": HASH}))
        while not self.service._site.root._running:
            await deferLater(reactor, 0.01, lambda: None)
        sent.cancel()
        await self.failUnlessFailure(sent, Exception)
        await deferLater(reactor, 0.1, lambda: None)
        self.store.gate.callback(None)
        self.assertIn(bytes.fromhex(HASH), self.directory.torrents)

    async def test_log_has_no_token_and_no_reading(self):
        """One line a change, and none of twisted.web's."""
        await self.send("GET", "/v1/users?limit=5")
        await self.send("POST", "/v1/users", {"name": "ann", "passkey": "passkey-one"})
        lines = [formatEvent(event) or "" for event in self.events]
        self.assertEqual([line for line in lines if "/v1/" in line], ["POST /v1/users 201"])
        self.assertNotIn(self.token, "\n".join(lines))
        self.assertNotIn("passkey-one", "\n".join(lines))
