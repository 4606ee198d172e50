"""How the configuration is written: sections and keys, text and numbers of a file to values, and back for who asks.

`config.py` declares its sections with these. Durations become seconds, multipliers thousandths, points nano-points.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from mika.model import NANO_POINTS

STARS = "***"
"""What is shown in the place of a secret."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdw]))+")
_SECRET_OPTION = re.compile(r"((?:^|&)[^=&]*(?:pass|secret|token|key)[^=&]*(?<!file)=)[^&]*", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,12})(B|KiB|MiB|GiB)")
_SHIFTS = {"GiB": 30, "MiB": 20, "KiB": 10, "B": 0}
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?|\*")
_DURATION_PART = re.compile(r"(\d+)(ms|[smhdw])")


class HostPort(NamedTuple):
    """Where to listen: an IP address and a TCP port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _duration(value: Any) -> float:
    if value == 0 and not isinstance(value, bool):
        return 0
    if not isinstance(value, str) or not (value == "0" or _DURATION.fullmatch(value)):
        raise ValueError('a duration is written like "30m", "90s" or "1h30m" (units ms, s, m, h, d, w)')
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(value))
    return int(seconds) if seconds == int(seconds) else seconds


def _decimal(value: Any, places: int) -> int:
    """Return a number with at most `places` decimals as an integer of the smallest of them."""
    problem = f"a number with at most {places} decimals is needed"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(problem)  # noqa: TRY004 - pydantic turns a ValueError, not a TypeError, into its own
    try:
        scaled = Decimal(str(value)).scaleb(places)
    except ArithmeticError:
        raise ValueError(problem) from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(problem)
    return int(scaled)


def _host_port(value: Any) -> HostPort:
    problem = '"host:port" is needed, such as "127.0.0.1:34000" or "[::]:34000"'
    if not isinstance(value, str):
        raise ValueError(problem)  # noqa: TRY004 - as above
    host, colon, port = value.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ValueError(problem)
    if int(port) > 65535:
        raise ValueError(f"the port of {value!r} is greater than 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    host = {"localhost": "127.0.0.1", "*": "0.0.0.0", "": "0.0.0.0"}.get(host, host)  # noqa: S104 - asked for
    try:
        return HostPort(str(ipaddress.ip_address(host)), int(port))
    except ValueError:
        raise ValueError(f"the host of {value!r} is not an IP address") from None


def _network(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('an address or a network is needed, such as "10.0.0.0/8"')  # noqa: TRY004 - as above
    try:
        return ipaddress.ip_network(value)
    except ValueError as problem:
        raise ValueError(f"{problem}") from None


def _moment(value: Any) -> int:
    """Return a time in whole seconds since 1970: TOML has times of its own, an environment and JSON have text."""
    problem = "a time is written like 2026-12-24T18:00:00Z; without a zone it is UTC"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(problem) from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError(problem)  # noqa: TRY004 - as above
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a size is written like "16MiB" (units B, KiB, MiB, GiB)')
    return int(match[1]) << _SHIFTS[match[2]]


def _origin(value: Any) -> str:
    if not isinstance(value, str) or not _ORIGIN.fullmatch(value):
        raise ValueError('an origin is needed, such as "https://example.org", without a slash at its end, or "*"')
    return value


def masked_url(url: str) -> str:
    """Return a store's URL with stars for what is or may be a secret: a password, and options that are called so."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return url  # a path, a class, or the name of an adapter
    place, mark, query = rest.partition("?")
    user, at, host = place.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        place = f"{name}:{STARS}@{host}" if colon else f"{STARS}@{host}"
    query = _SECRET_OPTION.sub(rf"\1{STARS}", query)
    return f"{scheme}://{place}{mark}{query}"


def _as(write: Any, **schema: Any) -> tuple[PlainSerializer, WithJsonSchema]:
    """Write a value in JSON as in the file, and say so in the schema; a default is written so already."""
    as_in_the_file = PlainSerializer(lambda value: value if isinstance(value, str) else write(value), when_used="json")
    return as_in_the_file, WithJsonSchema(schema)


def _written_duration(seconds: float) -> str:
    """Write seconds as in the file: "1h30m"; nothing is "0s"."""
    rest = round(seconds * 1000)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, round(_UNITS[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _written_size(size: int) -> str:
    unit, shift = next((unit, shift) for unit, shift in _SHIFTS.items() if size % (1 << shift) == 0 and size >> shift)
    return f"{size >> shift}{unit}"


def _written_decimal(value: int, places: int) -> int | float:
    unit: int = 10**places
    return value / unit if value % unit else value // unit


def _written_moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    *_as(_written_duration, type="string", pattern=f"^(?:0|{_DURATION.pattern})$", examples=["30m"]),
]
Thousandths = Annotated[
    int,
    BeforeValidator(lambda value: _decimal(value, 3)),
    Field(ge=0, le=1_000_000),
    *_as(lambda value: _written_decimal(value, 3), type="number", minimum=0, maximum=1000),
]
Nano = Annotated[
    int,
    BeforeValidator(lambda value: _decimal(value, 9)),
    Field(ge=0, le=1_000_000 * NANO_POINTS),
    *_as(lambda value: _written_decimal(value, 9), type="number", minimum=0, maximum=1_000_000),
]
Moment = Annotated[
    int,
    BeforeValidator(_moment),
    *_as(_written_moment, type="string", format="date-time", examples=["2026-12-24T18:00:00Z"]),
]
Size = Annotated[
    int, BeforeValidator(_size), *_as(_written_size, type="string", pattern=f"^{_SIZE.pattern}$", examples=["16MiB"])
]
Origin = Annotated[
    str,
    BeforeValidator(_origin),
    *_as(str, type="string", pattern=f"^(?:{_ORIGIN.pattern})$", examples=["https://example.org"]),
]
Listen = Annotated[HostPort, PlainValidator(_host_port), *_as(str, type="string", examples=["127.0.0.1:34000"])]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    BeforeValidator(_network),
    *_as(str, type="string", examples=["10.0.0.0/8"]),
]


def key(default: Any, description: str, *, live: bool = False, **constraints: Any) -> Any:
    """Describe a key: its default as it is written in the file, and what it means.

    `live`: it can change while the tracker runs, and `live.py` has it applied. All others wait for a restart.
    """
    extra: JsonDict = {"live": live, "default": default}
    return Field(
        default=default, description=description, validate_default=True, json_schema_extra=extra, **constraints
    )


class Section(BaseModel):
    """What all sections share: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True)
