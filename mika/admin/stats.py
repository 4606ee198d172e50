"""`/v1/stats`: the figures of `/metrics` as JSON, rates of the last minute, and the counts of named torrents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, Field

from mika.admin.call import Answer, Call, Context
from mika.admin.views import Hash
from mika.census import Count
from mika.figures import FAMILIES, Figures, oldest_waiting


class Flow(BaseModel):
    """What was answered since the start, and a second over the last minute."""

    announces: int
    scrapes: int
    refused: int
    announces_per_second: float
    scrapes_per_second: float
    refused_per_second: float


class Sides(BaseModel):
    """Addresses of active peers in one family."""

    seeders: int
    leechers: int


class SwarmFigures(BaseModel):
    """All swarms together. A dual-stack client is one peer, with an address in both families."""

    swarms: int
    peers: int
    seeders: int
    leechers: int
    partial_seeds: int
    dual_stack: int
    families: dict[str, Sides]


class Transferred(BaseModel):
    """What members were credited since the start, as of the last batch to the torrents store."""

    uploaded: int
    downloaded: int
    uploaded_real: int
    downloaded_real: int
    completed: int
    seed_seconds: int


class ConnectionFigures(BaseModel):
    """Connections to the announce ports."""

    accepted: int
    open: int
    cut_off: int


class MemoryFigures(BaseModel):
    """What is answered without a store. A hybrid torrent has two info hashes."""

    users: int
    info_hashes: int
    absent: int


class JournalFigures(BaseModel):
    """What is credited and not yet in every store."""

    bytes: int
    records: int
    on_disk: bool
    unsynced_seconds: float


class StoreFigures(BaseModel):
    """A store: whether it took the last batch, what waits for it, and what it took since the start."""

    kind: str
    ok: bool
    waiting: int
    oldest_waiting_seconds: float
    batches: int
    rows: int
    failures: int


class TorrentCounts(BaseModel):
    """The counts of one torrent."""

    info_hash: Hash
    seeders: int
    leechers: int
    completed: int


class BusyTorrent(TorrentCounts):
    """The counts of a torrent with many peers."""

    name: str


class Stats(BaseModel):
    """Figures since the start and as of now."""

    uptime: int
    total: Flow
    protocols: dict[str, dict[str, Flow]]
    refusals: dict[str, int]
    bad_requests: dict[str, int]
    swarms: SwarmFigures = Field(description="All swarms together.")
    transferred: Transferred
    connections: ConnectionFigures
    memory: MemoryFigures
    journal: JournalFigures
    stores: list[StoreFigures] = Field(description="Each kind of store, and what waits for it.")
    lag_p50: float | None
    lag_p99: float | None
    busiest: list[BusyTorrent] = Field(description="The torrents with the most peers, ten at most.")
    torrents: list[TorrentCounts] | None = Field(description="The counts of the torrents that were named, else null.")


async def show_stats(call: Call) -> Answer:
    """Show swarm and rate figures, per family and protocol.

    With `torrents=HASH,HASH` (300 at most) also the counts of these torrents, in the order in which they are named.
    Those that are not registered are left out.
    """
    context = call.context
    torrents = None if call.query.torrents is None else await _torrents(context, call.query.torrents)
    count = await context.figures.census.count()
    return Answer(200, _stats(context, count, torrents))


async def stats_of(context: Context) -> Stats:
    """Answer with the same for who is not a client: no torrent by name."""
    return _stats(context, await context.figures.census.count(), None)


async def _torrents(context: Context, info_hashes: list[bytes]) -> list[TorrentCounts]:
    directory = context.directory
    await directory.load(None, info_hashes)
    found = []
    for info_hash in info_hashes:
        torrent = directory.torrents.get(info_hash)
        if torrent is not None and not torrent.deleted:
            swarm = context.swarms.get(torrent.info_hash)
            counts = TorrentCounts(
                info_hash=info_hash.hex(),
                seeders=0 if swarm is None else swarm.complete,
                leechers=0 if swarm is None else swarm.incomplete,
                completed=torrent.totals.completed,
            )
            found.append(counts)
    return found


def _stats(context: Context, count: Count, torrents: list[TorrentCounts] | None) -> Stats:
    figures, directory = context.figures, context.directory
    protocols = _protocols(figures)
    grown = figures.grown
    health = context.health()
    return Stats(
        uptime=max(0, directory.now() - context.started_at),
        total=_sum(protocols),
        protocols=protocols,
        refusals=_by_code(figures),
        bad_requests=dict(sum((each.malformed for each in figures.traffic.values()), Counter[str]())),
        swarms=_swarms(context, count),
        transferred=Transferred(
            uploaded=grown.uploaded,
            downloaded=grown.downloaded,
            uploaded_real=grown.uploaded_real,
            downloaded_real=grown.downloaded_real,
            completed=grown.completed,
            seed_seconds=grown.seed_seconds,
        ),
        connections=ConnectionFigures(
            accepted=sum(figures.accepted().values()),
            open=len(figures.connections),
            cut_off=sum(each.cut_off for each in figures.traffic.values()),
        ),
        memory=MemoryFigures(
            users=len(directory.users_by_id), info_hashes=len(directory.torrents), absent=len(directory.absent)
        ),
        journal=JournalFigures(
            bytes=health.journal_bytes,
            records=figures.journal.last,
            on_disk=not health.journal_trouble,
            unsynced_seconds=round(figures.unsynced(), 3),
        ),
        stores=_stores(figures, directory.now()),
        lag_p50=figures.pulse.lag.quantile(0.5),
        lag_p99=figures.pulse.lag.quantile(0.99),
        busiest=_busiest(context, count),
        torrents=torrents,
    )


def _busiest(context: Context, count: Count) -> list[BusyTorrent]:
    """Show those that are in memory, as all are that were announced; their counts are those of this moment."""
    found = []
    for _, info_hash in count.busiest:
        torrent, swarm = context.directory.torrents.get(info_hash), context.swarms.get(info_hash)
        if torrent is not None and swarm is not None:
            counts = BusyTorrent(
                info_hash=info_hash.hex(),
                name=torrent.name,
                seeders=swarm.complete,
                leechers=swarm.incomplete,
                completed=torrent.totals.completed,
            )
            found.append(counts)
    return found


def _protocols(figures: Figures) -> dict[str, dict[str, Flow]]:
    rates = figures.pulse.per_second()
    return {
        protocol: {
            name: Flow(
                announces=traffic.served(family),
                scrapes=traffic.scrapes(family),
                refused=traffic.refused(family),
                announces_per_second=rates.get(("announces", protocol, family), 0.0),
                scrapes_per_second=rates.get(("scrapes", protocol, family), 0.0),
                refused_per_second=rates.get(("refused", protocol, family), 0.0),
            )
            for family, name in FAMILIES.items()
        }
        for protocol, traffic in figures.traffic.items()
    }


def _sum(protocols: Mapping[str, Mapping[str, Flow]]) -> Flow:
    flows = [flow for families in protocols.values() for flow in families.values()]
    sums = {name: sum(getattr(flow, name) for flow in flows) for name in Flow.model_fields}
    return Flow(**{name: round(value, 3) for name, value in sums.items()})


def _by_code(figures: Figures) -> dict[str, int]:
    codes: Counter[str] = Counter()
    for traffic in figures.traffic.values():
        for (code, _family), number in traffic.refusals.items():
            codes[code] += number
    return dict(sorted(codes.items()))


def _swarms(context: Context, count: Count) -> SwarmFigures:
    return SwarmFigures(
        swarms=len(context.swarms),
        peers=context.swarms.peer_count,
        seeders=count.seeders,
        leechers=count.leechers,
        partial_seeds=count.partial_seeds,
        dual_stack=count.dual_stack,
        families={
            "ipv4": Sides(seeders=count.seeders4, leechers=count.leechers4),
            "ipv6": Sides(seeders=count.seeders6, leechers=count.leechers6),
        },
    )


def _stores(figures: Figures, now: int) -> list[StoreFigures]:
    return [
        StoreFigures(
            kind=flush.kind,
            ok=flush.healthy,
            waiting=flush.waiting,
            oldest_waiting_seconds=oldest_waiting(figures.journal, flush.reached, now),
            batches=flush.batches,
            rows=flush.rows,
            failures=flush.failures,
        )
        for flush in figures.flushes
    ]
