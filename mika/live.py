"""The configuration in force: what SIGHUP and `PATCH /v1/config` change of it, and what follows from that.

Which keys can change while the tracker runs is said where they are declared (`config.key(..., live=True)`); `_apply` is
the one place that lets them count. All or nothing: what can fail is done first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Cooperator
from twisted.logger import Logger

from mika.config import Config, is_live
from mika.directory import Directory
from mika.errors import RestartNeededError
from mika.events import Publish, unheard
from mika.jobs import Flusher, Syncer
from mika.ledger.credit import Rates, Window
from mika.logs import Log
from mika.rules.ruleset import Ruleset
from mika.selectors import make_choice
from mika.server.http import AnnounceFactory
from mika.server.tls import Tls
from mika.tracker import listable
from mika.wire.address import TrustedProxies


class Announces(Protocol):
    """What serves announces: `server.listen.AnnounceService`."""

    @property
    def factories(self) -> Mapping[str, AnnounceFactory]:
        """What answers, by protocol."""

    def look_who_watches(self) -> None:
        """Have the announces told to who watches now, or to nobody."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the configuration in force is applied to. `log` is None where twistd was told to log in its own way."""

    reactor: IReactorTime
    announces: Announces
    directory: Directory
    flusher: Flusher
    syncer: Syncer
    tls: Tls
    log: Log | None


class Difference(NamedTuple):
    """Keys that differ between two configurations, as section.key: those that are live, and the others."""

    live: list[str]
    restart_needed: list[str]


class Live:
    """The configuration in force, and its changes."""

    logger = Logger()

    def __init__(self, config: Config, read: Callable[[], Config], parts: Parts) -> None:
        """`read` reads file and environment anew; `ConfigError` if they cannot be used."""
        self.config = config
        self.publish: Publish = unheard
        self._tracker = next(iter(parts.announces.factories.values())).tracker  # which all of them have
        self._read = read
        self._parts = parts
        self._cooperator = Cooperator(scheduler=lambda step: parts.reactor.callLater(0, step))

    def change(self, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Set the keys that are named, written as in the file, and answer which of them are other than before.

        Fails with pydantic's `ValidationError`, `RestartNeededError` or `ConfigError`, and changes nothing then.
        """
        shown = self.config.masked().model_dump(mode="json")
        values = self.config.model_dump(mode="json", exclude_unset=True)
        for section, keys in changes.items():
            known = shown.get(section, {})
            # What is sent back as it was shown is no change: a password is shown as stars.
            new = {name: value for name, value in keys.items() if name not in known or value != known[name]}
            if new or section not in shown:
                values[section] = values.get(section, {}) | new
        config = Config.model_validate(values)
        difference = difference_of(self.config, config)
        if difference.restart_needed:
            raise RestartNeededError(difference.restart_needed)
        self._take(config, difference.live)
        return difference.live

    def reload(self) -> Difference:
        """Read file and environment anew, which go before what was changed since; `ConfigError` changes nothing.

        What needs a restart stays as it is, and is said.
        """
        new = self._read()
        difference = difference_of(self.config, new)
        self._take(_with_others_of(self.config, new, difference.restart_needed), difference.live)
        self._parts.tls.look_again()
        return difference

    def _take(self, config: Config, changed: list[str]) -> None:
        if config.api != self.config.api:
            self._parts.tls.take(self._parts.tls.load(config.api))
        choice = make_choice(config.selection, self._parts.directory)
        before, self.config = self.config, config
        self._tracker.choose(choice)
        self._apply(before)
        if changed:
            self.logger.info("the configuration changed: {keys}", keys=", ".join(changed))
            self.publish("config", {"changed": changed})

    def _apply(self, before: Config) -> None:
        """Let every live key count."""
        config, parts = self.config, self._parts
        section, tracker = config.tracker, self._tracker
        tracker.configure(section)
        tracker.ruleset = Ruleset(section, parts.directory.prefixes, parts.directory.roles, tracker.swarms)
        tracker.ledger.rates = rates_of(config)
        for factory in parts.announces.factories.values():
            factory.public = section.public
            factory.failure_interval = tracker.interval
            factory.proxies = TrustedProxies(section.trusted_proxies)
            factory.watch.verbose = config.general.log_level == "debug"
        parts.announces.look_who_watches()
        if parts.log is not None:
            parts.log.set_level(config.general.log_level)
        if config.flush != before.flush:
            parts.flusher.change_intervals(intervals_of(config))
            parts.syncer.change_interval(config.flush.journal_sync)
        parts.directory.absent.ttl = int(section.negative_ttl)
        if section.negative_ttl < before.tracker.negative_ttl:
            parts.directory.absent.forget()  # they are remembered with the time until which
        self._apply_to_swarms(before)

    def _apply_to_swarms(self, before: Config) -> None:
        section, swarms = self.config.tracker, self._tracker.swarms
        swarms.believe_claims = section.allow_client_ip
        swarms.peer_ttl = int(section.peer_ttl)
        swarms.counters_ttl = int(section.counters_ttl)
        swarms.listable = listable(allow_non_routable=section.allow_non_routable)
        if any(
            getattr(section, name) != getattr(before.tracker, name)
            for name in ("peer_ttl", "counters_ttl", "allow_non_routable")
        ):
            self._cooperator.cooperate(swarms.revise())  # a while, with a million peers, and announces go on


def difference_of(old: Config, new: Config) -> Difference:
    """Say which keys differ."""
    difference = Difference([], [])
    for section in Config.model_fields:
        before, after = getattr(old, section), getattr(new, section)
        for name in type(before).model_fields:
            if getattr(before, name) != getattr(after, name):
                (difference.live if is_live(section, name) else difference.restart_needed).append(f"{section}.{name}")
    return difference


def _with_others_of(old: Config, new: Config, keys: list[str]) -> Config:
    """Return the new configuration, but for these keys, which are as they were."""
    kept: dict[str, dict[str, Any]] = {}
    for dotted in keys:
        section, _, name = dotted.partition(".")
        kept.setdefault(section, {})[name] = getattr(getattr(old, section), name)
    return new.model_copy(
        update={section: getattr(new, section).model_copy(update=values) for section, values in kept.items()}
    )


def rates_of(config: Config) -> Rates:
    """Return what announces are worth."""
    return Rates(
        multiplier_up=config.credit.multiplier_up,
        multiplier_down=config.credit.multiplier_down,
        per_hour=config.bonus.per_hour if config.bonus.enabled else 0,
        scarcity=config.bonus.scarcity,
        per_gib=config.bonus.per_gib,
        per_year=config.bonus.per_year,
        windows=tuple(
            Window(each.since, each.until, each.multiplier_up, each.multiplier_down) for each in config.credit.windows
        ),
        seed_limit=int(2 * config.tracker.announce_interval),
    )


def intervals_of(config: Config) -> dict[str, float]:
    """Return the seconds between two writes, by kind of store."""
    section = config.flush
    accounts, others = section.interval, section.peers_interval
    return {"users": accounts, "torrents": accounts, "peers": others, "history": others}
