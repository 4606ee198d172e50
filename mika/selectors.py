"""`[selection]` into what hands out peers: random, by weights, or by a score of the site's own.

`tap.py` and `live.py` call it. A score of one's own is a function of two peers and a size (`swarm/weights.py`), named
by an entry point of the group `mika.selectors` or as `package.module:function`; docs/selection.md has an example.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any, Protocol, cast

from mika.config import Selection
from mika.errors import ConfigError
from mika.model import Peer, Role, Torrent, User, role_of
from mika.swarm._best_cy import Weighted
from mika.swarm.selection import RANDOM, Choice, Measure, Select
from mika.swarm.speed import measure
from mika.swarm.strategy import BestOfSample
from mika.swarm.weights import Score, Weights
from mika.wire.request import AnnounceRequest

GROUP = "mika.selectors"


class Members(Protocol):
    """What is asked of the directory."""

    users_by_id: dict[int, User]
    roles: dict[int, Role]

    @property
    def torrents(self) -> Mapping[bytes, Torrent]:
        """Those in memory, by their hashes."""


def make_choice(section: Selection, members: Members) -> Choice:
    """Return what a configuration asks for; `ConfigError` if there is no such strategy."""
    own = score_of(section)
    if own is not None:
        return Choice(_best_of_sample(section, own, members), measure)
    if section.strategy == "weighted":
        weights = Weights(*(getattr(section, name) / 1000 for name in Weights._fields))
        return Choice(_best_of_sample(section, Weighted(weights), members), _noting(weights, members))
    return RANDOM


def _best_of_sample(section: Selection, score: Score, members: Members) -> Select:
    return BestOfSample(
        score, lambda info_hash: _size(members.torrents.get(info_hash)), section.sample, section.at_random
    ).select


def _size(torrent: Torrent | None) -> int:
    return 0 if torrent is None else torrent.size


def _noting(weights: Weights, members: Members) -> Measure | None:
    """Return what has to be noted of a peer at each announce for these weights."""
    if not weights.priority:
        return measure if weights.speed else None

    def note(peer: Peer, request: AnnounceRequest, now: int) -> None:
        user = members.users_by_id.get(peer.user_id)
        peer.priority = 0 if user is None else max(0, min(100, role_of(user, members.roles).priority))
        if weights.speed:
            measure(peer, request, now)

    return note


def score_of(section: Selection) -> Score | None:
    """Return the score of the site's own that a configuration names, None without; `ConfigError` if there is none."""
    name = section.strategy
    if name in {"random", "weighted"}:
        return None
    found: Any = None
    try:
        if ":" in name:
            found = resolve_name(name)
        else:
            found = next((each.load() for each in entry_points(group=GROUP, name=name)), None)
    except Exception as problem:  # noqa: BLE001 - whatever the site's own module does when it is imported
        raise ConfigError(f"selection.strategy: {name} cannot be used: {type(problem).__name__}: {problem}") from None
    if found is None:
        known = ", ".join(sorted({"random", "weighted", *(each.name for each in entry_points(group=GROUP))}))
        raise ConfigError(
            f"selection.strategy: there is no strategy {name}; there are {known}, and package.module:function"
        )
    if not callable(found):
        raise ConfigError(f"selection.strategy: {name} is not a function of two peers and a size")
    return cast(Score, found)
