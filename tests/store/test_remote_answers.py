"""Answers that are none: whatever a site, a proxy or a web framework says, a call fails in one clear line."""

from __future__ import annotations

import json

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from mika.errors import ConflictError, MikaError, StoreError
from mika.interfaces import Circle, Mark, PeerBatch, UserBatch
from mika.model import INT64_MAX, Role, Totals
from mika.store.remote import RemoteStore
from mika.store.remote_site import Address
from mika.testing.subjects import make_peer, make_torrent, make_user, peers_of

SECRETS = ("the-token", "passkey-0")
USER = {
    "id": "5",
    "name": "Ann",
    "passkey": "passkey-0",
    "role": "1",
    "remote_id": None,
    **dict.fromkeys(("enabled", "download_enabled", "upload_enabled"), True),
    **dict.fromkeys(("multiplier_up", "multiplier_down", "created_at", "updated_at"), "1"),
    **dict.fromkeys(("uploaded", "downloaded", "uploaded_real", "downloaded_real"), "1"),
    **dict.fromkeys(("bonus", "seed_seconds", "announces", "completed"), "1"),
}
PEER = {
    "info_hash": "ab" * 20,
    "user_id": "5",
    "peer_id": "cd" * 20,
    "key": "",
    "crypto": "0",
    **dict.fromkeys(("uploaded", "downloaded", "left", "seen4", "seen6", "first_seen", "last_seen"), "1"),
    **dict.fromkeys(("seeder", "paused", "active"), False),
    **dict.fromkeys(("endpoint4", "endpoint6", "location"), None),
}


def answer(body, status=200, more=""):
    """Return the bytes of an answer whose body is text, or what becomes JSON."""
    data = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status} Words\r\n{more}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n{data}".encode()


HTML = "<!DOCTYPE html><title>passkey-0</title>"

ANY = {
    "nothing": (b"", "hung up before it had answered"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", "hung up before it had answered"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "hung up before it had answered"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "hung up before it had answered"),
    "half a body without a length": (b'HTTP/1.1 200 OK\r\n\r\n{"users":[', "with 200 and no JSON object"),
    "a broken chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "hung up before"),
    "no gzip": (answer("{}", more="Content-Encoding: gzip\r\n"), "with 200 and no JSON object"),
    "a page": (answer(HTML), "with 200 and no JSON object"),
    "no body": (answer(""), "with 200 and no JSON object"),
    "a list": (answer([]), "with 200 and no JSON object"),
    "deep JSON": (answer("[" * 100_000), "with 200 and no JSON object"),
    "no UTF-8": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\xff\xff", "with 200 and no JSON object"),
    "another success": (answer("", 204), "with 204"),
    "a redirect": (answer("", 302, "Location: https://passkey-0/\r\n"), "with 302, a redirect: name the URL"),
    "a wrong request": (answer({"detail": "passkey-0"}, 400), "with 400"),
    "a token that it does not know": (answer(HTML, 401), "refuses the token"),
    "no rights": (answer(HTML, 403), "refuses the token"),
    "a path that it does not know": (answer(HTML, 404), "with 404, which means that it does not know this path"),
    "a path that its framework does not know": (answer({"message": "Not found"}, 404), "with 404, which means"),
    "too large": (answer("", 413), "with 413, which means that the batch is too large"),
    "a failure": (answer({"detail": "passkey-0"}, 500), "with 500"),
    "a proxy without a site": (answer(HTML, 502), "with 502"),
}

CALLS = {
    "GET /users": lambda store: store.user_by_passkey("passkey-0"),
    "GET /users/5": lambda store: store.user_by_id(5),
    "POST /users": lambda store: store.add_users([make_user()]),
    "POST /users/0": lambda store: store.save_user(make_user()),
    "POST /saves/users": lambda store: store.save_users([(make_user(), None)]),
    "DELETE /users/5": lambda store: store.delete_user(5),
    "GET /roles": lambda store: store.list_roles(),
    "POST /roles": lambda store: store.save_role(Role(0, "vip")),
    "DELETE /roles/5": lambda store: store.delete_role(5),
    "GET /marks/users": lambda store: store.last_number("users", "a"),
    "POST /batches/users": lambda store: store.apply_users(UserBatch(Mark("a", 1), [(5, Totals(1))])),
    "GET /torrents/0101010101010101010101010101010101010101": lambda store: store.torrent(b"\1" * 20),
    "GET /torrents": lambda store: store.list_torrents(b"", 10),
    "POST /torrents": lambda store: store.add_torrents([make_torrent(1)]),
    "POST /saves/torrents": lambda store: store.save_torrents([(make_torrent(1), Totals(1))]),
    "GET /whitelist": lambda store: store.whitelist(),
    "POST /whitelist": lambda store: store.save_whitelisted("-TR40", "Transmission"),
    "GET /peers": peers_of,
    "GET /peers/near": lambda store: store.peers_near(b"h" * 20, Circle(0, 0, 1)),
    "POST /batches/peers": lambda store: store.apply_peers(PeerBatch(Mark("a", 1), [(b"h" * 20, make_peer(1))], [])),
}

WRONG = [
    ("GET /users", {"user": USER}, "a user has no 'uploaded'"),
    ("GET /users", {**USER, "uploaded": 2**53 + 1}, "'uploaded' of a user is not an integer, written as a string"),
    ("GET /users", {**USER, "uploaded": 1.0}, "'uploaded' of a user is not an integer"),
    ("GET /users", {**USER, "uploaded": True}, "'uploaded' of a user is not an integer"),
    ("GET /users", {**USER, "uploaded": "passkey-0"}, "'uploaded' of a user is not an integer"),
    ("GET /users", {**USER, "uploaded": str(2**63)}, "'uploaded' of a user is not an integer"),
    ("GET /users", {**USER, "uploaded": "٣"}, "'uploaded' of a user is not an integer"),
    ("GET /users", {**USER, "enabled": 1}, "'enabled' of a user is not true or false"),
    ("GET /users", {**USER, "name": None}, "'name' of a user is not a string"),
    ("GET /users", {**USER, "remote_id": 7}, "'remote_id' of a user is not null or a string"),
    ("POST /users", {}, "the answer has no 'ids'"),
    ("POST /users", {"ids": []}, "its ids are not those of the users"),
    ("POST /users", {"ids": {"0": "5"}}, "'ids' of the answer is not a list"),
    ("GET /roles", {"roles": [None]}, "a role is no JSON object"),
    ("POST /roles", {"id": None}, "'id' of the answer is not an integer"),
    ("GET /marks/users", {"number": None}, "'number' of the answer is not an integer"),
    ("POST /batches/users", {}, "the answer has no 'number'"),
    ("POST /batches/users", {"number": "2"}, "its number is not that of the batch"),
    ("GET /torrents", {"torrents": [{}]}, "a torrent has no 'uploaded'"),
    ("GET /whitelist", {"whitelist": {"-TR40": "Transmission"}}, "'whitelist' of the answer is not a list"),
    ("GET /peers", {"peers": []}, "the answer has no 'next'"),
    ("GET /peers", {"peers": [], "next": ""}, "its next page is the same one again"),
    ("GET /peers", {"peers": [{**PEER, "left": "-1"}], "next": None}, "'left' of a peer is not an integer"),
    ("GET /peers", {"peers": [{**PEER, "peer_id": "ab"}], "next": None}, "'peer_id' of a peer is not 40 hex digits"),
    ("GET /peers", {"peers": [{**PEER, "endpoint4": "1.2.3:4"}], "next": None}, "is not null or address:port"),
    ("GET /peers", {"peers": [{**PEER, "endpoint6": "::1:4"}], "next": None}, "is not null or [address]:port"),
    ("GET /peers", {"peers": [{**PEER, "endpoint4": "1.2.3.4:65536"}], "next": None}, "is not null or address:port"),
    ("GET /peers", {"peers": [{**PEER, "location": [1]}], "next": None}, "is not null or a list of two numbers"),
    ("GET /peers/near", {"peers": [{"user_id": "5"}]}, "a peer has no 'peer_id'"),
]


class Saying(Protocol):
    """Answers the first request of each connection with the factory's bytes, and closes."""

    def connectionMade(self):
        """Begin."""
        self.factory.open.add(self)
        self.asked = b""

    def dataReceived(self, data):
        """Answer once the whole request is here."""
        self.asked += data
        head, end, body = self.asked.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if end and len(body) == length:
            said = self.factory.said
            said = said.pop(0) if isinstance(said, list) else said
            if said is not None:
                self.transport.write(said)
                self.transport.loseConnection()

    def connectionLost(self, reason):
        """Be gone."""
        self.factory.open.discard(self)


class TestAnswers(TestCase):
    """A store and a site that says what it is told to."""

    async def setUp(self):
        """Listen, and open the store."""
        self.site = Factory.forProtocol(Saying)
        self.site.noisy = False
        self.site.open = set()
        port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base = f"http://127.0.0.1:{port.getHost().port}"
        self.store = RemoteStore(Address(self.base, "the-token"), reactor, timeout=5)
        self.site.said = answer({"protocol": 1, "changes": None})
        await self.store.open()

    async def tearDown(self):
        """Close all connections."""
        await self.store.close()
        for each in list(self.site.open):
            each.transport.abortConnection()

    async def failed(self, call, kind=StoreError):
        """Return the words that a call fails with."""
        with self.assertRaises(kind) as caught:
            await CALLS[call](self.store)
        self.assertIs(type(caught.exception), kind)
        words = str(caught.exception)
        self.assertNotIn("\n", words)
        for secret in SECRETS:
            self.assertNotIn(secret, words)
        return words

    async def test_whatever_is_answered_to_whatever_call(self):
        """It is named by method and path, without the query, and nothing of the answer is repeated."""
        for call in CALLS:
            for name, (said, words) in ANY.items():
                self.site.said = said
                found = await self.failed(call)
                self.assertTrue(found.startswith(f"The site {self.base} "), found)
                self.assertIn(call, found, name)
                self.assertIn(words, found, name)

    async def test_answers_of_the_wrong_form(self):
        """The field is named, and what is in it is not."""
        for call, body, words in WRONG:
            self.site.said = answer(body)
            found = await self.failed(call)
            self.assertIn(f"answers {call} with what mika cannot read: ", found)
            self.assertIn(words, found)

    async def test_numbers_may_be_numbers(self):
        """As long as no parser rounds them; fields that mika does not know are the site's own."""
        self.site.said = answer({**USER, "uploaded": 2**53, "bonus": "-9223372036854775808", "email": "x"})
        found = await self.store.user_by_id(5)
        self.assertEqual((found.totals.uploaded, found.totals.bonus), (2**53, -INT64_MAX - 1))

    async def test_conflict(self):
        """The site's own words are passed on if they are fit to be, and the index if it is one."""
        for body, words in (
            ({"index": 0, "detail": "Taken."}, "Taken."),
            ({"index": 7, "detail": "a\nb"}, "The id or the passkey is another user's."),
            ({"index": "x", "detail": ["x"]}, "The id or the passkey is another user's."),
            ({}, "The id or the passkey is another user's."),
            ({"detail": "x" * 1000}, "x" * 200),
        ):
            self.site.said = answer(body, 409)
            self.assertEqual(await self.failed("POST /users", ConflictError), words)
        self.site.said = answer({}, 409)
        for call in ("GET /users", "POST /batches/users", "POST /whitelist", "DELETE /users/5"):
            self.assertIn("with 409", await self.failed(call))

    async def test_out_of_step_is_said_by_batches_alone(self):
        """A proxy's 412 to something else is a failure like any other."""
        self.site.said = answer({}, 412)
        for call in CALLS:
            if "/batches" not in call:
                self.assertIn("with 412", await self.failed(call))
        self.site.said = answer(HTML, 412)
        self.assertIn("with 412 and no JSON object", await self.failed("POST /batches/users"))

    async def test_absent_is_said_and_not_guessed(self):
        """Only a 404 that says what is absent is an answer, and only where something can be."""
        self.site.said = answer({"absent": "user"}, 404)
        self.assertIsNone(await self.store.user_by_passkey("passkey-0"))
        self.assertIsNone(await self.store.save_user(make_user(id=5)))
        self.assertFalse(await self.store.delete_user(5))
        for call in ("GET /roles", "GET /peers", "POST /batches/users", "POST /users", "POST /saves/users"):
            self.assertIn("with 404", await self.failed(call))

    async def test_page_out_of_order(self):
        """A page that goes back, or has too many, would never end, or leave somebody out."""
        for ids in (["5", "5"], ["6", "5"], ["-1"], ["1", "2", "3"]):
            self.site.said = answer({"users": [{**USER, "id": each} for each in ids]})
            with self.assertRaises(StoreError) as caught:
                await self.store.list_users(0, 2)
            self.assertIn("answers GET /users with too many, or out of order", str(caught.exception))

    async def test_pages_may_be_short(self):
        """Only an empty one is the end."""
        pages = [["1"], ["2", "3"], ["7"], []]
        self.site.said = [answer({"users": [{**USER, "id": each} for each in page]}) for page in pages]
        self.assertEqual([user.id for user in await self.store.list_users(0, 10)], [1, 2, 3, 7])

    async def test_answer_that_does_not_come(self):
        """Neither silence nor half an answer holds a call longer than the time-out."""
        self.store.site._timeout = 0.2
        half = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"

        self.site.said = None
        for said in (Saying.dataReceived, lambda protocol, _: protocol.transport.write(half)):
            self.patch(Saying, "dataReceived", said)
            found = await self.failed("GET /users")
            self.assertEqual(found, f"The site {self.base} did not answer GET /users within 0.2 s.")

    async def test_calls_that_wait_for_their_turn_end_too(self):
        """A site that hangs is asked a few things at a time, and all who wait are told."""
        self.store.site._timeout = 0.3
        self.site.said = None
        asked = [self.store.user_by_id(number) for number in range(50)]
        for each in asked:
            with self.assertRaises(StoreError):
                await each
        self.assertLessEqual(len(self.site.open), 8)
        self.site.said = answer(USER)
        self.assertEqual((await self.store.user_by_id(5)).name, "Ann")

    async def test_answer_without_end(self):
        """More than a limit is not kept in memory."""
        self.store.site._largest = 1000
        for said in (answer({"users": ["x" * 2000]}), b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2000):
            self.site.said = said
            self.assertIn("with more than 1000 bytes", await self.failed("GET /users"))

    async def test_other_protocol(self):
        """A site of a later mika, or of something else, is refused at the start."""
        for body, words in (
            ({"protocol": 2, "changes": None}, f"The site {self.base} speaks protocol 2, and this mika speaks 1."),
            ({"status": "ok"}, "answers GET /store with what mika cannot read: the answer has no 'protocol'."),
        ):
            store = RemoteStore(Address(self.base, "the-token"), reactor)
            self.site.said = answer(body)
            with self.assertRaises(MikaError) as caught:
                await store.open()
            self.assertIn(words, str(caught.exception))
            with self.assertRaises(StoreError) as caught:
                await store.list_roles()
            self.assertIn("is not open", str(caught.exception))
            await store.close()
