"""`/v1/suspicions`: what looks like cheating, with its evidence, and what staff made of it. docs/cheating.md."""

from __future__ import annotations

from pydantic import BaseModel, Field

from mika import model, suspicions
from mika.admin.call import Answer, Call
from mika.admin.models import Body, Id, Page
from mika.admin.users import after_id
from mika.admin.views import Items, Time, rfc3339
from mika.interfaces import Sought
from mika.model import INT64_MAX, SuspicionState

STATE = "What staff made of it: open is not judged yet, dismissed is nothing, confirmed is cheating."


class SuspicionPage(Page):
    """The query of the list: which of them."""

    state: SuspicionState | None = Field(default=None, description="Only those of this state.")
    user: Id | None = Field(default=None, description="Only those of the user with this id.")
    kind: str | None = Field(default=None, pattern="^[a-z_]{1,32}$", description="Only those of this kind.")
    score: int | None = Field(
        default=None, ge=0, le=100, description="From this score on; the `[suspicion] threshold` unless given."
    )


class Judgement(Body):
    """What staff made of it."""

    state: SuspicionState = Field(description=STATE)


class Suspicion(BaseModel):
    """What looks like cheating by one user: evidence to be judged by people. Nothing follows from it by itself."""

    id: int
    kind: str = Field(description="What was found: docs/cheating.md has each.")
    user_id: int
    info_hash: str | None = Field(description="The torrent; null where it is about none, or about all of a user's.")
    score: int = Field(description="How strong it is, 0 to 100: the highest that was found.")
    state: SuspicionState = Field(description=STATE)
    evidence: str = Field(description="The figures behind it, in a sentence.")
    count: int = Field(description="How often it was found.")
    first_seen: Time
    last_seen: Time


async def list_suspicions(call: Call) -> Answer:
    """List suspicions, a page at a time, the latest first.

    Those from the configured threshold on, unless a `score` is given: with 0 it is all of them.
    """
    context, query = call.context, call.query
    threshold = context.configuration.config.suspicion.threshold
    score = threshold if query.score is None else query.score
    sought = Sought(query.state, query.user, query.kind, score)
    before = after_id(query.after) or INT64_MAX
    found = await suspicions.listed(context.directory, sought, before, query.limit + 1)
    shown = found[: query.limit]
    following = str(shown[-1].id) if len(found) > len(shown) else None
    return Answer(200, Items[Suspicion](items=[_view(each) for each in shown], next=following))


async def show_suspicion(call: Call) -> Answer:
    """Show a suspicion."""
    return Answer(200, _view(await suspicions.show(call.context.directory, call.parameters["id"])))


async def judge_suspicion(call: Call) -> Answer:
    """Say what a suspicion is: open, dismissed or confirmed.

    A dismissed one is opened again only if it is found with a score that is 20 greater. A confirmed one has no
    consequence of itself: what becomes of the user is decided by people.
    """
    body: Judgement = call.body
    return Answer(200, _view(await suspicions.judge(call.context.directory, call.parameters["id"], body.state)))


def _view(row: model.Suspicion) -> Suspicion:
    return Suspicion(
        id=row.id,
        kind=row.kind,
        user_id=row.user_id,
        info_hash=row.info_hash.hex() or None,
        score=row.score,
        state=row.state,
        evidence=row.evidence,
        count=row.count,
        first_seen=rfc3339(row.first_seen),
        last_seen=rfc3339(row.last_seen),
    )
