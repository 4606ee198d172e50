"""Is the tracker up, is it ready, and what is in it: `/healthz`, `/readyz` and `/v1/status`."""

from __future__ import annotations

import mika
from mika.admin.call import Answer, Call
from mika.admin.problems import ProblemError
from mika.admin.views import Ok, Status, Store, rfc3339
from mika.compiled import is_compiled


async def show_healthy(_call: Call) -> Answer:
    """Ask whether the process lives.

    It does if it answers at all.
    """
    return Answer(200, Ok())


async def show_ready(call: Call) -> Answer:
    """Ask whether every store answers.

    503 names those that do not.
    """
    down = [store.kind for store in call.context.health().stores if not store.ok]
    if down:
        raise ProblemError(503, f"These stores do not answer: {', '.join(down)}.")
    return Answer(200, Ok())


async def show_status(call: Call) -> Answer:
    """Show the tracker at a glance.

    Version, uptime, stores, queues, and how much is in memory.
    """
    context = call.context
    directory = context.directory
    health = context.health()
    count = await context.figures.census.count()
    return Answer(
        200,
        Status(
            version=mika.__version__,
            uptime=max(0, directory.now() - context.started_at),
            started_at=rfc3339(context.started_at),
            compiled=is_compiled(),
            stores=[Store(kind=store.kind, url=store.url, ok=store.ok) for store in health.stores],
            queues=dict(health.queues),
            swarms=len(context.swarms),
            peers=context.swarms.peer_count,
            users=len(directory.users_by_id),
            torrents=count.torrents,
        ),
    )
