"""`/metrics`: what Prometheus reads, each figure taken from the tracker's state or its plain counts when it is asked.

Every label has few values: a failure code, a family (`ipv4`, `ipv6`), a protocol (`http`, `https`), a kind of store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

import mika
from mika.admin.call import Answer, Call, Context
from mika.census import Count
from mika.counts import Histogram
from mika.figures import FAMILIES, oldest_waiting
from mika.model import NANO_POINTS
from mika.rules import refusal
from mika.rules.refusal import Refusal

FLOW = ["family", "protocol"]

HTTP_CODES = frozenset(
    each.code
    for each in (
        refusal.REQUEST_MALFORMED,
        refusal.LINE_TOO_LONG,
        refusal.HEAD_TOO_LONG,
        refusal.BODY_REFUSED,
        refusal.METHOD_REFUSED,
        refusal.PROXY_MALFORMED,
    )
)
"""What is wrong with bytes that are no request; the connection ends."""

CODES = sorted({each.code for each in vars(refusal).values() if isinstance(each, Refusal)} - HTTP_CODES)
"""The failure codes that are there from the start, so that a first refusal is seen as one more."""


class State(Collector):
    """The state of a tracker as metrics; its peers as they were counted just before."""

    def __init__(self, context: Context, count: Count) -> None:
        self._context = context
        self._figures = context.figures
        self._count = count

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        yield InfoMetricFamily("mika", "The version of the tracker.", {"version": mika.__version__})
        yield _gauge("start_time_seconds", "When it was started, in seconds since 1970.", self._context.started_at)
        yield from self._traffic()
        yield from self._connections()
        yield from self._accounts()
        yield from self._swarms()
        yield from self._memory()
        yield from self._stores()
        yield from self._flushes()
        yield from self._journal()
        yield _histogram(
            "reactor_lag_seconds",
            "How late the tracker came to what was due, looked at ten times a second: an announce waits as long.",
            {(): self._figures.pulse.lag},
        )
        yield _gauge(
            "suspicions_open",
            "Suspicions from the threshold on that nobody has judged, as of the last minute.",
            self._figures.open_suspicions(),
        )
        events = self._figures.events
        yield _gauge("event_readers", "Readers of /v1/events.", len(events))
        yield _counter("event_readers_dropped", "Readers of /v1/events that did not keep up.", [], {(): events.dropped})

    def _traffic(self) -> Iterator[Metric]:
        traffic = self._figures.traffic
        flows = [(protocol, each, family) for protocol, each in traffic.items() for family in FAMILIES]
        yield _counter(
            "announces",
            "Announces that were answered with peers, or taken as a stop. Refused ones are not among them.",
            FLOW,
            {(FAMILIES[family], protocol): each.served(family) for protocol, each, family in flows},
        )
        yield _counter(
            "scrapes",
            "Scrapes that were answered with figures.",
            FLOW,
            {(FAMILIES[family], protocol): each.scrapes(family) for protocol, each, family in flows},
        )
        yield _counter(
            "refusals",
            "Announces and scrapes that were refused, by the failure code that the client was sent.",
            ["code", *FLOW],
            {
                (code, FAMILIES[family], protocol): each.refusals[code, family]
                for protocol, each, family in flows
                for code in sorted({*CODES, *(known for known, _ in each.refusals)})
            },
        )
        yield _counter(
            "bad_requests",
            "What came to an announce port and was no HTTP request that it serves.",
            ["code", "protocol"],
            {
                (code, protocol): each.malformed[code]
                for protocol, each in traffic.items()
                for code in sorted({*HTTP_CODES, *each.malformed})
            },
        )
        yield _counter(
            "waited_requests",
            "Announces and scrapes that waited for a store, as their user or torrent was not in memory.",
            ["protocol"],
            {(protocol,): each.lookups for protocol, each in traffic.items()},
        )

    def _connections(self) -> Iterator[Metric]:
        figures = self._figures
        yield _counter(
            "connections_accepted",
            "Connections to the announce ports.",
            FLOW,
            {(FAMILIES[family], protocol): count for (protocol, family), count in figures.accepted().items()},
        )
        yield _gauge(
            "connections_open",
            "Connections to the announce ports that are open now: kept alive, or in the middle of a request.",
            len(figures.connections),
        )
        yield _counter(
            "connections_cut_off",
            "Connections that were silent for too long, or made room for others.",
            ["protocol"],
            {(protocol,): each.cut_off for protocol, each in figures.traffic.items()},
        )

    def _accounts(self) -> Iterator[Metric]:
        grown = self._figures.grown
        yield _counter("completions", "Users who completed a torrent, once each.", [], {(): grown.completed})
        yield _counter(
            "uploaded_bytes",
            "What members uploaded: real, and credited after multipliers. As of the last batch of torrents.",
            ["counted"],
            {("credited",): grown.uploaded, ("real",): grown.uploaded_real},
        )
        yield _counter(
            "downloaded_bytes",
            "What members downloaded: real, and credited after multipliers. As of the last batch of torrents.",
            ["counted"],
            {("credited",): grown.downloaded, ("real",): grown.downloaded_real},
        )
        yield _counter("seeding_seconds", "Time of seeding that was credited.", [], {(): grown.seed_seconds})
        yield _counter("bonus_points", "Points for seeding that were credited.", [], {(): grown.bonus / NANO_POINTS})

    def _swarms(self) -> Iterator[Metric]:
        count = self._count
        yield _gauge("swarms", "Torrents with a peer, active or silent.", len(self._context.swarms))
        yield _gauge(
            "peers", "Active peers; one that announces over both families is one.", self._context.swarms.peer_count
        )
        yield _gauge("seeders", "Active peers that have everything.", count.seeders)
        yield _gauge("leechers", "Active peers that do not have everything.", count.leechers)
        yield _gauge("partial_seeds", "Those of the leechers that want nothing more (BEP 21).", count.partial_seeds)
        yield _gauge("dual_stack_peers", "Active peers that are reachable over both families.", count.dual_stack)
        endpoints = GaugeMetricFamily(
            "mika_peer_endpoints",
            "Addresses of active peers, by family; one that announces over both has two.",
            labels=["family", "role"],
        )
        for family, role, value in (
            ("ipv4", "seeder", count.seeders4),
            ("ipv4", "leecher", count.leechers4),
            ("ipv6", "seeder", count.seeders6),
            ("ipv6", "leecher", count.leechers6),
        ):
            endpoints.add_metric([family, role], value)
        yield endpoints

    def _memory(self) -> Iterator[Metric]:
        directory = self._context.directory
        yield _gauge("users", "Users in memory.", len(directory.users_by_id))
        yield _gauge(
            "torrents",
            "Info hashes of torrents in memory: a hybrid torrent has two, a deleted one is remembered for its reason.",
            len(directory.torrents),
        )
        yield _gauge("absent_keys", "Passkeys and info hashes that are known to be in no store.", len(directory.absent))
        yield _counter(
            "lookups",
            "Users and torrents that were looked for in their store, as an announce or the API named them.",
            ["kind", "outcome"],
            {
                (kind, outcome): directory.lookups[kind, found]
                for kind in ("users", "torrents")
                for outcome, found in (("found", True), ("absent", False))
            },
        )

    def _stores(self) -> Iterator[Metric]:
        health = self._context.health()
        figures = self._figures
        now = self._context.directory.now()
        yield _gauges(
            "store_up", "Whether a store took the last batch.", {store.kind: store.ok for store in health.stores}
        )
        yield _gauges(
            "store_waiting_announces", "Announces in the journal that a store does not have yet.", health.queues
        )
        yield _gauges(
            "store_oldest_waiting_seconds",
            "For how long the oldest of these waits.",
            {each.kind: oldest_waiting(figures.journal, each.reached, now) for each in figures.flushes},
        )

    def _flushes(self) -> Iterator[Metric]:
        flushes = {(each.kind,): each for each in self._figures.flushes}
        kind = ["kind"]
        yield _counter(
            "flush_batches", "Batches that a store took.", kind, {key: each.batches for key, each in flushes.items()}
        )
        yield _counter("flush_rows", "Rows in these batches.", kind, {key: each.rows for key, each in flushes.items()})
        yield _counter(
            "flush_failures",
            "Tries at a store that failed.",
            kind,
            {key: each.failures for key, each in flushes.items()},
        )
        yield _histogram(
            "flush_seconds",
            "How long a store took for a batch.",
            {key: each.seconds for key, each in flushes.items()},
            kind,
        )

    def _journal(self) -> Iterator[Metric]:
        health = self._context.health()
        journal = self._figures.journal
        yield _gauge("journal_bytes", "What the journal takes on the disk or in memory.", health.journal_bytes)
        yield _counter(
            "journal_records", "Announces and silences that were noted since the first start.", [], {(): journal.last}
        )
        yield _gauge(
            "journal_on_disk",
            "Whether what is credited outlives a kill: 0 when the disk takes no more.",
            int(not health.journal_trouble),
        )
        yield _gauge("journal_full", "Whether announces are refused, as there is no room anywhere.", int(journal.full))
        yield _gauge(
            "journal_unsynced_seconds",
            "For how long what was noted has not been forced to the disk: a power cut would lose as much.",
            self._figures.unsynced(),
        )


async def show_metrics(call: Call) -> Answer:
    """Show the figures that Prometheus reads.

    Open to all with `[api] metrics_open`. As OpenMetrics for who accepts that.
    """
    registry = CollectorRegistry()
    registry.register(State(call.context, await call.context.figures.census.count()))
    ProcessCollector(registry=registry)
    GCCollector(registry)
    encode, content_type = choose_encoder(call.headers.get("accept", ""))
    return Answer(200, encode(registry), content_type=content_type)


Labels = tuple[str, ...]


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mika_{name}", words, value)


def _gauges(name: str, words: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"mika_{name}", words, labels=["kind"])
    for kind, value in values.items():
        family.add_metric([kind], value)
    return family


def _counter(name: str, words: str, labels: Iterable[str], values: Mapping[Labels, float]) -> Metric:
    family = CounterMetricFamily(f"mika_{name}", words, labels=list(labels))
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, words: str, values: Mapping[Labels, Histogram], labels: Iterable[str] = ()) -> Metric:
    family = HistogramMetricFamily(f"mika_{name}", words, labels=list(labels))
    for key, histogram in values.items():
        family.add_metric(key, histogram.cumulative(), histogram.sum)
    return family
