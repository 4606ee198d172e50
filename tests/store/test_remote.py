"""The store that is the site: the contract on the example site, and what only a site far away can get wrong."""

from __future__ import annotations

import time
from pathlib import Path

from servers.site import TOKEN, ExampleSite
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyFactory, ProxyServer
from twisted.trial.unittest import TestCase

from mika.errors import ConfigError, OutOfStepError, StoreError
from mika.interfaces import Change, Mark, UserBatch
from mika.model import Totals
from mika.store.registry import make_stores
from mika.store.remote import RemoteStore
from mika.store.remote_site import Address, read_address
from mika.testing import StoreContract
from mika.testing.subjects import make_user


class OnSite:
    """A site of the test's own, started when it is needed."""

    tls = True
    offers = True
    site = None

    def started(self):
        """Return the site, which runs until the test ends."""
        if self.site is None:
            self.site = ExampleSite(Path(self.mktemp()).absolute(), tls=self.tls, offers=self.offers)
            self.site.start()
            self.addCleanup(self.site.stop)
        return self.site

    def make_store(self, timeout=20.0, **options):
        """Return a store on the test's site that often asks for changes."""
        return RemoteStore(read_address(self.started().url(**options), Path("/")), reactor, 0.1, timeout)

    async def opened(self, **options):
        """Return an open store, closed when the test ends."""
        store = self.make_store(**options)
        await store.open()
        self.addCleanup(store.close)
        return store

    async def words(self, answer):
        """Return the words of the `StoreError` that `answer` fails with; they are one line without secrets."""
        with self.assertRaises(StoreError) as caught:
            await answer
        words = str(caught.exception)
        self.assertNotIn("\n", words)
        self.assertNotIn(TOKEN, words)
        self.assertNotIn("passkey-0", words)
        return words


class TestRemoteStore(OnSite, StoreContract, TestCase):
    """The contract, over TLS."""

    hears = 2.0


class TestPlainRemoteStore(OnSite, StoreContract, TestCase):
    """The contract, over http on loopback, of a site that offers nothing beside."""

    tls = False
    offers = False


class TestAccess(OnSite, TestCase):
    """Who may speak with the site, and which site is spoken with."""

    async def test_made_by_the_registry(self):
        """The URL alone makes one store for all three kinds; the token is in a file, or in the URL."""
        for url in (self.started().url(), self.site.url(token_file=None).replace("://", f"://:{TOKEN}@")):
            stores = make_stores(dict.fromkeys(("users", "torrents", "peers"), url), Path("/"), reactor)
            self.assertEqual(len(stores.unique), 1)
            await stores.users.open()
            self.assertEqual(len(await stores.users.list_roles()), 1)
            await stores.users.close()

    async def test_wrong_token(self):
        """It is refused at once, with what to do."""
        self.started().token_file.write_text("another-token\n")
        words = await self.words(self.make_store().open())
        self.assertIn("refuses the token (it answers GET /store with 401)", words)

    async def test_certificate_of_an_unknown_authority(self):
        """Without `ca` only those of the system are trusted, and with it only that one."""
        words = await self.words(self.make_store(ca=None).open())
        self.assertEqual(
            words,
            f"The site {self.site.base} has a certificate that is not trusted: name its authority by ?ca=PATH.",
        )

    async def test_certificate_of_another_name(self):
        """A certificate that is trusted, but for another host, is none."""
        self.started()
        forward = reactor.listenTCP(0, ProxyFactory("127.0.0.1", _port(self.site.base)), interface="127.0.0.2")
        self.addCleanup(forward.stopListening)
        self.site.base = f"https://127.0.0.2:{forward.getHost().port}/tracker"
        self.assertIn("has a certificate for another name", await self.words(self.make_store().open()))

    def test_files_that_cannot_be_used(self):
        """A start says at once which file it is; nothing of what is in it."""
        empty, binary = (Path(self.mktemp()).absolute() for _ in range(2))
        empty.write_text("\n")
        binary.write_bytes(b"\xffsecret")
        for option, path, words in (
            ("token_file", "/no/such", "the token file /no/such: No such file or directory"),
            ("token_file", empty, f"the token file {empty} is empty"),
            ("token_file", binary, f"what is in {binary} is not a token"),
            ("ca", "/no/such", "the certificates in /no/such: No such file or directory"),
            ("ca", binary, f"{binary} holds no certificate in PEM"),
        ):
            url = self.started().url(**{option: path})
            with self.assertRaises(ConfigError) as caught:
                make_stores(dict.fromkeys(("users", "torrents", "peers"), url), Path("/"), reactor)
            self.assertEqual(str(caught.exception), f"stores.users: {words}")

    def test_address_keeps_its_token(self):
        """What is printed of one has none."""
        address = read_address("https://:secret-token@site.example:444/a/?ca=ca.pem", Path("/srv"))
        self.assertEqual(address, Address("https://site.example:444/a", "secret-token", None, Path("/srv/ca.pem")))
        self.assertNotIn("secret-token", repr(address))


class TestAway(OnSite, TestCase):
    """A site that is away, slow, or gone between a batch and its answer."""

    async def test_site_that_is_down(self):
        """Every call fails at once, and works again when the site is back, with the same store."""
        store = await self.opened()
        (user,) = await store.add_users([make_user()])
        for end in (self.site.stop, self.site.kill):
            end()
            began = time.monotonic()
            words = await self.words(store.user_by_passkey("passkey-0"))
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(words, f"The site {self.site.base} cannot be reached: nobody listens there.")
            self.site.start()
            self.assertEqual((await store.user_by_passkey("passkey-0")).id, user.id)

    async def test_answer_to_a_batch_that_was_lost(self):
        """It was written, so the same batch is refused as out of step, and nothing counts twice."""
        self.tls = False
        store = await self.opened()
        (user,) = await store.add_users([make_user()])
        proxy = _Cutting("127.0.0.1", _port(self.site.base))
        port = reactor.listenTCP(0, proxy, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        address = Address(f"http://127.0.0.1:{port.getHost().port}/tracker", TOKEN)
        through = RemoteStore(address, reactor)
        await through.open()
        self.addCleanup(through.close)
        batch = UserBatch(Mark("a", 1), [(user.id, Totals(uploaded=5))])
        proxy.cuts = True
        words = await self.words(through.apply_users(batch))
        self.assertEqual(words, f"The site {address.base} hung up before it had answered POST /batches/users.")
        proxy.cuts = False
        with self.assertRaises(OutOfStepError):
            await through.apply_users(batch)
        self.assertEqual(await through.last_number("users", "a"), 1)
        await through.apply_users(UserBatch(Mark("a", 2, 1), batch.growth))
        self.assertEqual((await store.user_by_id(user.id)).totals.uploaded, 10)

    async def test_batch_that_the_site_fails_at_is_not_written(self):
        """What its database refuses at the very end undoes the batch and the mark."""
        store = await self.opened()
        added = await store.add_users([make_user(passkey=f"passkey-{number}") for number in range(1, 4)])
        self.site.sql(
            "CREATE TRIGGER refused BEFORE UPDATE ON users WHEN old.id = 3 BEGIN SELECT RAISE(ABORT, 'passkey-0'); END"
        )
        batch = UserBatch(Mark("a", 1), [(user.id, Totals(uploaded=5)) for user in added])
        words = await self.words(store.apply_users(batch))
        self.assertEqual(words, f"The site {self.site.base} answers POST /batches/users with 500.")
        self.assertEqual(self.site.sql("SELECT sum(uploaded), (SELECT count(*) FROM marks) FROM users"), [(0, 0)])
        self.site.sql("DROP TRIGGER refused")
        await store.apply_users(batch)
        self.assertEqual(self.site.sql("SELECT sum(uploaded) FROM users"), [(15,)])

    async def test_close_while_it_opens(self):
        """A start that is cut short leaves nothing behind that asks, and the store opens again."""
        store = self.make_store()
        store.hear(lambda change: None)
        opening = store.open()
        await store.close()
        await opening
        await self.words(store.list_roles())
        await store.open()
        self.assertEqual(len(await store.list_roles()), 1)
        await store.close()

    async def test_close_waits_for_calls_that_wait_for_their_turn(self):
        """All are answered before it, however many there are."""
        store = self.make_store()
        await store.open()
        answers = []
        for number in range(40):
            store.user_by_id(number).addCallback(answers.append)
        await store.close()
        self.assertEqual(answers, [None] * 40)

    async def test_call_that_nobody_waits_for_any_more(self):
        """It is given up, and neither holds up the others nor the end."""
        store = await self.opened()
        given_up = [store.user_by_passkey("passkey-0") for _ in range(40)]
        for each in given_up:
            each.addErrback(lambda failure: None)
            each.cancel()
        self.assertEqual(len(await store.list_roles()), 1)

    async def test_close_does_not_wait_for_the_question_for_changes(self):
        """A site that hangs holds up a stop only for what was asked for."""
        store = self.make_store()
        store.hear(lambda change: None)
        await store.open()
        self.site._process.send_signal(19)
        self.addCleanup(self.site.kill)
        await deferLater(reactor, 0.3)
        began = time.monotonic()
        await store.close()
        self.assertLess(time.monotonic() - began, 3)


class TestChanges(OnSite, TestCase):
    """What others change on the site is told."""

    async def listening(self):
        """Return an open store and what it was told."""
        heard = []
        store = self.make_store()
        store.hear(heard.append)
        await store.open()
        self.addCleanup(store.close)
        return store, heard

    async def until(self, look):
        """Wait until there is something to see."""
        deadline = time.monotonic() + 10
        while not look():
            self.assertLess(time.monotonic(), deadline)
            await deferLater(reactor, 0.05)

    async def test_change_in_the_database_of_the_site(self):
        """A user who is disabled by the site's own code is told, also when the site was away; batches are not."""
        store, heard = await self.listening()
        (user,) = await store.add_users([make_user()])
        await self.until(lambda: heard)
        del heard[:]
        await store.apply_users(UserBatch(Mark("a", 1), [(user.id, Totals(uploaded=5))]))
        self.site.sql(f"UPDATE users SET enabled = 0 WHERE id = {user.id}")
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change("user", user.id)])
        self.site.stop()
        self.site.sql("INSERT INTO whitelist VALUES ('-TR40', 'Transmission')", "DELETE FROM users")
        await deferLater(reactor, 0.3)
        self.site.start()
        await self.until(lambda: len(heard) == 3)
        self.assertEqual(set(heard), {Change("user", user.id), Change("whitelist")})

    async def test_site_that_does_not_know_what_changed(self):
        """After a backup was played back, or its list was cut, everything may have changed."""
        _, heard = await self.listening()
        self.site.sql("DELETE FROM changes", "INSERT INTO changes VALUES (500, 'user', '1')")
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change(kind) for kind in ("user", "role", "torrent", "whitelist")])
        del heard[:]
        self.site.sql("INSERT INTO roles (id, name) VALUES (7, 'vip')")
        await self.until(lambda: heard)
        self.assertEqual(heard, [Change("role")])

    async def test_listener_that_fails(self):
        """The other changes are told all the same."""
        heard = []

        def listener(change):
            heard.append(change)
            raise ValueError

        store = self.make_store()
        store.hear(listener)
        await store.open()
        self.addCleanup(store.close)
        self.site.sql("INSERT INTO users (id) VALUES (1), (2)")
        await self.until(lambda: len(heard) == 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)


class _CutClient(ProxyClient):
    """Passes on what the site answers, or hangs up instead."""

    def dataReceived(self, data):
        if self.peer.factory.cuts:
            self.peer.transport.abortConnection()
            self.transport.loseConnection()
        else:
            super().dataReceived(data)


class _CutClientFactory(ProxyClientFactory):
    protocol = _CutClient


class _CutServer(ProxyServer):
    clientProtocolFactory = _CutClientFactory


class _Cutting(ProxyFactory):
    """A way to the site on which answers are lost while `cuts`."""

    protocol = _CutServer
    noisy = False
    cuts = False


def _port(base):
    return int(base.rpartition(":")[2].partition("/")[0])
