"""Plays the site and tells what came of it: wrong figures, suspected members, and cheats that are found or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.site.cheats import Cheat, Cheats
from bench.site.checks import Exactness, compare
from bench.site.members import DAY
from bench.site.world import BEGIN, Scale, World
from mika import suspicions
from mika.interfaces import Sought
from mika.model import INT64_MAX, Suspicion

TIB = 1 << 40


@dataclass(frozen=True, slots=True)
class Caught:
    """A cheat, what was found of them with the highest score, and how many seconds after they began it was told."""

    cheat: Cheat
    row: Suspicion
    kinds: list[str]
    after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a site. `honest` are the suspicions that are listed of honest members, `near` those that are not."""

    announces: int
    transferred: int
    restarts: list[str]
    refused: Counter[bytes]
    exactness: list[Exactness]
    honest: list[Suspicion]
    near: list[Suspicion]
    caught: list[Caught]
    missed: list[tuple[Cheat, list[Suspicion]]]

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as it should be in the accounts, in words."""
        return [words for each in self.exactness for words in each.wrong]

    def lines(self) -> Iterator[str]:
        """Tell it, for people."""
        first, last = self.exactness
        yield f"{self.announces:,} announces, {self.transferred / TIB:.1f} TiB transferred; {', '.join(self.restarts)}"
        for when, each in (("honest members alone", first), ("with the cheats", last)):
            yield (
                f"{when}: {each.members:,} members, {each.torrents:,} torrents, {each.pairs:,} of a member and a "
                f"torrent: {len(each.wrong)} figures wrong"
            )
            states = ", ".join(f"{state} {number:,}" for state, number in sorted(each.states.items()))
            yield f"  hit and run: {states}"
        yield from self.wrong[:50]
        if self.refused:
            yield f"refused: {dict(self.refused)}"
        yield f"honest members that are listed as suspicious: {len({each.user_id for each in self.honest})}"
        yield from (f"  {each.kind} {each.user_id} {each.score}: {each.evidence}" for each in self.honest)
        yield f"below the threshold, and so not listed: {dict(Counter(each.kind for each in self.near))}"
        yield from (
            f"  {each.kind} {each.user_id} {each.score}: {each.evidence}"
            for each in sorted(self.near, key=lambda each: -each.score)[:5]
        )
        number = len(self.caught) + len(self.missed)
        yield f"\n{len(self.caught)} of {number} cheats found\n"
        yield "| cheats | how | found as | after | score | evidence |"
        yield "|---|---|---|---|---|---|"
        for caught in self.caught:
            cheat, row = caught.cheat, caught.row
            after = f"{caught.after / 3600:.1f} h"
            kinds = ", ".join(f"`{kind}`" for kind in caught.kinds)
            yield f"| {cheat.kind} | {cheat.words} | {kinds} | {after} | {row.score} | {row.evidence} |"
        for cheat, rows in self.missed:
            best = f"below the threshold: {rows[0].kind}, {rows[0].evidence}" if rows else "nothing"
            yield f"| {cheat.kind} | {cheat.words} | not found | | {rows[0].score if rows else ''} | {best} |"


def play(scale: Scale, seed: int, folder: Path, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Let honest members live, then cheats among them; `folder` is where the journals are, and must be empty."""
    world = World(scale, seed, folder)
    for day in range(1, scale.days + 1):
        world.run(BEGIN + day * DAY)
        say(f"day {day}: {world.announces:,} announces, {len(found(world))} suspicions at any score")
    alone = compare(world)
    honest = {member.number for member in world.members}
    cheats = Cheats(world)
    cheats.join()
    for day in range(scale.days + 1, scale.days + scale.days_of_cheats + 1):
        world.run(BEGIN + day * DAY)
        say(f"day {day}: {world.announces:,} announces, {len(found(world))} suspicions at any score")
    rows = found(world)
    threshold = world.served.config.suspicion.threshold
    caught, missed = _sorted(world, cheats, rows)
    return Outcome(
        announces=world.announces,
        transferred=sum(torrent.received for torrent in world.torrents),
        restarts=world.restarts,
        refused=world.refused,
        exactness=[alone, compare(world)],
        honest=[row for row in rows if row.user_id in honest and row.score >= threshold],
        near=[row for row in rows if row.user_id in honest and row.score < threshold],
        caught=caught,
        missed=missed,
    )


def found(world: World, score: int = 0) -> list[Suspicion]:
    """Return what is suspected, from a score on, the first first."""
    served = world.served
    rows = served.finish(suspicions.listed(served.directory, Sought(score=score), INT64_MAX, 100_000))
    return list(reversed(rows))


def _sorted(
    world: World, cheats: Cheats, rows: list[Suspicion]
) -> tuple[list[Caught], list[tuple[Cheat, list[Suspicion]]]]:
    """Return which cheats are listed, and which are not with what there is of them."""
    caught, missed = [], []
    threshold = world.served.config.suspicion.threshold
    for cheat in sorted(cheats.all, key=lambda each: each.kind):
        number = cheat.member.number
        mine = sorted((row for row in rows if row.user_id == number), key=lambda row: -row.score)
        told = [time for time, user in world.suspicions_told if user == number]
        if mine and mine[0].score >= threshold:
            kinds = list(dict.fromkeys(row.kind for row in mine if row.score >= threshold))
            caught.append(Caught(cheat, mine[0], kinds, min(told) - cheat.since))
        else:
            missed.append((cheat, mine))
    return caught, missed
