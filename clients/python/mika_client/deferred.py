"""The client for Twisted, on treq: the methods of `Client`, as coroutines and asynchronous iterators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, Unpack

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers

from mika_client import calls
from mika_client.errors import MikaError, ProblemError
from mika_client.models import (
    NewTorrent,
    NewUser,
    Role,
    RoleFields,
    Torrent,
    TorrentFields,
    User,
    UserFields,
    WhitelistedClient,
)
from mika_client.server import Call, Server, encode

T = TypeVar("T")


class TwistedClient:
    """The API of a tracker, as `mika_client.Client`, for who runs a reactor. `timeout` is for a whole exchange.

    A method is a coroutine: await it, or make it a Deferred with `Deferred.fromCoroutine`. `close` when done.
    """

    def __init__(
        self,
        reactor: Any,
        url: str | None = None,
        token: str | None = None,
        *,
        ca_file: str | None = None,
        timeout: float = 30.0,
        attempts: int = 4,
    ) -> None:
        self.server = Server.of(url, token, ca_file, timeout, attempts)
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor)
        self._pool.cachedConnectionTimeout = 30  # the tracker closes what is idle for 60 s
        policy = _policy(self.server.ca_file)
        agent = Agent(reactor, policy, connectTimeout=timeout, pool=self._pool)
        self._http = HTTPClient(agent)  # type: ignore[arg-type]  # its zope interface is not seen without mypy-zope

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._pool.closeCachedConnections()

    # ---- users

    def users(self, page: int = calls.PAGE) -> AsyncIterator[User]:
        """Yield all users in order of id, asking for `page` of them at a time."""
        return self._pages("/v1/users", User, page)

    async def user(self, user_id: int) -> User:
        """Return a user."""
        return await self._send(calls.get(calls.user(user_id), User))

    async def add_user(self, **fields: Unpack[NewUser]) -> User:
        """Add a user: `name` is needed; `id` and `passkey` are made when they are not given."""
        return await self._send(calls.add_user(fields))

    async def add_users(self, users: Iterable[NewUser]) -> list[User]:
        """Add all of these users (20,000 at most) or none; `ProblemError.index` names the bad one."""
        return await self._send(calls.many("/v1/users", User, users))

    async def put_user(
        self, user_id: int, *, if_match: str | None = None, only_new: bool = False, **fields: Unpack[UserFields]
    ) -> User:
        """Create a user under an id of yours, or set all but passkey and counters to `fields` and their defaults.

        With `only_new`, one that is there stays as it is, and is a `ProblemError` of status 412.
        """
        return await self._send(calls.put_user(user_id, fields, if_match, only_new))

    async def change_user(self, user_id: int, *, if_match: str | None = None, **fields: Unpack[UserFields]) -> User:
        """Change what is named: `role=2`, `enabled=False`."""
        return await self._send(calls.change_user(user_id, fields, if_match))

    async def change_users(self, changes: Mapping[int, UserFields]) -> list[User]:
        """Change what is named of each of these users (20,000 at most), by id, or nothing; in the same order.

        `ProblemError.index` tells the bad one by its place.
        """
        return await self._send(calls.change_many("/v1/users", "id", User, changes))

    async def renew_passkey(self, user_id: int, *, if_match: str | None = None) -> User:
        """Give a user a new passkey; the old one stops at once."""
        return await self._send(calls.renew_passkey(user_id, if_match))

    async def torrent_key(self, user_id: int, info_hash: str) -> str:
        """Return what announces this torrent alone, in the passkey's place: `/KEY/announce`."""
        return await self._send(calls.torrent_key("GET", user_id, info_hash))

    async def renew_torrent_key(self, user_id: int, info_hash: str) -> str:
        """Replace it; the old one stops at once, and the user's other torrents go on."""
        return await self._send(calls.torrent_key("POST", user_id, info_hash))

    async def delete_user(self, user_id: int, *, if_match: str | None = None) -> None:
        """Delete an account, and its peers from their swarms."""
        await self._send(calls.delete(calls.user(user_id), if_match))

    async def add_bonus(
        self, user_id: int, amount: Decimal | str, reason: str = "", *, key: str | None = None
    ) -> Decimal:
        """Give points, or (a negative amount) spend them, and return what the user then has.

        More than there is cannot be spent: `ProblemError` of status 409. What is sent again with the same `key`, a name
        of yours for it, counts once.
        """
        return await self._send(calls.add_bonus(user_id, amount, reason, key))

    async def grant_freeleech(self, user_id: int, info_hash: str, until: datetime) -> None:
        """Let a user download a torrent for free until then."""
        await self._send(calls.grant_freeleech(user_id, info_hash, until))

    async def revoke_freeleech(self, user_id: int, info_hash: str) -> None:
        """Take a freeleech token away."""
        await self._send(calls.delete(calls.freeleech(user_id, info_hash)))

    # ---- torrents

    def torrents(self, page: int = calls.PAGE) -> AsyncIterator[Torrent]:
        """Yield all torrents in order of info hash, asking for `page` of them at a time."""
        return self._pages("/v1/torrents", Torrent, page)

    async def torrent(self, info_hash: str) -> Torrent:
        """Return a torrent."""
        return await self._send(calls.get(calls.torrent(info_hash), Torrent))

    async def add_torrent(self, **fields: Unpack[NewTorrent]) -> Torrent:
        """Add a torrent; only `info_hash` is needed. `**metainfo.fields` names all that a .torrent file says."""
        return await self._send(calls.add_torrent(fields))

    async def add_torrents(self, torrents: Iterable[NewTorrent]) -> list[Torrent]:
        """Add all of these torrents (20,000 at most) or none; `ProblemError.index` names the bad one."""
        return await self._send(calls.many("/v1/torrents", Torrent, torrents))

    async def put_torrent(
        self, info_hash: str, *, if_match: str | None = None, only_new: bool = False, **fields: Unpack[TorrentFields]
    ) -> Torrent:
        """Create a torrent, or set all but its counters to `fields` and their defaults; `only_new` as of `put_user`."""
        return await self._send(calls.put_torrent(info_hash, fields, if_match, only_new))

    async def change_torrent(
        self, info_hash: str, *, if_match: str | None = None, **fields: Unpack[TorrentFields]
    ) -> Torrent:
        """Change what is named: `multiplier_down=0` is freeleech."""
        return await self._send(calls.change_torrent(info_hash, fields, if_match))

    async def change_torrents(self, changes: Mapping[str, TorrentFields]) -> list[Torrent]:
        """Change what is named of each of these torrents, by info hash, as `change_users` does."""
        return await self._send(calls.change_many("/v1/torrents", "info_hash", Torrent, changes))

    async def delete_torrent(self, info_hash: str, reason: str = "", *, if_match: str | None = None) -> None:
        """Delete a torrent; `reason` is what those who still announce it read."""
        await self._send(calls.delete_torrent(info_hash, reason, if_match))

    # ---- roles, the whitelist, and the rest

    def roles(self) -> AsyncIterator[Role]:
        """Yield all roles in order of id."""
        return self._pages("/v1/roles", Role, calls.PAGE)

    async def add_role(self, **fields: Unpack[RoleFields]) -> Role:
        """Add a role; only `name` is needed."""
        return await self._send(calls.add_role(fields))

    async def change_role(self, role_id: int, **fields: Unpack[RoleFields]) -> Role:
        """Change what is named; it counts from its users' next announces."""
        return await self._send(calls.change_role(role_id, fields))

    async def delete_role(self, role_id: int) -> None:
        """Delete a role; its users count as having the default one."""
        await self._send(calls.delete(calls.role(role_id)))

    def whitelist(self) -> AsyncIterator[WhitelistedClient]:
        """Yield the whitelisted clients in order of prefix."""
        return self._pages("/v1/whitelist", WhitelistedClient, calls.PAGE)

    async def allow_client(self, prefix: str, name: str) -> WhitelistedClient:
        """Whitelist the clients whose peer id begins with `prefix`."""
        return await self._send(calls.allow_client(prefix, name))

    async def disallow_client(self, prefix: str) -> None:
        """Take a prefix off the whitelist."""
        await self._send(calls.delete(calls.whitelisted(prefix)))

    async def status(self) -> dict[str, Any]:
        """Return version, uptime, stores and figures."""
        status: dict[str, Any] = await self.request("GET", "/v1/status")
        return status

    async def request(self, method: str, path: str, body: Any = None, *, if_match: str | None = None) -> Any:
        """Send any other request of the API, and return decoded JSON, `None` where there is none."""
        return await self._send(Call(method, path, calls.anything, body, if_match))

    # ---- how

    async def _pages(self, path: str, noun: calls.Noun[T], limit: int) -> AsyncIterator[T]:
        after: str | None = None
        while True:
            items, after = await self._send(calls.page(path, noun, after, limit))
            for item in items:
                yield item
            if after is None:
                return

    async def _send(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            try:
                return await self._send_once(call)
            except ProblemError as problem:
                wait = self.server.wait(call, problem, attempt)
                if wait is None:
                    raise
            await deferLater(self._reactor, wait)
            attempt += 1

    async def _send_once(self, call: Call[T]) -> T:
        try:
            exchange = Deferred.fromCoroutine(self._exchange(call)).addTimeout(self.server.timeout, self._reactor)
            status, headers, content = await exchange
        except Exception as error:
            causes = [failure.value for failure in getattr(error, "reasons", [])] or [error]
            why = ", ".join(str(cause) or type(cause).__name__ for cause in causes)
            raise self.server.unreachable(call, why) from error
        return self.server.read(call, status, headers, content)

    async def _exchange(self, call: Call[Any]) -> tuple[int, dict[str, str], bytes]:
        response = await self._http.request(
            call.method,
            self.server.url + call.path,
            headers=Headers({name: [value] for name, value in self.server.headers(call).items()}),
            data=encode(call.body),
            allow_redirects=False,  # the token is for this address
        )
        pairs = response.headers.getAllRawHeaders()
        headers = {name.decode("latin-1").lower(): values[0].decode("latin-1") for name, values in pairs}
        return response.code, headers, await response.content()


def _policy(ca_file: str | None) -> BrowserLikePolicyForHTTPS:
    if ca_file is None:
        return BrowserLikePolicyForHTTPS()
    end = b"-----END CERTIFICATE-----"
    try:
        roots = [Certificate.loadPEM(part + end) for part in Path(ca_file).read_bytes().split(end)[:-1]]
    except Exception as error:
        raise MikaError(f"cannot read the certificates in {ca_file}: {error}") from error
    if not roots:
        raise MikaError(f"there is no certificate in {ca_file}")
    return BrowserLikePolicyForHTTPS(trustRootFromCertificates(roots))
