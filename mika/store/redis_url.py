"""What a `redis://` or `rediss://` URL says: where Redis is, as whom to log in, and under which prefix the keys are.

`registry.py` reads it to check a configuration and to tell two stores apart; `redis.py` opens it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from mika.errors import ConfigError

DEFAULT_PREFIX = "mika:"
DEFAULT_PORT = 6379

_FORM = "redis://[user[:password]@]host[:port][/db][?prefix=mika:]"


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """One Redis database and the prefix of mika's keys in it. `ca` is a file of certificates, for TLS alone."""

    host: str
    port: int = DEFAULT_PORT
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = DEFAULT_PREFIX
    tls: bool = False
    ca: Path | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"Redis at {host}:{self.port}" + (f"/{self.db}" if self.db else "")


def parse_redis_url(url: str, state_dir: Path) -> RedisPlace:
    """Return the place that a URL names; a relative `ca` is one in `state_dir`.

    `ConfigError` says what is wrong with it, without any part of it that may hold a password.
    """
    scheme, _, rest = url.partition(":")
    if not rest.startswith("//") or "#" in rest:
        raise ConfigError(f"{scheme}: is followed by //, as in {_FORM}; in a password # is written %23 and / is %2F")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise ConfigError(f"{scheme}: has no host and port as in {_FORM}") from None
    if not host:
        raise ConfigError(f"{scheme}: names no host: {_FORM}")
    db = parts.path.removeprefix("/") or "0"
    if not (db.isascii() and db.isdecimal() and len(db) < 9):
        raise ConfigError(f"{scheme}: the database behind the host is a number, as in {_FORM}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls = scheme == "rediss"
    prefix, ca = options.pop("prefix", DEFAULT_PREFIX), options.pop("ca", "")
    if options:
        raise ConfigError(f"{scheme}: has no option {min(options)!r}; it has prefix, and rediss: has ca as well")
    if ca and not tls:
        raise ConfigError("redis: without TLS has no use for ca: the scheme with TLS is rediss")
    return RedisPlace(
        host=host,
        port=DEFAULT_PORT if port is None else port,
        db=int(db),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        prefix=prefix,
        tls=tls,
        ca=Path(normpath(state_dir / ca)) if ca else None,
    )
