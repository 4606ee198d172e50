"""The tracker against the books: every figure of every account, live and as stored. Says what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.site.books import Account
from bench.site.world import World
from mika.debts import terms_of
from mika.ledger.debts import state_of
from mika.model import History, Totals

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Exactness:
    """How many figures were compared, and each that was not the same."""

    members: int
    torrents: int
    pairs: int
    states: Counter[str]
    wrong: list[str]


def compare(world: World) -> Exactness:
    """Compare every figure of the running tracker, and of its store as written, with the books."""
    served, books = world.served, world.books
    served.finish(served.flusher.flush())
    served.finish(served.debts.work())
    wrong = [*_conserved(world)]
    for number, account in books.members.items():
        user = served.finish(served.directory.user(number))
        stored = served.finish(served.store.user_by_id(number))
        wrong += _differences(f"member {number}", user.totals, account)
        wrong += _differences(f"member {number} as stored", stored.totals, account)
    for torrent in world.torrents:
        book = books.torrents[torrent.number]
        live = served.finish(served.directory.torrent(torrent.info_hash))
        stored = served.finish(served.store.torrent(torrent.info_hash))
        for words, totals in (("", live.totals), (" as stored", stored.totals)):
            wrong += _differences(f"torrent {torrent.number}{words}", totals, book.account)
            if totals.completed != book.account.completed and not words:
                wrong.append(f"torrent {torrent.number}: {totals.completed} completions, not {book.account.completed}")
        swarm = served.swarms.get(torrent.info_hash)
        seeders = 0 if swarm is None else swarm.complete
        if seeders != book.seeders:
            wrong.append(f"torrent {torrent.number}: {seeders} seeders, not {book.seeders}")
    states = Counter[str]()
    pairs = 0
    for problems, state in _histories(world):
        pairs += 1
        wrong += problems
        states[state] += 1
    if pairs != len(books.pairs):
        wrong.append(f"{pairs} members and torrents have a history, not {len(books.pairs)}")
    return Exactness(len(books.members), len(world.torrents), pairs, states, wrong)


def _conserved(world: World) -> Iterator[str]:
    """Hold the model to its own promise: what is sent is received, but for a little waste."""
    for torrent in world.torrents:
        if not torrent.received <= torrent.sent <= torrent.received * 1.02:
            yield f"the model: torrent {torrent.number} had {torrent.sent} sent and {torrent.received} received"


def _differences(whose: str, totals: Totals, account: Account) -> Iterator[str]:
    found = (
        totals.uploaded,
        totals.downloaded,
        totals.uploaded_real,
        totals.downloaded_real,
        totals.bonus,
        totals.seed_seconds,
        totals.announces,
    )
    names = ("uploaded", "downloaded", "really uploaded", "really downloaded", "nano-points", "seconds", "announces")
    for name, figure, expected in zip(names, found, account.figures(), strict=True):
        if figure != expected:
            yield f"{whose}: {figure} {name}, not {expected}"


def _histories(world: World) -> Iterator[tuple[list[str], str]]:
    """Yield what is wrong with what each member did with each torrent, and how it stands with what is owed."""
    served, books = world.served, world.books
    store: Any = served.store
    numbers = {torrent.info_hash: torrent.number for torrent in world.torrents}
    terms = terms_of(served.config.hit_and_run)
    for user in books.members:
        after = b""
        while rows := served.finish(store.history_of(user, after, PAGE)):
            for row in rows:
                pair = books.pairs[user, numbers[row.info_hash]]
                whose = f"member {user} in torrent {numbers[row.info_hash]}"
                wrong = list(_differences(whose, row.totals, pair))
                if (row.completed_at or None) != pair.completed_at:
                    wrong.append(f"{whose}: completed at {row.completed_at}, not {pair.completed_at}")
                seeding = _is_seeding(world, row)
                state = state_of(row, terms, seeding, world.now)
                expected = books.standing(pair, world.now, seeding=seeding)
                if state != expected:
                    wrong.append(f"{whose}: {state}, not {expected}")
                told = world.debts_told.get((user, row.info_hash.hex()))
                if told != (None if pair.completed_at is None else "owing" if expected == "seeding" else expected):
                    wrong.append(f"{whose}: last told as {told}, and is {expected}")
                yield wrong, state
            after = rows[-1].info_hash


def _is_seeding(world: World, row: History) -> bool:
    swarm = world.served.swarms.get(row.info_hash)
    return swarm is not None and any(peer.seeder for peer in swarm.active_of(row.user_id))
