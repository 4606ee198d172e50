"""What a client is shown: the nouns of `model.py` in the fields, units and spellings of DESIGN section 6."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema

from mika import model
from mika.ledger.debts import State
from mika.model import LEFT_UNKNOWN, NANO_POINTS, UNIT_MULTIPLIER
from mika.swarm.swarms import Swarms
from mika.wire.client import client_name

Item = TypeVar("Item")


def _shown(kind: str, **more: Any) -> WithJsonSchema:
    """Describe what is made here, and so need not be checked."""
    return WithJsonSchema({"type": kind, **more})


Hash = Annotated[str, _shown("string", pattern="^[0-9a-f]{40}$")]
HashV2 = Annotated[str, _shown("string", pattern="^[0-9a-f]{64}$")]
Factor = Annotated[int | float, _shown("number", minimum=0, maximum=1000)]
Points = Annotated[str, _shown("string", pattern=r"^-?[0-9]+(\.[0-9]{1,9})?$")]
Time = Annotated[str, _shown("string", format="date-time")]


class Items(BaseModel, Generic[Item]):
    """A page of a list; `next` is what to ask for as `after`, null on the last page."""

    items: list[Item]
    next: str | None


class Torrent(BaseModel):
    """A torrent with its live totals and swarm."""

    info_hash: Hash
    info_hash_v2: HashV2 | None
    name: str
    size: int
    enabled: bool
    reason: str
    multiplier_up: Factor
    multiplier_down: Factor
    seeders: int
    leechers: int
    completed: int
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    announces: int
    created_at: Time
    updated_at: Time


class User(BaseModel):
    """A user with the live totals."""

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
    bonus: Points
    seed_seconds: int
    announces: int
    multiplier_up: Factor
    multiplier_down: Factor
    remote_id: str | None
    created_at: Time
    updated_at: Time


class Location(BaseModel):
    """A place on the globe."""

    latitude: float
    longitude: float


class PeerView(BaseModel):
    """A client of a user in one swarm, as it announced last."""

    user_id: int
    peer_id: Hash
    client: str | None
    ipv4: str | None
    ipv6: str | None
    port: int
    uploaded: int
    downloaded: int
    left: int | None
    seeder: bool
    paused: bool
    country: str | None
    asn: int | None
    location: Location | None
    speed_up: int | None
    speed_down: int | None
    first_seen: Time
    last_seen: Time


class UserPeerView(PeerView):
    """A client of a user, and in which swarm it is."""

    info_hash: Hash


class Role(BaseModel):
    """A role; null is no limit of its own."""

    id: int
    name: str
    priority: int
    multiplier_up: Factor
    multiplier_down: Factor
    download_enabled: bool
    upload_enabled: bool
    download_slots: int | None
    peers_per_user_torrent: int | None


class Client(BaseModel):
    """A whitelisted peer id prefix and what clients with it are called."""

    prefix: str
    name: str


class Store(BaseModel):
    """A store: what it keeps, the scheme of its URL, and whether it answers."""

    kind: str
    url: str
    ok: bool


class Status(BaseModel):
    """The tracker at a glance. `uptime` is in seconds, `queues` counts announces that a kind of store lacks."""

    version: str
    uptime: int
    started_at: Time
    compiled: bool
    stores: list[Store]
    queues: dict[str, int]
    swarms: int
    peers: int
    users: int
    torrents: int


class FreeleechToken(BaseModel):
    """A freeleech token in force: until when the user's downloads of a torrent are free."""

    info_hash: str
    until: Time = Field(description="Until when downloads of the torrent are free.")


class BonusEntry(BaseModel):
    """A line of a user's bonus ledger; a negative amount was spent."""

    id: int
    amount: str = Field(description="Points, exact to nine decimals; negative: spent.")
    reason: str = Field(description="What for, in words for people.")
    balance: str = Field(description="What the account had after it.")
    created_at: Time
    key: str | None = Field(description="The sender's own name for it.")


class UserTorrent(BaseModel):
    """What a user did with a torrent, all their clients together, and what they owe it."""

    info_hash: str
    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    bonus: str = Field(description="Points for seeding it.")
    seed_seconds: int = Field(description="Seconds of seeding it.")
    announces: int
    left: int | None = Field(description="Bytes that were missing at the last announce; null: not known.")
    first_seen: Time = Field(description="When it was announced first.")
    last_seen: Time = Field(description="When it was announced last.")
    completed_at: Time | None = Field(description="When it was completed here; null if it was not.")
    seeding: bool = Field(description="Whether a client of the user seeds it now.")
    state: State = Field(description="How it stands: docs/credit.md.")
    seed_seconds_owed: int = Field(description="Seconds of seeding that are still owed.")
    deadline: Time | None = Field(description="Until when that is to be paid; null where nothing is owed.")


class TokenView(BaseModel):
    """What is known of a token; when it was made is null for the one that the tracker made for its own machine."""

    name: str
    scopes: list[str]
    created_at: Time | None


class MadeToken(TokenView):
    """A token that was just made, this once with itself."""

    token: str


class Ok(BaseModel):
    """All is well."""

    ok: bool = True


def torrent_view(torrent: model.Torrent, swarms: Swarms) -> Torrent:
    """Show a torrent."""
    swarm = swarms.get(torrent.info_hash)
    totals = torrent.totals
    return Torrent(
        info_hash=torrent.info_hash.hex(),
        info_hash_v2=None if torrent.info_hash_v2 is None else torrent.info_hash_v2.hex(),
        name=torrent.name,
        size=torrent.size,
        enabled=torrent.enabled,
        reason=torrent.reason,
        multiplier_up=multiplier(torrent.multiplier_up),
        multiplier_down=multiplier(torrent.multiplier_down),
        seeders=0 if swarm is None else swarm.complete,
        leechers=0 if swarm is None else swarm.incomplete,
        completed=totals.completed,
        uploaded=totals.uploaded,
        downloaded=totals.downloaded,
        uploaded_real=totals.uploaded_real,
        downloaded_real=totals.downloaded_real,
        announces=totals.announces,
        created_at=rfc3339(torrent.created_at),
        updated_at=rfc3339(torrent.updated_at),
    )


def user_view(user: model.User) -> User:
    """Show a user."""
    totals = user.totals
    return User(
        id=user.id,
        name=user.name,
        passkey=user.passkey,
        role=user.role,
        enabled=user.enabled,
        download_enabled=user.download_enabled,
        upload_enabled=user.upload_enabled,
        uploaded=totals.uploaded,
        downloaded=totals.downloaded,
        uploaded_real=totals.uploaded_real,
        downloaded_real=totals.downloaded_real,
        bonus=points(totals.bonus),
        seed_seconds=totals.seed_seconds,
        announces=totals.announces,
        multiplier_up=multiplier(user.multiplier_up),
        multiplier_down=multiplier(user.multiplier_down),
        remote_id=user.remote_id,
        created_at=rfc3339(user.created_at),
        updated_at=rfc3339(user.updated_at),
    )


def peer_view(peer: model.Peer) -> PeerView:
    """Show a peer."""
    return PeerView(**_peer_fields(peer))


def user_peer_view(info_hash: bytes, peer: model.Peer) -> UserPeerView:
    """Show a peer with the torrent that it is of."""
    return UserPeerView(info_hash=info_hash.hex(), **_peer_fields(peer))


def _peer_fields(peer: model.Peer) -> dict[str, Any]:
    endpoint = peer.endpoint4 or peer.endpoint6
    # Where selection needs no speeds none are measured, and 0 would be said of everybody.
    speed_up, speed_down = (peer.speed_up, peer.speed_down) if peer.speed_up or peer.speed_down else (None, None)
    return {
        "user_id": peer.user_id,
        "peer_id": peer.peer_id.hex(),
        "client": client_name(peer.peer_id),
        "ipv4": str(IPv4Address(peer.endpoint4[:4])) if peer.endpoint4 else None,
        "ipv6": str(IPv6Address(peer.endpoint6[:16])) if peer.endpoint6 else None,
        "port": int.from_bytes(endpoint[-2:], "big"),
        "uploaded": peer.uploaded,
        "downloaded": peer.downloaded,
        "left": None if peer.left == LEFT_UNKNOWN else peer.left,
        "seeder": peer.seeder,
        "paused": peer.paused,
        "country": peer.country or None,
        "asn": peer.asn or None,
        "location": None if peer.location is None else Location(latitude=peer.location[0], longitude=peer.location[1]),
        "speed_up": speed_up,
        "speed_down": speed_down,
        "first_seen": rfc3339(peer.first_seen),
        "last_seen": rfc3339(peer.last_seen),
    }


def role_view(role: model.Role) -> Role:
    """Show a role."""
    return Role(
        id=role.id,
        name=role.name,
        priority=role.priority,
        multiplier_up=multiplier(role.multiplier_up),
        multiplier_down=multiplier(role.multiplier_down),
        download_enabled=role.download_enabled,
        upload_enabled=role.upload_enabled,
        download_slots=role.download_slots,
        peers_per_user_torrent=role.peers_per_user_torrent,
    )


def multiplier(thousandths: int) -> int | float:
    """Return a multiplier as the shortest JSON number: 1000 is 1, 1250 is 1.25."""
    whole, rest = divmod(thousandths, UNIT_MULTIPLIER)
    return thousandths / UNIT_MULTIPLIER if rest else whole


def points(nano_points: int) -> str:
    """Return a bonus as a decimal string, exact and without trailing zeros: 1_500_000_000 is "1.5"."""
    whole, rest = divmod(abs(nano_points), NANO_POINTS)
    sign = "-" if nano_points < 0 else ""
    return f"{sign}{whole}.{rest:09}".rstrip("0").rstrip(".")


@lru_cache(1024)  # the items of a page, and both times of each, are often the same
def rfc3339(seconds: int) -> str:
    """Return a time in UTC (RFC 3339): "2026-11-22T10:00:00Z"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
