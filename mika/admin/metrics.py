"""`/metrics`: what Prometheus reads. Every figure is taken from the tracker's state when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

import mika
from mika.admin.call import Answer, Call, Context


class State(Collector):
    """The state of a tracker as metrics."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        context = self._context
        health = context.health()
        yield InfoMetricFamily("mika", "The tracker.", {"version": mika.__version__})
        yield GaugeMetricFamily(
            "mika_start_time_seconds", "When it was started, in seconds since 1970.", context.started_at
        )
        yield GaugeMetricFamily("mika_swarms", "Torrents with a peer, active or silent.", len(context.swarms))
        yield GaugeMetricFamily("mika_peers", "Active peers.", context.swarms.peer_count)
        yield GaugeMetricFamily("mika_users", "Users in memory.", len(context.directory.users_by_id))
        up = GaugeMetricFamily("mika_store_up", "Whether a store took the last batch.", labels=["kind"])
        for store in health.stores:
            up.add_metric([store.kind], store.ok)
        yield up
        waiting = GaugeMetricFamily(
            "mika_store_waiting_announces", "Announces that a store does not have yet.", labels=["kind"]
        )
        for kind, count in health.queues.items():
            waiting.add_metric([kind], count)
        yield waiting
        yield GaugeMetricFamily("mika_journal_bytes", "What the journal takes.", health.journal_bytes)
        yield GaugeMetricFamily(
            "mika_journal_on_disk", "Whether the journal outlives a kill.", int(not health.journal_trouble)
        )


async def show_metrics(call: Call) -> Answer:
    """Show the figures that Prometheus reads.

    Open to all with `[api] metrics_open`.
    """
    registry = CollectorRegistry()
    registry.register(State(call.context))
    return Answer(200, generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
