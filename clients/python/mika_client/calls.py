"""What each method of the clients sends, and how it reads the answer: one function each, returning a `Call`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from mika_client.models import NewTorrent, NewUser, Role, Torrent, User, WhitelistedClient
from mika_client.server import Call

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PAGE = 1000
"""Items that a page holds, unless asked otherwise: the most that the API gives."""


class Noun(Protocol[T_co]):
    """A class of `models`."""

    def read(self, shown: Any, etag: str | None = None, /) -> T_co:
        """Read what the API shows."""


def get(path: str, noun: Noun[T]) -> Call[T]:
    """Ask for one thing."""
    return Call("GET", path, noun.read)


def page(path: str, noun: Noun[T], after: str | None, limit: int) -> Call[tuple[list[T], str | None]]:
    """Ask for a page of a list, and for what the next one comes after, `None` on the last."""
    query = {"limit": str(limit)} | ({} if after is None else {"after": after})

    def read(shown: Any, _etag: str | None) -> tuple[list[T], str | None]:
        following = shown["next"]
        if following is not None and (following == after or not isinstance(following, str)):
            raise ValueError("the same page again and again")
        return [noun.read(item) for item in shown["items"]], following

    return Call("GET", f"{path}?{urlencode(query)}", read)


def many(path: str, noun: Noun[T], items: Iterable[Mapping[str, Any]]) -> Call[list[T]]:
    """Add all of these or none."""
    return Call("POST", path, lambda shown, _etag: [noun.read(item) for item in shown], list(items))


def change_many(path: str, key: str, noun: Noun[T], changes: Mapping[Any, Mapping[str, Any]]) -> Call[list[T]]:
    """Change all of these or none; each is named by what the API calls `key`."""
    items = [{**fields, key: each} for each, fields in changes.items()]
    return Call("PATCH", path, lambda shown, _etag: [noun.read(item) for item in shown], items)


def delete(path: str, if_match: str | None = None) -> Call[None]:
    """Delete one thing."""
    return Call("DELETE", path, lambda _shown, _etag: None, None, if_match)


def anything(shown: Any, _etag: str | None) -> Any:
    """Read decoded JSON as it is."""
    return shown


def user(user_id: int) -> str:
    """Return the path of a user."""
    return f"/v1/users/{int(user_id)}"


def torrent(info_hash: str) -> str:
    """Return the path of a torrent."""
    return f"/v1/torrents/{quote(info_hash, safe='')}"


def role(role_id: int) -> str:
    """Return the path of a role."""
    return f"/v1/roles/{int(role_id)}"


def whitelisted(prefix: str) -> str:
    """Return the path of a prefix."""
    return f"/v1/whitelist/{quote(prefix, safe='')}"


def add_user(fields: NewUser) -> Call[User]:
    """Add a user."""
    return Call("POST", "/v1/users", User.read, dict(fields))


def put_user(user_id: int, fields: Mapping[str, Any], if_match: str | None, only_new: bool) -> Call[User]:
    """Make a user what `fields` say."""
    return Call("PUT", user(user_id), User.read, dict(fields), if_match, only_new)


def change_user(user_id: int, fields: Mapping[str, Any], if_match: str | None) -> Call[User]:
    """Change the named fields of a user."""
    return Call("PATCH", user(user_id), User.read, dict(fields), if_match)


def renew_passkey(user_id: int, if_match: str | None) -> Call[User]:
    """Give a user a new passkey."""
    return Call("POST", f"{user(user_id)}/passkey", User.read, None, if_match)


def torrent_key(method: str, user_id: int, info_hash: str) -> Call[str]:
    """Show (GET) or replace (POST) the key of a user for a torrent."""
    path = f"{user(user_id)}/torrents/{quote(info_hash, safe='')}/key"
    return Call(method, path, lambda shown, _etag: str(shown["key"]))


def add_bonus(user_id: int, amount: Decimal | str, reason: str, key: str | None) -> Call[Decimal]:
    """Give points, or spend them."""
    entry = {"amount": f"{Decimal(amount):f}", "reason": reason} | ({} if key is None else {"key": key})
    return Call("POST", f"{user(user_id)}/bonus", lambda shown, _etag: Decimal(shown["balance"]), entry)


def freeleech(user_id: int, info_hash: str) -> str:
    """Return the path of a freeleech token."""
    return f"{user(user_id)}/freeleech/{quote(info_hash, safe='')}"


def grant_freeleech(user_id: int, info_hash: str, until: datetime) -> Call[None]:
    """Give a freeleech token."""
    text = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Call("PUT", freeleech(user_id, info_hash), lambda _shown, _etag: None, {"until": text})


def add_torrent(fields: NewTorrent) -> Call[Torrent]:
    """Add a torrent."""
    return Call("POST", "/v1/torrents", Torrent.read, dict(fields))


def put_torrent(info_hash: str, fields: Mapping[str, Any], if_match: str | None, only_new: bool) -> Call[Torrent]:
    """Make a torrent what `fields` say."""
    return Call("PUT", torrent(info_hash), Torrent.read, dict(fields), if_match, only_new)


def change_torrent(info_hash: str, fields: Mapping[str, Any], if_match: str | None) -> Call[Torrent]:
    """Change the named fields of a torrent."""
    return Call("PATCH", torrent(info_hash), Torrent.read, dict(fields), if_match)


def delete_torrent(info_hash: str, reason: str, if_match: str | None) -> Call[None]:
    """Delete a torrent."""
    query = f"?{urlencode({'reason': reason})}" if reason else ""
    return delete(torrent(info_hash) + query, if_match)


def add_role(fields: Mapping[str, Any]) -> Call[Role]:
    """Add a role."""
    return Call("POST", "/v1/roles", Role.read, dict(fields))


def change_role(role_id: int, fields: Mapping[str, Any]) -> Call[Role]:
    """Change the named fields of a role."""
    return Call("PATCH", role(role_id), Role.read, dict(fields))


def allow_client(prefix: str, name: str) -> Call[WhitelistedClient]:
    """Whitelist clients."""
    return Call("PUT", whitelisted(prefix), WhitelistedClient.read, {"name": name})
