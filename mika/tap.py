"""`twistd mika`: Options, and makeService, which reads from top to bottom as the list of what makes the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python import usage

from mika import __version__
from mika._arenas_cy import use_huge_pages
from mika.admin.call import Context, Health, StoreHealth
from mika.admin.stats import stats_of
from mika.census import Census
from mika.compiled import described
from mika.config import Config, load_config
from mika.config import Tracker as TrackerSection
from mika.config_text import print_config
from mika.config_values import HostPort
from mika.debts import Debts
from mika.directory import Directory
from mika.errors import ConfigError
from mika.events import Events
from mika.figures import Figures, flow
from mika.flush import Flush, Pace
from mika.flush_kinds import HistoryFlush, PeersFlush, TorrentsFlush, UsersFlush
from mika.follow import Follow
from mika.geography import Geography, GeographyService, databases_of
from mika.interfaces import Circle
from mika.jobs import Flusher, Reaper, Syncer
from mika.journal import Journal
from mika.keys import read_secret, secret_of
from mika.ledger.credit import Ledger
from mika.live import Live, Parts, intervals_of, rates_of
from mika.logs import LEVELS, log_observer
from mika.model import Peer
from mika.pulse import Pulse
from mika.refresh import Refresher
from mika.rules.ruleset import Ruleset
from mika.selectors import make_choice, score_of
from mika.server.admin import admin_service
from mika.server.certificate import authorities_of, tls_context
from mika.server.http import AnnounceFactory
from mika.server.listen import AnnounceService
from mika.server.tls import Tls
from mika.server.watch import Watch
from mika.services import InOrder, JournalService, StoresService, SwarmsService
from mika.signals import Ready, Reloads
from mika.store.memory import MemoryStore
from mika.store.registry import Stores, make_stores
from mika.suspicion.greetings import Greetings
from mika.swarm.swarms import Swarms
from mika.torrent_key import TorrentKeys
from mika.tracker import Stages, Tracker, listable
from mika.welcome import Welcome
from mika.wire.address import TrustedProxies


class Options(usage.Options):
    """What stands behind `twistd mika` on the command line."""

    synopsis = "[options]"
    longdesc = "A private BitTorrent tracker. Every key of the configuration is an environment variable too."
    optParameters = [["config", "c", None, "The configuration, a TOML file; without one, every key has its default."]]  # noqa: RUF012 - Twisted's name
    optFlags = [  # noqa: RUF012 - Twisted's name
        ["check-config", None, "Check the configuration and end."],
        ["print-config", None, "Print every key with its default and end."],
    ]

    def opt_version(self) -> None:
        """Print the version and end."""
        print(f"mika {__version__} ({described()})")  # noqa: T201 - asked for
        sys.exit(0)

    def postOptions(self) -> None:  # noqa: N802 - Twisted's name
        """Do what ends at once; a wrong configuration ends the start with one line."""
        if self["print-config"]:
            sys.stdout.write(print_config())
            sys.exit(0)
        path = Path(self["config"]).absolute() if self["config"] else None
        self["read"] = lambda: load_config(path, os.environ)
        try:
            self["configuration"] = self["read"]()
            if self["check-config"]:
                check_config(self["configuration"])
                print("The configuration is fine.")  # noqa: T201 - asked for
                sys.exit(0)
        except ConfigError as problem:
            sys.exit(f"mika: {problem}")


def check_config(config: Config) -> None:
    """Check what only use shows: the stores' URLs, and the certificate if one is given; `ConfigError` if wrong."""
    from twisted.internet import reactor  # noqa: PLC0415 - installed when this is imported

    make_stores(config.stores.model_dump(), Path(config.general.state_dir), reactor)  # type: ignore[arg-type]
    Geography(databases_of(config.geography.city, config.geography.asn)).open()
    score_of(config.selection)
    if config.tracker.torrent_key_file:
        read_secret(Path(config.tracker.torrent_key_file))
    if config.api.certificate:
        tls_context(Path(config.api.certificate), Path(config.api.key))
    if config.api.client_ca:
        authorities_of(Path(config.api.client_ca))
    if config.manhole.authorized_keys:
        from mika.server.console import check_manhole  # noqa: PLC0415 - only who uses it need load an SSH server

        check_manhole(config.manhole)


def makeService(options: Options) -> InOrder:  # noqa: N802 - Twisted's name
    """Make the process: what it consists of, in the order in which it starts."""
    from twisted.internet import reactor  # noqa: PLC0415 - as above

    config: Config = options["configuration"]
    if config.general.huge_pages:
        use_huge_pages()
    try:
        return services(config, reactor, options)
    except ConfigError as problem:
        sys.exit(f"mika: {problem}")


def services(config: Config, reactor: Any, options: Any) -> InOrder:
    """Wire everything together; `options` are those of `twistd mika`."""
    state_dir = Path(config.general.state_dir).absolute()
    stores = make_stores(config.stores.model_dump(), state_dir, reactor)
    journal = make_journal(config, stores, state_dir)
    swarms = make_swarms(config.tracker, journal)
    geography = make_geography(config, swarms)
    events = Events(reactor.seconds)
    tls = Tls(config.api, state_dir)
    negative_ttl = int(config.tracker.negative_ttl)

    def settle(kind: str) -> Deferred[None]:
        return flusher.settle(kind)  # which is made of the directory

    directory = Directory(stores.users, stores.torrents, swarms, reactor.seconds, settle, negative_ttl)
    keys = TorrentKeys(secret_of(config.tracker.torrent_key_file, state_dir))
    tracker = make_tracker(config, directory, swarms, journal, keys)
    flusher = make_flusher(config, stores, directory, swarms, journal, reactor)
    announces = make_announces(config, tracker, directory, events, tls, reactor)
    syncer = Syncer(journal, reactor, config.flush.journal_sync)
    directory.publish = events.publish
    flusher.publish_to(events.publish)
    refresher = Refresher(directory, stores, reactor, preload=config.stores.preload)
    log = log_observer(config.general, options)
    parts = Parts(reactor, announces, directory, flusher, syncer, tls, log)
    live = Live(config, options.get("read", lambda: config), parts)
    live.publish = events.publish
    debts = make_debts(directory, flusher, live, events, reactor)
    follow = make_follow(announces.factories["http"], swarms, flusher, live, reactor)
    reloads = Reloads(reactor, live, directory.read_whitelist, log)
    pulse = Pulse(reactor, lambda: flow(announces.traffic))
    counted = make_figures(announces, flusher, syncer, Census(directory.torrents, swarms, reactor), pulse, events)
    figures = replace(counted, open_suspicions=lambda: follow.open)
    started, healthy = int(reactor.seconds()), lambda: health(config, flusher)
    context = Context(directory, swarms, started, healthy, live, figures, make_near(stores, flusher), keys)
    admin = admin_service(reactor, config.api, state_dir, context, tls)
    console = make_console(config, context, tracker, flusher, live, reactor)
    return InOrder(
        reactor,
        [
            reloads,
            *([GeographyService(geography, reactor)] if geography.databases else []),
            StoresService(stores, directory, refresher.hear),
            JournalService(journal, flusher.flushes),
            SwarmsService(swarms, stores.peers, journal),
            flusher,
            syncer,
            refresher,
            Reaper(swarms, reactor),
            pulse,
            debts,
            follow,
            announces,
            admin,
            *console,
            Welcome(state_dir, announces, admin, first_steps=not options["config"]),
            Ready(reloads),
        ],
        log,
    )


def make_journal(config: Config, stores: Stores, state_dir: Path) -> Journal:
    """Make the journal: in memory only, if nothing of what it holds is kept anywhere."""
    kept = config.flush.journal and any(type(store) is not MemoryStore for store in stores.unique)
    return Journal(state_dir / "journal" if kept else None)


def make_swarms(section: TrackerSection, journal: Journal) -> Swarms:
    """Make the swarms, empty."""

    def changed(info_hash: bytes, peer: Peer, gone: bool) -> None:
        journal.append(info_hash, peer, gone=gone)

    return Swarms(
        int(section.peer_ttl),
        int(section.counters_ttl),
        listable(allow_non_routable=section.allow_non_routable),
        changed,
        believe_claims=section.allow_client_ip,
    )


def make_geography(config: Config, swarms: Swarms) -> Geography:
    """Make what says where peers are; without a database the swarms do not ask it."""
    geography = Geography(databases_of(config.geography.city, config.geography.asn))
    if geography.databases:
        swarms.presence.locate = geography.locate
    return geography


def make_tracker(config: Config, directory: Directory, swarms: Swarms, journal: Journal, keys: TorrentKeys) -> Tracker:
    """Put the stages of an announce together."""
    section = config.tracker
    stages = Stages(
        facts=directory,
        ruleset=Ruleset(section, directory.prefixes, directory.roles, swarms),
        swarms=swarms,
        ledger=Ledger(rates_of(config), directory.roles),
        journal=journal.tail,
        random=Random().random,  # noqa: S311 - which peers are handed out is no secret
        keys=keys,
        choice=make_choice(config.selection, directory),
    )
    return Tracker(section, stages)


def make_flusher(  # what the stores follow, and what is told of it
    config: Config, stores: Stores, directory: Directory, swarms: Swarms, journal: Journal, reactor: Any
) -> Flusher:
    """Make what writes announces to the stores."""
    section = config.flush
    pace = Pace(reactor, section.batch, Random().random)  # noqa: S311 - so that trackers do not all try at once
    flushes: list[Flush[Any]] = [
        UsersFlush(stores.users, journal, pace, directory),
        TorrentsFlush(stores.torrents, journal, pace, directory),
        PeersFlush(stores.peers, journal, pace, swarms),
        HistoryFlush(stores.users, journal, pace, swarms, wanted=section.history),
    ]
    return Flusher(flushes, journal, reactor, intervals_of(config))


def make_debts(directory: Directory, flusher: Flusher, live: Live, events: Events, reactor: Any) -> Debts:
    """Make what looks who owes seed time; from now on the histories say who begins to."""
    debts = Debts(directory, reactor, lambda: live.config.hit_and_run)
    debts.publish = events.publish
    history = next(each for each in flusher.flushes if isinstance(each, HistoryFlush))
    history.owes = lambda: live.config.hit_and_run.enabled
    return debts


def make_follow(factory: AnnounceFactory, swarms: Swarms, flusher: Flusher, live: Live, reactor: Any) -> Follow:
    """Make what reads the journal for what looks like cheating; the flusher keeps for it what it has not read."""
    greetings = Greetings(factory.started, factory.watch.user_id)
    follow = Follow(factory.directory, swarms, flusher.journal, reactor, lambda: live.config.suspicion, greetings)
    flusher.read_to = lambda: follow.read_to
    return follow


def make_near(stores: Stores, flusher: Flusher) -> Callable[[bytes, Circle], Deferred[list[tuple[int, bytes]]]]:
    """Make what asks the peers store who is near a place, once it has what was announced until then."""
    return lambda *where: flusher.settle("peers").addCallback(lambda _: stores.peers.peers_near(*where))


def make_announces(
    config: Config, tracker: Tracker, directory: Directory, events: Events, tls: Tls, reactor: Any
) -> AnnounceService:
    """Make the announce ports; those over TLS have the certificate of the admin API."""
    section = config.tracker
    proxies = TrustedProxies(section.trusted_proxies)
    watch = Watch(tracker, events, verbose=config.general.log_level == "debug")
    factory = AnnounceFactory(tracker, directory, proxies, reactor, watch)
    context = tls.announces if section.listen_tls else None

    def served(addresses: list[HostPort]) -> list[HostPort]:
        return [each for each in addresses if (section.ipv6 if ":" in each.host else section.ipv4)]

    announces = AnnounceService(reactor, factory, served(section.listen), served(section.listen_tls), context)
    events.readers_changed = announces.look_who_watches
    return announces


def make_figures(  # everything that is counted, in one value
    announces: AnnounceService, flusher: Flusher, syncer: Syncer, census: Census, pulse: Pulse, events: Events
) -> Figures:
    """Gather what `/metrics` and `/v1/stats` are read from."""
    return Figures(
        traffic=announces.traffic,
        accepted=announces.accepted,
        connections=announces.connections,
        flushes=flusher.flushes,
        journal=flusher.journal,
        unsynced=syncer.unsynced,
        census=census,
        pulse=pulse,
        events=events,
    )


def make_console(
    config: Config, context: Context, tracker: Tracker, flusher: Flusher, live: Live, reactor: Any
) -> list[Service]:
    """Make the console, if it is asked for."""
    if not config.manhole.authorized_keys:
        return []
    from mika.server.console import console_service  # noqa: PLC0415 - as above
    from mika.server.console_names import Parts as Known  # noqa: PLC0415 - as above
    from mika.server.console_names import names_of  # noqa: PLC0415 - as above

    def level(wanted: str | None) -> str:
        if wanted is not None and wanted not in LEVELS:
            raise ValueError(f"the levels are {', '.join(LEVELS)}")
        if wanted is not None:
            live.change({"general": {"log_level": wanted}})
        return live.config.general.log_level

    known = Known(tracker, context.directory, flusher, lambda: stats_of(context), level)
    state_dir = Path(config.general.state_dir).absolute()
    return [console_service(reactor, config.manhole, state_dir, names_of(known))]


def health(config: Config, flusher: Flusher) -> Health:
    """Say how the stores are, and what waits for them."""
    urls = config.stores.model_dump()
    healthy = flusher.healthy
    healthy["users"] &= healthy.pop("history")  # which the users store keeps as well
    stores = [StoreHealth.of(kind, urls[kind], ok) for kind, ok in healthy.items()]
    return Health(stores, flusher.waiting(), flusher.journal.size(), flusher.journal.trouble)
