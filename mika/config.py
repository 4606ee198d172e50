"""mika.toml and the environment into frozen, typed sections; refuses what it does not know by name.

`tap.py` calls `load_config`. A section's fields are the documentation: `config_text.py` writes them with their defaults
as `etc/mika.toml`, and a test compares the two. Durations become seconds, multipliers thousandths (see model.py).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from mika.config_values import (
    Duration,
    Listen,
    Moment,
    Nano,
    Network,
    Origin,
    Section,
    Size,
    Thousandths,
    key,
    masked_url,
)
from mika.errors import ConfigError

OTHER_VARIABLES = frozenset({"MIKA_STATE", "MIKA_URL", "MIKA_TOKEN", "MIKA_CA", "MIKA_CERT", "MIKA_PURE"})
"""Environment variables that start with MIKA_ and are no configuration key."""

_WORDS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


def is_live(section: str, name: str) -> bool:
    """Say whether a key can change while the tracker runs."""
    extra = Config.model_fields[section].default.__class__.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra["live"])


def _section_of(kind: type[Section]) -> Any:
    name = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
    return Field(default=kind(), description=f"The section [{name}].")


class General(Section):
    """The process itself."""

    state_dir: str = key("./mika-state", "Where mika keeps its database, certificate and API token.", min_length=1)
    log_level: Literal["debug", "info", "warn", "error", "critical"] = key(
        "info", "The least important messages to log: debug, info, warn, error or critical.", live=True
    )
    log_format: Literal["text", "json"] = key("text", "text, or json: one object a line.")
    huge_pages: bool = key(True, "Keep peers in pages of 2 MiB where the system has such: less time an announce.")


class Stores(Section):
    """Where accounts are kept, each chosen alone, by URL: docs/configuration.md lists the kinds."""

    users: str = key("sqlite:", "Users and roles.")
    torrents: str = key("sqlite:", "Torrents and the client whitelist.")
    peers: str = key("sqlite:", "Swarms, so that a restart starts with them.")
    preload: bool = key(False, "Read every user and torrent at the start, so that no announce ever waits for a store.")
    poll_interval: Duration = key(
        "2s", "How often SQLite, MySQL, MariaDB and a site are asked what others changed in them.", gt=0, le=3600
    )


class Tracker(Section):
    """Announces and scrapes."""

    listen: list[Listen] = key(
        ["0.0.0.0:34000", "[::]:34000"], "Where announces are served over HTTP. One entry for each address family."
    )
    listen_tls: list[Listen] = key([], "The same over HTTPS, with the certificate and key of [api].")
    ipv4: bool = key(True, "Serve clients over IPv4.")
    ipv6: bool = key(True, "Serve clients over IPv6.")
    public: bool = key(
        False, "Serve /announce without a passkey too; each peer is then an account of its own.", live=True
    )
    auto_register: bool = key(False, "Register a torrent at its first announce.", live=True)
    announce_interval: Duration = key(
        "30m", "How long a client waits between two announces.", live=True, gt=0, le=86400
    )
    announce_interval_minimum: Duration = key("15m", "The least a client should wait.", live=True, gt=0, le=86400)
    interval_jitter: Duration = key(
        "1m", "At most this much is added at random, so that clients spread.", live=True, le=86400
    )
    peer_ttl: Duration = key(
        "45m", "A peer that was silent for so long leaves the swarm.", live=True, gt=0, le=30 * 86400
    )
    counters_ttl: Duration = key(
        "21d", "For so long the counters of a silent peer are kept for its return.", live=True, gt=0, le=3650 * 86400
    )
    numwant_default: int = key(50, "Peers handed to a client that does not say how many it wants.", live=True, ge=0)
    numwant_max: int = key(200, "Peers handed out at most.", live=True, ge=0, le=2000)
    allow_non_routable: bool = key(False, "Hand out peers on private addresses: for a LAN, and for tests.", live=True)
    allow_client_ip: bool = key(
        False, "Believe ip=, ipv4= and ipv6= of a client. Off: people aim peers at victims.", live=True
    )
    trusted_proxies: list[Network] = key(
        [], "Networks of proxies whose X-Forwarded-For, X-Real-IP or PROXY protocol is believed.", live=True
    )
    peers_per_user_torrent: int = key(5, "Clients that one user may have in one swarm at a time.", live=True, ge=1)
    addresses_per_user: int = key(0, "Addresses a family that one user may have; 0: any number.", live=True, ge=0)
    negative_ttl: Duration = key(
        "1m", "For so long an absent passkey or torrent is not looked for again.", live=True, le=86400
    )
    whitelist: bool = key(False, "Serve only clients whose peer id starts with a listed prefix.", live=True)
    torrent_keys: Literal["off", "accepted", "required"] = key(
        "off",
        "Announce keys of one torrent each, beside passkeys: off, accepted or required; docs/torrent-keys.md.",
        live=True,
    )
    torrent_key_file: str = key(
        "", "The secret that such keys are made with, the same for all trackers of a site; empty: one is made."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Only two values that were both set can contradict; a default gives way to what was set.
        pairs = (("announce_interval_minimum", "announce_interval"), ("numwant_default", "numwant_max"))
        for smaller, larger in pairs:
            both = {smaller, larger} <= self.model_fields_set
            if both and getattr(self, smaller) > getattr(self, larger):
                raise ValueError(f"{smaller} is greater than {larger}")
        if not self.ipv4 and not self.ipv6:
            raise ValueError("ipv4 and ipv6 are both off, so nobody could be served")
        return self

    @property
    def minimum(self) -> int:
        """The `min interval` to answer with: never more than the interval."""
        return int(min(self.announce_interval_minimum, self.announce_interval))

    @property
    def numwant(self) -> int:
        """The default for `numwant`: never more than the maximum."""
        return min(self.numwant_default, self.numwant_max)


class Api(Section):
    """The admin API, over TLS only."""

    listen: Listen = key("127.0.0.1:34001", "Where the admin API is served.")
    metrics_open: bool = key(False, "Let Prometheus read /metrics without a token.", live=True)
    rate_limit: int = key(1000, "Requests a second of each token, and of each address without one; 0: no limit.", ge=0)
    failure_delay: Duration = key(
        "250ms", "How long an answer waits from the 4th wrong token of an address on; then twice as long each time."
    )
    cors_origins: list[Origin] = key([], 'Sites whose pages may use the API from a browser: "https://example.org".')
    audit_size: Size = key("16MiB", "The audit log is begun anew when it is so large.", gt=0)
    audit_files: int = key(10, "How many older audit logs are kept.", ge=0, le=1000)
    client_ca: str = key(
        "",
        "A PEM file with authorities: clients must show a certificate of one of them. Empty: none is asked for.",
        live=True,
    )
    certificate: str = key("", "A PEM file with the chain; empty: one is made in the state directory.", live=True)
    key: str = key("", "The PEM file with its key.", live=True)

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key are given both or not at all")
        return self


class CreditWindow(Section):
    """Multipliers of the whole site from one time until another: a weekend of freeleech."""

    since: Moment = Field(alias="from", description="The first second; without a zone it is UTC.")
    until: Moment = Field(description="The first second after it.")
    multiplier_up: Thousandths = key(1, "As in [credit].")
    multiplier_down: Thousandths = key(1, "As in [credit].")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.until <= self.since:
            raise ValueError("until must be later than from")
        return self


class Manhole(Section):
    """A Python prompt inside the running tracker, over SSH: docs/operations.md. Off unless authorized_keys is given."""

    listen: Listen = key("127.0.0.1:34002", "Where it is served, for the user admin.")
    authorized_keys: str = key("", "A file with the public keys that may log in, one a line, as OpenSSH writes them.")


class Credit(Section):
    """What transfers are worth, for everybody. Roles, users and torrents have multipliers of their own."""

    multiplier_up: Thousandths = key(1, "Upload counts so many times; the largest multiplier in force wins.", live=True)
    multiplier_down: Thousandths = key(
        1, "Download counts so many times; the smallest wins. 0 is freeleech.", live=True
    )
    windows: list[CreditWindow] = key(
        [],
        "Multipliers at times, by the time of the announce: "
        "{from = 2026-12-24T00:00:00Z, until = 2026-12-27T00:00:00Z, multiplier_down = 0}.",
        live=True,
    )


class Bonus(Section):
    """Points an hour: per_hour x (1 + scarcity / seeders) x (1 + per_gib x GiB) x (1 + per_year x years)."""

    enabled: bool = key(True, "Give points at all.", live=True)
    per_hour: Nano = key(1, "Points an hour of seeding one torrent.", live=True)
    scarcity: Thousandths = key(4, "How much more a torrent with few seeders is worth.", live=True)
    per_gib: Nano = key(0, "How much more a large torrent is worth, for each GiB.", live=True)
    per_year: Nano = key(0, "How much more an old torrent is worth, for each year since it was added.", live=True)


class HitAndRun(Section):
    """What who completes a torrent owes it: so much seeding, or so much upload, within a time. docs/credit.md."""

    enabled: bool = key(False, "Count it, for what is completed from now on.", live=True)
    seed_time: Duration = key("72h", "How long a torrent that was completed is to be seeded.", live=True)
    ratio: Thousandths = key(0, "Or so many times what was downloaded of it is to be uploaded. 0: no.", live=True)
    deadline: Duration = key("14d", "Within this time from its completion.", live=True)
    interval: Duration = key("5m", "How often it is looked at who has paid and who is late.", gt=0, le=86400)


class Geography(Section):
    """Where peers are: databases of addresses (MMDB, of MaxMind and others); docs/geography.md."""

    city: str = key("", "A file that knows the country and the place of an address; empty: none.")
    asn: str = key("", "A file that knows the network (AS) of an address; empty: none.")


class Selection(Section):
    """Which peers are handed out: at random, or by weights; docs/selection.md."""

    strategy: str = key("random", "random, weighted, or a score of your own: package.module:function.", live=True)
    sample: int = key(100, "Of so many peers, chosen at random, the best are handed out.", live=True, ge=1, le=1000)
    at_random: int = key(20, "Of 100 handed out, so many are chosen at random after all.", live=True, ge=1, le=100)
    place: Thousandths = key(0, "weighted: the same network, the same country, or near.", live=True)
    progress: Thousandths = key(0, "weighted: leechers that complement each other.", live=True)
    speed: Thousandths = key(0, "weighted: peers that upload fast.", live=True)
    priority: Thousandths = key(0, "weighted: members whose role has a priority.", live=True)
    seed_time: Thousandths = key(0, "weighted: seeders that have been there for long.", live=True)


class Suspicion(Section):
    """What looks like cheating is noted for staff to judge. Nobody is banned by it. docs/cheating.md."""

    enabled: bool = key(True, "Look for it.", live=True)
    threshold: int = key(60, "From this score (0 to 100) on it is listed and published.", live=True, ge=0, le=100)
    fastest: Size = key("1250MiB", "No line uploads more than this a second. 0B: any speed is believed.", live=True)
    networks: int = key(6, "Networks of one account at once that are nothing yet. 0: any number.", live=True, ge=0)


class Flush(Section):
    """How announces reach the stores."""

    interval: Duration = key("1s", "How often what users and torrents grew by is written.", live=True, gt=0, le=3600)
    peers_interval: Duration = key(
        "30s", "How often peers are written; what the journal has of them is not lost.", live=True, gt=0, le=3600
    )
    history: bool = key(True, "Keep what each user did with each torrent, written as often as peers are.")
    batch: int = key(50_000, "Rows of one kind written at most in one transaction.", ge=1, le=1_000_000)
    journal: bool = key(True, "Keep what no store has yet in the state directory, so that a kill loses nothing.")
    journal_sync: Duration = key(
        "1s", "How often the journal is forced to the disk: the most that a power cut loses.", live=True, gt=0, le=60
    )


class Config(Section):
    """All sections."""

    general: General = _section_of(General)
    stores: Stores = _section_of(Stores)
    tracker: Tracker = _section_of(Tracker)
    api: Api = _section_of(Api)
    manhole: Manhole = _section_of(Manhole)
    credit: Credit = _section_of(Credit)
    bonus: Bonus = _section_of(Bonus)
    hit_and_run: HitAndRun = _section_of(HitAndRun)
    geography: Geography = _section_of(Geography)
    selection: Selection = _section_of(Selection)
    suspicion: Suspicion = _section_of(Suspicion)
    flush: Flush = _section_of(Flush)

    def masked(self) -> Self:
        """Return a copy to be shown, without the passwords that are in stores' URLs."""
        urls = {name: masked_url(getattr(self.stores, name)) for name in ("users", "torrents", "peers")}
        return self.model_copy(update={"stores": self.stores.model_copy(update=urls)})


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the file, if any, lay the environment over it, and check all of it; `ConfigError` names the key."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise ConfigError(f"{path}: {problem.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{path}: this is not TOML: {problem}") from None
    if "MIKA_STATE" in environ:
        values["general"] = _section(values, "general") | {"state_dir": environ["MIKA_STATE"]}
    sources = _lay_over(values, environ)
    try:
        return Config.model_validate(values)
    except ValidationError as problem:
        raise ConfigError(_in_words(problem, sources)) from None


def _section(values: dict[str, Any], name: str) -> dict[str, Any]:
    section = values.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{name}: this is a section, written [{name}], and not a key")
    return section


def _lay_over(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put MIKA_SECTION__KEY variables into `values`; answer which variable each dotted key came from."""
    sources = {}
    for name in sorted(environ):
        if not name.startswith("MIKA_") or name in OTHER_VARIABLES:
            continue
        section, underscores, key_name = name.removeprefix("MIKA_").lower().partition("__")
        if not underscores:
            _refuse_misspelt(name)
            continue
        model = Config.model_fields.get(section)
        field = model.default.__class__.model_fields.get(key_name) if model is not None else None
        if field is None:
            raise ConfigError(f"{name}: there is no such key; see --print-config")
        sources[f"{section}.{key_name}"] = name
        values[section] = _section(values, section) | {key_name: _from_text(environ[name], field.default, name)}
    return sources


def _refuse_misspelt(name: str) -> None:
    """Refuse a key's variable with one underscore; others with our prefix may be anybody's (Kubernetes makes some)."""
    for section, field in Config.model_fields.items():
        for key_name in field.default.__class__.model_fields:
            if name == f"MIKA_{section}_{key_name}".upper():
                right = f"MIKA_{section}__{key_name}".upper()
                raise ConfigError(f"{name}: this is written {right}, with two underscores")


def _from_text(text: str, default: Any, name: str) -> Any:
    """Read an environment variable as the kind of value that the key's default is."""
    text = text.strip()
    if isinstance(default, bool):
        if text.lower() not in _WORDS:
            raise ConfigError(f"{name}: true or false is needed")
        return _WORDS[text.lower()]
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            return text  # a decimal, or wrong: the key's own check says so
    if isinstance(default, list):
        try:
            return tomllib.loads(f"list = {text}")["list"]
        except tomllib.TOMLDecodeError:
            return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _in_words(problem: ValidationError, sources: dict[str, str]) -> str:
    lines = []
    for error in problem.errors():
        dotted = ".".join(str(part) for part in error["loc"][:2])
        inner = [str(part) for part in error["loc"][2:] if isinstance(part, str)]
        where = " ".join([sources.get(dotted, dotted), *inner])
        if error["type"] == "extra_forbidden":
            what = "there is no such key; see --print-config"
        elif error["type"] == "missing":
            what = "this is needed"
        elif error["type"] == "model_type":
            what = f"this is a section, written [{dotted}], and not a key"
        else:
            what = error["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {what}")
    return "; ".join(dict.fromkeys(lines))
