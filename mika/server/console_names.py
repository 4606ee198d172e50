"""What the console offers by name: the tracker's parts, and a few functions that show and do what one comes for.

`tap.py` makes it; `console.py` gives a copy to each session.
"""

from __future__ import annotations

import pydoc
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from twisted.internet.defer import Deferred, ensureDeferred

from mika.directory import Directory
from mika.jobs import Flusher
from mika.model import Peer, Torrent, User
from mika.swarm.swarm import Swarm
from mika.tracker import Tracker
from mika.wire.address import to_text

SHOWN_PEERS = 20
"""Peers that are shown of a swarm; `.peers` has all of them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the names are about. `stats` answers with figures, `level` shows or sets the log's least level."""

    tracker: Tracker
    directory: Directory
    flusher: Flusher
    stats: Callable[[], Awaitable[BaseModel]]
    level: Callable[[str | None], str]


class SwarmView:
    """A swarm as it is now: `.swarm` and `.torrent` are the live ones, `.peers` a list."""

    def __init__(self, torrent: Torrent, swarm: Swarm) -> None:
        self.torrent = torrent
        self.swarm = swarm

    @property
    def peers(self) -> list[Peer]:
        """Its peers, active and silent."""
        return list(self.swarm.peers)

    def __repr__(self) -> str:
        swarm, peers = self.swarm, self.peers
        silent = len(peers) - swarm.complete - swarm.incomplete
        partial = f" ({swarm.paused} of them partial seeds)" if swarm.paused else ""
        lines = [
            f"{swarm.info_hash.hex()} {self.torrent.name}".rstrip(),
            f"{swarm.complete} seeders, {swarm.incomplete} leechers{partial}, {silent} silent",
            *(_line_of(peer) for peer in peers[:SHOWN_PEERS]),
        ]
        if len(peers) > SHOWN_PEERS:
            lines.append(f"... and {len(peers) - SHOWN_PEERS} more in .peers")
        return "\n".join(lines)


class Figures:
    """Figures by name, shown one a line."""

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self.figures = figures

    def __repr__(self) -> str:
        return "\n".join(f"{name:<40} {value}" for name, value in _flat(self.figures))


def _line_of(peer: Peer) -> str:
    kind = "silent" if not peer.active else "seeder" if peer.seeder else "leecher"
    places = [
        f"{to_text(each[:-2])} port {int.from_bytes(each[-2:], 'big')}"
        for each in (peer.endpoint4, peer.endpoint6)
        if each
    ]
    name = peer.peer_id.decode("ascii", "backslashreplace")
    return f"  user {peer.user_id}  {name}  {kind}  {', '.join(places)}".rstrip()


def names_of(parts: Parts) -> dict[str, Any]:
    """Return the names, each with a docstring whose first line `help()` shows."""
    directory = parts.directory

    def swarm(info_hash: str | bytes) -> SwarmView | None:
        """Show who is in the swarm of a torrent, named by 40 hex digits."""
        key = bytes.fromhex(info_hash) if isinstance(info_hash, str) else info_hash
        torrent = directory.torrents.get(key)
        found = parts.tracker.swarms.get(torrent.info_hash) if torrent else None
        if torrent is None or found is None:
            print("nobody is in it" if torrent else "no such torrent is in memory")  # noqa: T201 - to the console
            return None
        return SwarmView(torrent, found)

    def user(user_id: int) -> User | Deferred[User]:
        """Show a user by id: the live one, or a Deferred while the store is asked."""
        return directory.users_by_id.get(user_id) or ensureDeferred(directory.user(user_id))

    async def stats() -> Figures:
        """Show the figures of the tracker, as /v1/stats has them."""
        return Figures((await parts.stats()).model_dump(mode="json", exclude_none=True))

    def flush() -> Deferred[str]:
        """Write what waits to the stores now; the Deferred says how many rows that was."""
        return ensureDeferred(parts.flusher.flush()).addCallback(lambda rows: f"{rows} rows written")

    def loglevel(level: str | None = None) -> str:
        """Show the least level that is logged, or set it: debug, info, warn, error, critical."""
        return parts.level(level)

    names = {"swarm": swarm, "user": user, "stats": stats, "flush": flush, "loglevel": loglevel}

    def show_help(what: object = None) -> None:
        """List these names, or explain one: help(flush)."""
        if what is not None:
            print(pydoc.render_doc(what, renderer=pydoc.plaintext))  # type: ignore[attr-defined]  # noqa: T201 - as above
            return
        print(f"{'tracker':<22} The live tracker: tracker.swarms, tracker.facts, tracker.config ...")  # noqa: T201
        for name, function in [*names.items(), ("help", show_help)]:
            print(f"{name + SIGNATURES[name]:<22} {(function.__doc__ or '').splitlines()[0]}")  # noqa: T201 - as above
        print(f"{'exit()':<22} End this session, as Ctrl-D does. The tracker goes on.")  # noqa: T201 - as above

    return {"tracker": parts.tracker, **names, "help": show_help}


SIGNATURES = {
    "swarm": "(info_hash)",
    "user": "(id)",
    "stats": "()",
    "flush": "()",
    "loglevel": "(level=None)",
    "help": "(name=None)",
}
"""How each function is called."""


def _flat(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return figures by dotted names, however they are nested."""
    found: list[tuple[str, Any]] = []
    for name, value in figures.items():
        if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            value = {str(each.get("kind", place)): each for place, each in enumerate(value)}  # noqa: PLW2901 - the same
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
