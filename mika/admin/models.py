"""The fields of DESIGN section 6: what a client may send, checked and in the units of `model.py`, and what it is shown.

A body is closed to unknown fields and strict about types. Whether a field was named at all is kept, because PATCH
changes only what is named and PUT keeps counters that are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    RootModel,
    WithJsonSchema,
)

from mika.config import Config
from mika.config_values import Duration
from mika.events import TYPES
from mika.ledger.debts import State
from mika.model import DEFAULT_ROLE, INT64_MAX, NANO_POINTS, PASSKEY, UNIT_MULTIPLIER

MAX_INTEGER = 2**53
"""The largest id or size: beyond it, JavaScript and others no longer read an integer exactly (RFC 8259 section 6)."""

USER_COUNTERS = ("uploaded", "downloaded", "uploaded_real", "downloaded_real", "bonus", "seed_seconds", "announces")
TORRENT_COUNTERS = ("uploaded", "downloaded", "uploaded_real", "downloaded_real", "completed", "announces")

MAX_HASHES = 300
"""Info hashes in a query, at most: a request line of 16 KiB holds no more."""

UNSET = "unset"
"""In the schema of a field: its default stands for its absence, and is left out of the OpenAPI document."""

_BONUS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_CONTROL: dict[str, Any] = {"pattern": r"^[^\x00-\x1f\x7f]*$"}


_DEGREES = r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?"
_PLACE = re.compile(f"({_DEGREES}),({_DEGREES})")


def _hex(octets: int) -> Callable[[Any], bytes]:
    pattern = re.compile(f"[0-9A-Fa-f]{{{octets * 2}}}")

    def read(value: Any) -> bytes:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"{octets * 2} hex digits are needed")
        return bytes.fromhex(value)

    return read


def _thousandths(value: Any) -> int:
    problem = "a number from 0 to 1000 with at most three decimals is needed"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
        raise ValueError(problem)
    scaled = Decimal(str(value)) * UNIT_MULTIPLIER
    if scaled != int(scaled):
        raise ValueError(problem)
    return int(scaled)


def _nano_points(value: Any) -> int:
    if not isinstance(value, str) or not _BONUS.fullmatch(value):
        raise ValueError('a decimal string with at most nine decimals is needed, such as "12.5"')
    points = int(Decimal(value) * NANO_POINTS)
    if points > INT64_MAX:
        raise ValueError("this is more than can be kept")
    return points


def _signed_nano_points(value: Any) -> int:
    if not isinstance(value, str):
        return _nano_points(value)
    points = _nano_points(value.removeprefix("-"))
    if not points:
        raise ValueError("an amount other than 0 is needed")
    return -points if value.startswith("-") else points


def _time(value: Any) -> int:
    problem = "a time is needed, such as 2026-12-24T18:00:00Z"
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError(problem)
    try:
        return int(datetime.fromisoformat(value.upper()).timestamp())
    except (ValueError, OverflowError):
        raise ValueError(problem) from None


def _text(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("control characters are not allowed")
    return value


def _passkey(value: Any) -> str:
    if not isinstance(value, str) or not PASSKEY.fullmatch(value):
        raise ValueError("8 to 64 characters of A-Z a-z 0-9 _ - are needed")
    return value


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,20}", value):
        raise ValueError("1 to 20 printable ASCII characters without a space are needed")
    return value


def _token_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value):
        raise ValueError("1 to 64 characters of A-Z a-z 0-9 . _ - are needed")
    return value


def _place(value: Any) -> tuple[float, float]:
    found = _PLACE.fullmatch(value) if isinstance(value, str) else None
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        raise ValueError("degrees north and east are needed, such as 52.5,13.4")
    return float(found[1]), float(found[2])


def _path_id(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,15}", value) or int(value) > MAX_INTEGER:
        raise ValueError("a whole number from 1 to 2^53 is needed")
    return int(value)


def _info_hashes(value: Any) -> list[bytes]:
    hashes = value.split(",")
    if len(hashes) > MAX_HASHES:
        raise ValueError(f"at most {MAX_HASHES} info hashes are taken")
    return list(dict.fromkeys(map(_hex(20), hashes)))


def _event_types(value: Any) -> tuple[str, ...]:
    types = value.split(",")
    unknown = [each for each in types if each not in TYPES]
    if unknown:
        raise ValueError(f"there is no type {unknown[0]!r}: {', '.join(TYPES)} are all")
    return tuple(dict.fromkeys(types))


def _schema(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


InfoHash = Annotated[bytes, PlainValidator(_hex(20)), _schema("string", pattern="^[0-9A-Fa-f]{40}$")]
EventTypes = Annotated[
    tuple[str, ...],
    PlainValidator(_event_types),
    _schema("string", pattern="^({0})(,({0}))*$".format("|".join(TYPES))),
]
InfoHashes = Annotated[
    list[bytes],
    PlainValidator(_info_hashes),
    _schema("string", pattern="^[0-9A-Fa-f]{40}(,[0-9A-Fa-f]{40})*$", maxLength=41 * MAX_HASHES - 1),
]
InfoHashV2 = Annotated[bytes, PlainValidator(_hex(32)), _schema("string", pattern="^[0-9A-Fa-f]{64}$")]
Multiplier = Annotated[int, PlainValidator(_thousandths), _schema("number", minimum=0, maximum=1000, multipleOf=0.001)]
Bonus = Annotated[int, PlainValidator(_nano_points), _schema("string", pattern=r"^[0-8]?[0-9]{1,9}(\.[0-9]{1,9})?$")]
Amount = Annotated[
    int, PlainValidator(_signed_nano_points), _schema("string", pattern=r"^-?[0-8]?[0-9]{1,9}(\.[0-9]{1,9})?$")
]
Time = Annotated[int, PlainValidator(_time), _schema("string", format="date-time")]
Passkey = Annotated[str, PlainValidator(_passkey), _schema("string", pattern=f"^{PASSKEY.pattern}$")]
Prefix = Annotated[str, PlainValidator(_prefix), _schema("string", pattern="^[!-~]{1,20}$")]
TokenName = Annotated[str, PlainValidator(_token_name), _schema("string", pattern="^[A-Za-z0-9._-]{1,64}$")]
Place = Annotated[tuple[float, float], PlainValidator(_place), _schema("string", pattern=f"^{_DEGREES},{_DEGREES}$")]
PathId = Annotated[int, PlainValidator(_path_id), _schema("integer", minimum=1, maximum=MAX_INTEGER)]
Id = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Size = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Counter = Annotated[int, Field(ge=0, le=INT64_MAX)]
Text = Annotated[str, Field(max_length=1000, json_schema_extra=_NO_CONTROL), AfterValidator(_text)]
Name = Annotated[str, Field(min_length=1, max_length=255, json_schema_extra=_NO_CONTROL), AfterValidator(_text)]


def default(value: Any) -> Any:
    """Describe a field's default as a client would write it."""
    return Field(default=value, validate_default=True)


def unset(value: Any) -> Any:
    """Describe a field whose absence is no value that a client could write; `value` stands for it here."""
    return Field(default=value, json_schema_extra={UNSET: True})


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def named(self, fields: Iterable[str]) -> dict[str, Any]:
        """Return those of `fields` that the client named."""
        return {field: getattr(self, field) for field in fields if field in self.model_fields_set}

    def facts(self, counters: Collection[str]) -> dict[str, Any]:
        """Return every field, named or its default, but for the counters."""
        return {field: value for field, value in self if field not in counters}


class TorrentFields(Body):
    """A torrent without its info hash: the body of PATCH."""

    info_hash_v2: InfoHashV2 | None = None
    name: Text = ""
    size: Size = 0
    enabled: bool = True
    reason: Text = ""
    multiplier_up: Multiplier = default(1)
    multiplier_down: Multiplier = default(1)
    uploaded: Counter = 0
    downloaded: Counter = 0
    uploaded_real: Counter = 0
    downloaded_real: Counter = 0
    completed: Counter = 0
    announces: Counter = 0


class TorrentPut(TorrentFields):
    """A torrent whose info hash is in the path; one in the body must be the same."""

    info_hash: InfoHash = unset(b"")


class NewTorrent(TorrentFields):
    """A torrent to add."""

    info_hash: InfoHash


class UserFields(Body):
    """A user without id: the body of PATCH. Without a passkey, a new user is given one."""

    name: Name = unset("")
    passkey: Passkey = unset("")
    role: Id = DEFAULT_ROLE
    enabled: bool = True
    download_enabled: bool = True
    upload_enabled: bool = True
    multiplier_up: Multiplier = default(1)
    multiplier_down: Multiplier = default(1)
    remote_id: Name | None = None
    uploaded: Counter = 0
    downloaded: Counter = 0
    uploaded_real: Counter = 0
    downloaded_real: Counter = 0
    bonus: Bonus = default("0")
    seed_seconds: Counter = 0
    announces: Counter = 0


class NewUser(UserFields):
    """A user to add, or whose id is in the path: one in the body must be the same."""

    id: Id = unset(0)
    name: Name


class TokenFields(Body):
    """A freeleech token: until when it is in force."""

    until: Time = Field(description="Until when downloads of the torrent are free.")


class NewBonusEntry(Body):
    """Bonus to give, or (negative) to spend."""

    amount: Amount = Field(description="Points, exact to nine decimals; negative: spent.")
    reason: Text = Field(default="", description="What for, in words for people.")
    key: Name | None = Field(
        default=None, max_length=64, description="Your own name for this entry: sent again, it counts once."
    )


class RoleFields(Body):
    """A role without id: the body of PATCH."""

    name: Name = unset("")
    priority: int = Field(default=0, ge=-(2**31), le=2**31 - 1)
    multiplier_up: Multiplier = default(1)
    multiplier_down: Multiplier = default(1)
    download_enabled: bool = True
    upload_enabled: bool = True
    download_slots: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    peers_per_user_torrent: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class NewRole(RoleFields):
    """A role to add, under the next free id if it brings none."""

    id: Id = unset(0)
    name: Name


class ClientName(Body):
    """What a whitelisted client is called."""

    name: Name


class NewToken(Body):
    """A token to make."""

    name: TokenName
    scopes: list[Literal["read", "write", "admin"]] = Field(min_length=1, max_length=3)


class Page(BaseModel):
    """The query of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1000)
    after: str | None = None


class Chosen(BaseModel):
    """The query of figures: of which torrents the counts are wanted, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    torrents: InfoHashes | None = Field(default=None, description="Info hashes, with commas between them.")


class Watched(BaseModel):
    """The query of events: which of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    types: EventTypes | None = Field(
        default=None, description="Which types, with commas between them; all unless given."
    )
    sample: float = Field(
        default=1, ge=0, le=1, allow_inf_nan=False, description="The share of announces and refusals that is wanted."
    )
    rate: int = Field(default=20, ge=1, le=1000, description="Announces a second at most, and as many refusals.")


class HistoryPage(Page):
    """The query of a user's torrents."""

    state: State | None = Field(default=None, description="Only those that stand so.")


class Nearby(Page):
    """The query of a torrent's peers: all of them, or those in a circle."""

    near: Place | None = None
    within: float | None = Field(default=None, gt=0, le=20_040)  # half way round the globe


class PeerPage(Page):
    """The query of a user's peers."""

    idle: Duration | None = None


class Idle(BaseModel):
    """Which of a user's peers are to go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle: Duration | None = None


class Removal(BaseModel):
    """The query of a torrent's DELETE: what those who still announce it read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Text = ""


class NoQuery(BaseModel):
    """The query of every other route."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfigChanges(RootModel[dict[str, dict[str, Any]]]):
    """The keys of the configuration to change, by section, written as in the file; all others stay as they are."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe it as the configuration; what each key may be is checked together with all others (`live.py`)."""
        described = deepcopy(handler.resolve_ref_schema(handler(Config.__pydantic_core_schema__)))
        return described | {"description": cls.__doc__}
