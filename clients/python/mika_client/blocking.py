"""The blocking client, on urllib3: connections are kept, and several threads may share it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Self, TypeVar, Unpack

import urllib3
from urllib3.exceptions import HTTPError

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


class Client:
    """The API of a tracker. What is not given comes from MIKA_URL, MIKA_TOKEN and MIKA_CA.

    Every method raises `ProblemError` when the tracker refuses, and `UnreachableError` when it does not answer.
    `if_match` is the `etag` of what was read: someone else's change in between is a `ProblemError` of status 412.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        ca_file: str | None = None,
        timeout: float = 30.0,
        attempts: int = 4,
    ) -> None:
        self.server = Server.of(url, token, ca_file, timeout, attempts)
        try:
            trust = ssl.create_default_context(cafile=self.server.ca_file)
        except OSError as error:
            raise MikaError(f"cannot read the certificates in {self.server.ca_file}: {error}") from error
        self._pool = urllib3.PoolManager(
            ssl_context=trust,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            retries=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.clear()

    # ---- users

    def users(self, page: int = calls.PAGE) -> Iterator[User]:
        """Yield all users in order of id, asking for `page` of them at a time."""
        return self._pages("/v1/users", User, page)

    def user(self, user_id: int) -> User:
        """Return a user."""
        return self._send(calls.get(calls.user(user_id), User))

    def add_user(self, **fields: Unpack[NewUser]) -> User:
        """Add a user: `name` is needed; `id` and `passkey` are made when they are not given."""
        return self._send(calls.add_user(fields))

    def add_users(self, users: Iterable[NewUser]) -> list[User]:
        """Add all of these users (20,000 at most) or none; `ProblemError.index` names the bad one."""
        return self._send(calls.many("/v1/users", User, users))

    def put_user(
        self, user_id: int, *, if_match: str | None = None, only_new: bool = False, **fields: Unpack[UserFields]
    ) -> User:
        """Create a user under an id of yours, or set all but passkey and counters to `fields` and their defaults.

        With `only_new`, one that is there stays as it is, and is a `ProblemError` of status 412.
        """
        return self._send(calls.put_user(user_id, fields, if_match, only_new))

    def change_user(self, user_id: int, *, if_match: str | None = None, **fields: Unpack[UserFields]) -> User:
        """Change what is named: `role=2`, `enabled=False`."""
        return self._send(calls.change_user(user_id, fields, if_match))

    def change_users(self, changes: Mapping[int, UserFields]) -> list[User]:
        """Change what is named of each of these users (20,000 at most), by id, or nothing; in the same order.

        `ProblemError.index` tells the bad one by its place.
        """
        return self._send(calls.change_many("/v1/users", "id", User, changes))

    def renew_passkey(self, user_id: int, *, if_match: str | None = None) -> User:
        """Give a user a new passkey; the old one stops at once."""
        return self._send(calls.renew_passkey(user_id, if_match))

    def torrent_key(self, user_id: int, info_hash: str) -> str:
        """Return what announces this torrent alone, in the passkey's place: `/KEY/announce`."""
        return self._send(calls.torrent_key("GET", user_id, info_hash))

    def renew_torrent_key(self, user_id: int, info_hash: str) -> str:
        """Replace it; the old one stops at once, and the user's other torrents go on."""
        return self._send(calls.torrent_key("POST", user_id, info_hash))

    def delete_user(self, user_id: int, *, if_match: str | None = None) -> None:
        """Delete an account, and its peers from their swarms."""
        self._send(calls.delete(calls.user(user_id), if_match))

    def add_bonus(self, user_id: int, amount: Decimal | str, reason: str = "", *, key: str | None = None) -> Decimal:
        """Give points, or (a negative amount) spend them, and return what the user then has.

        More than there is cannot be spent: `ProblemError` of status 409. What is sent again with the same `key`, a name
        of yours for it, counts once.
        """
        return self._send(calls.add_bonus(user_id, amount, reason, key))

    def grant_freeleech(self, user_id: int, info_hash: str, until: datetime) -> None:
        """Let a user download a torrent for free until then."""
        self._send(calls.grant_freeleech(user_id, info_hash, until))

    def revoke_freeleech(self, user_id: int, info_hash: str) -> None:
        """Take a freeleech token away."""
        self._send(calls.delete(calls.freeleech(user_id, info_hash)))

    # ---- torrents

    def torrents(self, page: int = calls.PAGE) -> Iterator[Torrent]:
        """Yield all torrents in order of info hash, asking for `page` of them at a time."""
        return self._pages("/v1/torrents", Torrent, page)

    def torrent(self, info_hash: str) -> Torrent:
        """Return a torrent."""
        return self._send(calls.get(calls.torrent(info_hash), Torrent))

    def add_torrent(self, **fields: Unpack[NewTorrent]) -> Torrent:
        """Add a torrent; only `info_hash` is needed. `**metainfo.fields` names all that a .torrent file says."""
        return self._send(calls.add_torrent(fields))

    def add_torrents(self, torrents: Iterable[NewTorrent]) -> list[Torrent]:
        """Add all of these torrents (20,000 at most) or none; `ProblemError.index` names the bad one."""
        return self._send(calls.many("/v1/torrents", Torrent, torrents))

    def put_torrent(
        self, info_hash: str, *, if_match: str | None = None, only_new: bool = False, **fields: Unpack[TorrentFields]
    ) -> Torrent:
        """Create a torrent, or set all but its counters to `fields` and their defaults; `only_new` as of `put_user`."""
        return self._send(calls.put_torrent(info_hash, fields, if_match, only_new))

    def change_torrent(
        self, info_hash: str, *, if_match: str | None = None, **fields: Unpack[TorrentFields]
    ) -> Torrent:
        """Change what is named: `multiplier_down=0` is freeleech."""
        return self._send(calls.change_torrent(info_hash, fields, if_match))

    def change_torrents(self, changes: Mapping[str, TorrentFields]) -> list[Torrent]:
        """Change what is named of each of these torrents, by info hash, as `change_users` does."""
        return self._send(calls.change_many("/v1/torrents", "info_hash", Torrent, changes))

    def delete_torrent(self, info_hash: str, reason: str = "", *, if_match: str | None = None) -> None:
        """Delete a torrent; `reason` is what those who still announce it read."""
        self._send(calls.delete_torrent(info_hash, reason, if_match))

    # ---- roles, the whitelist, and the rest

    def roles(self) -> Iterator[Role]:
        """Yield all roles in order of id."""
        return self._pages("/v1/roles", Role, calls.PAGE)

    def add_role(self, **fields: Unpack[RoleFields]) -> Role:
        """Add a role; only `name` is needed."""
        return self._send(calls.add_role(fields))

    def change_role(self, role_id: int, **fields: Unpack[RoleFields]) -> Role:
        """Change what is named; it counts from its users' next announces."""
        return self._send(calls.change_role(role_id, fields))

    def delete_role(self, role_id: int) -> None:
        """Delete a role; its users count as having the default one."""
        self._send(calls.delete(calls.role(role_id)))

    def whitelist(self) -> Iterator[WhitelistedClient]:
        """Yield the whitelisted clients in order of prefix."""
        return self._pages("/v1/whitelist", WhitelistedClient, calls.PAGE)

    def allow_client(self, prefix: str, name: str) -> WhitelistedClient:
        """Whitelist the clients whose peer id begins with `prefix`."""
        return self._send(calls.allow_client(prefix, name))

    def disallow_client(self, prefix: str) -> None:
        """Take a prefix off the whitelist."""
        self._send(calls.delete(calls.whitelisted(prefix)))

    def status(self) -> dict[str, Any]:
        """Return version, uptime, stores and figures."""
        status: dict[str, Any] = self.request("GET", "/v1/status")
        return status

    def request(self, method: str, path: str, body: Any = None, *, if_match: str | None = None) -> Any:
        """Send any other request of the API, and return decoded JSON, `None` where there is none."""
        return self._send(Call(method, path, calls.anything, body, if_match))

    # ---- how

    def _pages(self, path: str, noun: calls.Noun[T], limit: int) -> Iterator[T]:
        after: str | None = None
        while True:
            items, after = self._send(calls.page(path, noun, after, limit))
            yield from items
            if after is None:
                return

    def _send(self, call: Call[T]) -> T:
        attempt = 1
        while True:
            try:
                return self._send_once(call)
            except ProblemError as problem:
                wait = self.server.wait(call, problem, attempt)
                if wait is None:
                    raise
            time.sleep(wait)
            attempt += 1

    def _send_once(self, call: Call[T]) -> T:
        try:
            response = self._pool.request(
                call.method,
                self.server.url + call.path,
                body=encode(call.body),
                headers=self.server.headers(call),
                redirect=False,  # the token is for this address
            )
        except HTTPError as error:
            raise self.server.unreachable(call, error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self.server.read(call, response.status, headers, response.data)
