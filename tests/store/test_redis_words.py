"""What the store in Redis says when it cannot open: one clear line for each case, never the password."""

from __future__ import annotations

from pathlib import Path

from ports import free_port
from servers.redis import COMMANDS, PASSWORD, USER, Redis, fresh_prefix, server, store_at
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from mika.errors import StoreError
from mika.testing.subjects import make_user


class Opening(TestCase):
    """A store that is opened, and what that fails with."""

    async def refused(self, url, words, seconds=10.0):
        """Check that a store does not open and says these words, no secret in them, and can be closed."""
        store = store_at(url, seconds)
        with self.assertRaises(StoreError) as caught:
            await store.open()
        said = str(caught.exception)
        self.assertIn(words, said)
        self.assertNotIn("\n", said)
        self.assertTrue(said.endswith(".") and not said.endswith(".."), said)
        for secret in (PASSWORD, "s3cret", "wrong-secret"):
            self.assertNotIn(secret, said)
        await store.close()
        return said

    def a_file(self):
        """Return where the test may write a file."""
        path = Path(self.mktemp()).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def own(self, *options):
        """Return a running server of the test's own."""
        own = Redis(*options).start()
        self.addCleanup(own.remove)
        return own


class TestWords(Opening):
    """Cases that need no server of their own."""

    async def test_wrong_password(self):
        """Or a user who is not there."""
        for user, password in ((USER, "wrong-secret"), ("nobody", PASSWORD), ("", "wrong-secret"), (USER, "")):
            said = await self.refused(
                server().url(user=user, password=password), "refuses the user name or the password"
            )
            self.assertTrue(said.startswith(f"Redis at 127.0.0.1:{server().port} "))

    async def test_no_password(self):
        """The form of the URL is said."""
        await self.refused(f"redis://127.0.0.1:{server().port}", "wants a password: redis://user:password@host")

    async def test_wrong_database(self):
        """There are 16 of them."""
        await self.refused(
            server().url().replace("?", "/99?"), f"127.0.0.1:{server().port}/99 has no database of that number"
        )

    async def test_nobody_there(self):
        """A port where nobody listens, and a host that is none."""
        await self.refused(f"redis://127.0.0.1:{free_port()}", "is not there: start it, or name another host or port")
        await self.refused("redis://no-such-host.invalid", "has a host name that is not known")

    async def test_tls(self):
        """Another CA, another name, TLS where there is none and none where there is."""
        url = server().url(tls=True)
        unknown = "has a certificate of a CA that is not trusted here: name the CA's file with ?ca=PATH"
        await self.refused(url.replace("ca.pem", "other.pem"), unknown)
        await self.refused(server().url(tls=True, ca=""), unknown)
        await self.refused(url.replace("127.0.0.1", "localhost"), "has a certificate for another name")
        await self.refused(
            url.replace(str(server().tls_port), str(server().port)), "does not speak TLS on that port", seconds=2.0
        )
        plain = server().url().replace(str(server().port), str(server().tls_port))
        await self.refused(plain, "closed the connection at once: where it wants TLS, the scheme is rediss")

    async def test_file_of_the_ca(self):
        """One that is not there, and one without a certificate."""
        await self.refused("rediss://db?ca=/no/such/file", "The CA's file /no/such/file cannot be read: No such file")
        path = self.a_file()
        for text in ("nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            path.write_text(text)
            await self.refused(f"rediss://db?ca={path}", "has no certificate in PEM form")

    async def test_schema(self):
        """One of the future, and what is none."""
        prefix = fresh_prefix()
        server().ask("SET", f"{prefix}schema", 2)
        await self.refused(server().url(prefix), f"was written by a newer mika ({prefix}schema is 2")
        server().ask("SET", f"{prefix}schema", "mine")
        await self.refused(server().url(prefix), "has something else under mika's prefix")
        server().ask("HSET", f"{prefix}schema2schema", "a", 1)
        await self.refused(server().url(f"{prefix}schema2"), "WRONGTYPE")

    def test_documented_user(self):
        """The commands that the page on operations names are those that these tests have."""
        page = (Path(__file__).parents[2] / "docs" / "stores.md").read_text()
        user = page.partition("user mika on")[2].partition("```")[0]
        named = {word for word in user.split() if word.startswith("+")}
        self.assertEqual(named - {"+config|get"}, set(COMMANDS.split()))

    async def test_user_who_may_not_enough(self):
        """Each command is tried at the start, so that no batch stops halfway; keys and channel too."""
        for command in ("hincrby", "publish", "geosearch", "evalsha", "exists"):
            server().ask(
                "ACL", "SETUSER", "few", "reset", "on", f">{PASSWORD}", "~*", "&*", *COMMANDS.split(), f"-{command}"
            )
            await self.refused(server().url(fresh_prefix(), user="few"), "does not let mika's user do what it must")
        server().ask("ACL", "SETUSER", "few", "reset", "on", f">{PASSWORD}", "~other:*", "&*", *COMMANDS.split())
        await self.refused(server().url(fresh_prefix(), user="few"), "does not let mika's user")
        server().ask("ACL", "SETUSER", "few", "reset", "on", f">{PASSWORD}", "~*", *COMMANDS.split())
        await self.refused(server().url(fresh_prefix(), user="few"), "does not let mika's user")


class TestWordsOfServersOfTheirOwn(Opening):
    """Cases that a server must be set up for."""

    async def test_cluster(self):
        """It is refused, not half used."""
        own = self.own("cluster-enabled yes", f"cluster-port {free_port()}")
        await self.refused(own.url(), "is a Cluster, which this store does not speak: name a single Redis")

    async def test_replica(self):
        """It could only be read."""
        master = self.own()
        replica = self.own(f"replicaof 127.0.0.1 {master.port}", f"masterauth {PASSWORD}")
        await self.refused(replica.url(), "is a read-only replica: name the master that it follows")

    async def test_master_that_becomes_a_replica(self):
        """What is asked for from then on says so."""
        own = self.own()
        store = store_at(own.url())
        self.addCleanup(store.close)
        await store.open()
        own.ask("REPLICAOF", "127.0.0.1", own.port)
        with self.assertRaisesRegex(StoreError, "is a read-only replica"):
            await store.add_users([make_user()])

    async def test_hanging_server(self):
        """A start does not wait for ever."""
        own = self.own()
        own.hold()
        await self.refused(own.url(), "does not answer in time", seconds=0.3)

    async def test_no_password_set(self):
        """The URL has one, the server has none."""
        await self.refused(
            self.own("requirepass ''").url(user=""), "has no password set for that user, but the URL has one"
        )


class _Old(Protocol):
    """Says to everything what an old Redis says to what it does not know, arguments and all."""

    answer = b"-ERR unknown command `%s`, with args beginning with: `2`, `wrong-secret`\r\n"

    def dataReceived(self, data):
        """Answer."""
        if b"AUTH" in data or b"SELECT" in data:
            self.transport.write(b"+OK\r\n")
        else:
            self.transport.write(self.answer)


class _Former(_Old):
    """The last Redis before the one that is needed."""

    answer = b"*14\r\n" + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word)
        for word in (
            *(b"server", b"redis", b"version", b"6.0.16", b"proto", b"2", b"id", b"1"),
            *(b"mode", b"standalone", b"role", b"master", b"modules", b""),
        )
    )


class TestOldServers(Opening):
    """What is too old is said so; it cannot be installed here, so its answers are played."""

    async def test_old_server(self):
        """One without HELLO, and one with it but without GEOSEARCH."""
        for kind in (_Old, _Former):
            port = reactor.listenTCP(0, Factory.forProtocol(kind), interface="127.0.0.1")
            self.addCleanup(port.stopListening)
            url = f"redis://:wrong-secret@127.0.0.1:{port.getHost().port}"
            await self.refused(url, "is too old: mika needs Redis 6.2 or newer")


class TestWarnings(TestCase):
    """A Redis that may forget what it has confirmed is opened with a warning."""

    async def opened(self, *options, user=""):
        """Open a store on a server of the test's own, and return what was logged."""
        own = Redis(*options).start()
        self.addCleanup(own.remove)
        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        store = store_at(own.url(user=user))
        self.addCleanup(store.close)
        await store.open()
        return [
            event["log_format"].format(**event) for event in events if event.get("log_namespace") == "mika.store.redis"
        ]

    async def test_durable_server(self):
        """There is nothing to say; nor about one that does not let itself be asked."""
        self.assertEqual(await self.opened(), [])
        self.assertEqual(await self.opened("appendfsync everysec", user=USER), [])

    async def test_forgetful_server(self):
        """How it is now and how it should be, in one line."""
        (line,) = await self.opened("appendfsync everysec")
        self.assertRegex(line, r"^Redis at 127\.0\.0\.1:\d+ can lose batches that it has confirmed if it crashes")
        self.assertIn("set appendonly yes and appendfsync always in it (now they are yes and everysec)", line)
        (line,) = await self.opened("appendonly no")
        self.assertIn("(now they are no and always)", line)
        (line,) = await self.opened("aof-load-truncated yes")
        self.assertRegex(line, r"can count a batch twice .*: set aof-load-truncated no in it, and run redis-check-aof")
        (line,) = await self.opened("maxmemory 1gb", "maxmemory-policy allkeys-lru")
        self.assertIn("set maxmemory-policy noeviction in it (now it is allkeys-lru)", line)
