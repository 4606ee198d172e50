"""What goes in and out of a route's function, and the part of the tracker that it may touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel
from twisted.internet.defer import Deferred, succeed

from mika.admin.auth import Tokens
from mika.config import Config
from mika.directory import Directory
from mika.figures import Figures
from mika.interfaces import Circle
from mika.swarm.swarms import Swarms
from mika.torrent_key import TorrentKeys
from mika.turns import Rest

if TYPE_CHECKING:
    from mika.admin.etag import Condition

HEADERS = ("accept", "if-match", "if-none-match", "last-event-id", "origin", "access-control-request-method")
"""The headers that a request is asked for, beside Authorization and Content-Type."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it arrived, nothing decoded. `path` is without the query, `query` without its mark.

    `headers` are those of `HEADERS` that it has, by name in lower case; `address` is where it came from.
    """

    method: str
    path: bytes
    query: bytes = b""
    authorization: str | None = None
    content_type: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """The body of an answer that goes on until one side ends it.

    `begin` is given what sends bytes, and returns what is called at the end; `dropped` is called before that, if the
    reader does not keep up. `heartbeat` is sent now and then. `reader` names the token that it was asked for with, and
    with which it ends.
    """

    begin: Callable[[Callable[[bytes], None]], Callable[[], None]]
    dropped: Callable[[], None]
    heartbeat: bytes = b":\n\n"
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body that becomes JSON (bytes: sent as they are; `None`: none), and headers beside the usual."""

    status: int
    body: BaseModel | Sequence[BaseModel] | bytes | Stream | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """One store: what it keeps ("users", "torrents", "peers"), the scheme of its URL, and whether it answers."""

    kind: str
    url: str
    ok: bool

    @classmethod
    def of(cls, kind: str, url: str, ok: bool) -> StoreHealth:
        """Keep of the URL only what holds no secret: `postgresql://me:secret@host/db` is shown as `postgresql:`."""
        return cls(kind, "".join(url.partition(":")[:2]), ok)


@dataclass(frozen=True, slots=True)
class Health:
    """The stores, how many announces wait to be written to each kind, and the journal that holds them.

    `journal_trouble` says why the journal is in memory only, empty while all is well.
    """

    stores: Sequence[StoreHealth]
    queues: Mapping[str, int]
    journal_bytes: int = 0
    journal_trouble: str = ""


class Configuration(Protocol):
    """The configuration in force: `live.Live`."""

    config: Config

    def change(self, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Set the keys that are named, by section, and answer which differ now; all or nothing."""


def nobody_near(_info_hash: bytes, _circle: Circle) -> Deferred[list[tuple[int, bytes]]]:
    """Answer as a peers store does that keeps nothing."""
    return succeed([])


@dataclass(frozen=True, slots=True)
class Context:
    """What the API shows and changes. `started_at` is in seconds since 1970; `health` is asked at each request."""

    directory: Directory
    swarms: Swarms
    started_at: int
    health: Callable[[], Health]
    configuration: Configuration
    figures: Figures
    peers_near: Callable[[bytes, Circle], Deferred[list[tuple[int, bytes]]]] = nobody_near
    keys: TorrentKeys = field(default_factory=lambda: TorrentKeys(token_bytes(32)))


@dataclass(frozen=True, slots=True)
class Call:
    """A request that fits its route: path parameters, query and body are checked and of their own types.

    `tokens` are all that are in force; `condition` is what must be so for a change to be made; `rest` lets others have
    their turn in the middle of something long.
    """

    context: Context
    parameters: Mapping[str, Any]
    query: Any
    body: Any
    tokens: Tokens
    condition: Condition
    headers: Mapping[str, str]
    rest: Rest
