"""The nouns of the API as values: what it shows (dataclasses), and what it takes (typed dictionaries).

A field that this version does not know is left out, so that a newer tracker can be asked by an older client.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Required, Self, TypedDict


@dataclass(frozen=True, slots=True)
class User:
    """A user with the live totals in bytes. `etag` is what `if_match` takes, where the tracker gave one.

    `uploaded` and `downloaded` are what is credited, `…_real` what was transferred; `bonus` is in points.
    """

    id: int
    name: str
    passkey: str
    role: int
    enabled: bool
    download_enabled: bool
    upload_enabled: bool
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    bonus: Decimal
    seed_seconds: int
    announces: int
    multiplier_up: float
    multiplier_down: float
    remote_id: str | None
    created_at: datetime
    updated_at: datetime
    etag: str | None = None

    @property
    def ratio(self) -> float | None:
        """Credited upload by credited download; `None` while nothing is downloaded."""
        return self.uploaded / self.downloaded if self.downloaded else None

    @classmethod
    def read(cls, shown: Any, etag: str | None = None) -> Self:
        """Read what the API shows."""
        values = _known(cls, shown) | _times(shown)
        return cls(**values | {"bonus": Decimal(shown["bonus"]), "etag": etag})


@dataclass(frozen=True, slots=True)
class Torrent:
    """A torrent with its live totals in bytes and its swarm; `info_hash` is 40 lower-case hex digits."""

    info_hash: str
    info_hash_v2: str | None
    name: str
    size: int
    enabled: bool
    reason: str
    multiplier_up: float
    multiplier_down: float
    seeders: int
    leechers: int
    completed: int
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    announces: int
    created_at: datetime
    updated_at: datetime
    etag: str | None = None

    @classmethod
    def read(cls, shown: Any, etag: str | None = None) -> Self:
        """Read what the API shows."""
        return cls(**_known(cls, shown) | _times(shown) | {"etag": etag})


@dataclass(frozen=True, slots=True)
class Role:
    """A class of users; `None` is no limit of its own."""

    id: int
    name: str
    priority: int
    multiplier_up: float
    multiplier_down: float
    download_enabled: bool
    upload_enabled: bool
    download_slots: int | None
    peers_per_user_torrent: int | None

    @classmethod
    def read(cls, shown: Any, _etag: str | None = None) -> Self:
        """Read what the API shows."""
        return cls(**_known(cls, shown))


@dataclass(frozen=True, slots=True)
class WhitelistedClient:
    """A peer id prefix whose clients are served, and what they are called."""

    prefix: str
    name: str

    @classmethod
    def read(cls, shown: Any, _etag: str | None = None) -> Self:
        """Read what the API shows."""
        return cls(**_known(cls, shown))


class _UserFields(TypedDict, total=False):
    passkey: str
    role: int
    enabled: bool
    download_enabled: bool
    upload_enabled: bool
    multiplier_up: float
    multiplier_down: float
    remote_id: str | None
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    bonus: str
    seed_seconds: int
    announces: int


class UserFields(_UserFields, total=False):
    """What of a user can be set. `bonus` is a decimal string, such as "12.5"."""

    name: str


class NewUser(_UserFields, total=False):
    """A user to add: `name` is needed; id and passkey are made when they are not given."""

    id: int
    name: Required[str]


class TorrentFields(TypedDict, total=False):
    """What of a torrent can be set."""

    info_hash_v2: str | None
    name: str
    size: int
    enabled: bool
    reason: str
    multiplier_up: float
    multiplier_down: float
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    completed: int
    announces: int


class NewTorrent(TorrentFields):
    """A torrent to add."""

    info_hash: str


class RoleFields(TypedDict, total=False):
    """What of a role can be set."""

    name: str
    priority: int
    multiplier_up: float
    multiplier_down: float
    download_enabled: bool
    upload_enabled: bool
    download_slots: int | None
    peers_per_user_torrent: int | None


def _known(kind: type, shown: Any) -> dict[str, Any]:
    return {field.name: shown[field.name] for field in fields(kind) if field.name != "etag"}


def _times(shown: Any) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(shown[name]) for name in ("created_at", "updated_at")}
