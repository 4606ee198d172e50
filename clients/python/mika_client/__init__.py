"""A typed client of the mika tracker's admin API.

`Client` blocks; `mika_client.deferred.TwistedClient` has the same methods as coroutines. Beneath both, `calls` says
what each method sends and reads, and `server` how a request looks and what an answer means.
"""

from mika_client.blocking import Client
from mika_client.errors import FieldError, MikaError, ProblemError, UnreachableError
from mika_client.metainfo import BadTorrentError, Metainfo, read_metainfo
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
from mika_client.server import Server

__all__ = [
    "BadTorrentError",
    "Client",
    "FieldError",
    "Metainfo",
    "MikaError",
    "NewTorrent",
    "NewUser",
    "ProblemError",
    "Role",
    "RoleFields",
    "Server",
    "Torrent",
    "TorrentFields",
    "UnreachableError",
    "User",
    "UserFields",
    "WhitelistedClient",
    "read_metainfo",
]
