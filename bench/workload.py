"""The announces of a benchmark: users, torrents, and one announce for each client in a swarm.

Every server gets the same ones. `run.py` writes them to a file that `announce.lua` reads, and makes the users and
torrents in mika; `announce_path.py` feeds them to the tracker without a socket. The same seed gives the same announces.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

COUNTER = "{counter}"
"""Where a counter goes that grows from announce to announce, so that the accounts have something to do."""

BYTES_PER_ANNOUNCE = 512
"""How much a counter grows with each announce that is sent, so that the accounts have something to do.

A client's next announce is a second and some 30,000 announces later: with much more, all of them would look like
cheats, and what is measured would be how their suspicions are written.
"""

FIRST_PORT = 10_000
"""A user's port is this and its number: opentracker knows peers by address and port only."""

NUMWANT = 50

CLIENT = "-qB4650-"
"""How the peer id of every client begins."""

MAX_USERS = 50_000

UNRESERVED = (string.ascii_letters + string.digits + "-_!.~*()").encode()
"""What libtorrent sends as it is; everything else becomes `%xx` in lower case."""

HEADERS = (
    "Host: 127.0.0.1\r\nUser-Agent: qBittorrent/4.6.5\r\nAccept-Encoding: gzip\r\nConnection: {connection}\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Announce:
    """One client's announce: the passkey for trackers that want one, and the query with `COUNTER` in it."""

    passkey: str
    query: str

    def request(self, path: str, counter: int, *, keep_alive: bool) -> bytes:
        """Return it as HTTP/1.1; `path` is `/announce` or has `{passkey}` in it."""
        target = f"{path.format(passkey=self.passkey)}?{self.query.replace(COUNTER, str(counter))}"
        headers = HEADERS.format(connection="keep-alive" if keep_alive else "close")
        return f"GET {target} HTTP/1.1\r\n{headers}".encode()


@dataclass(frozen=True, slots=True)
class Workload:
    """Passkeys of the users, info hashes of the torrents, and the announces in random order."""

    passkeys: list[str]
    info_hashes: list[bytes]
    announces: list[Announce]

    def asking(self, numwant: int) -> Workload:
        """Return the same announces, with so many peers wanted."""
        now, then = f"numwant={NUMWANT}&", f"numwant={numwant}&"
        return self._varied(lambda each: replace(each, query=each.query.replace(now, then)))

    def with_unknown_passkeys(self) -> Workload:
        """Return the same announces with ten passkeys that nobody has: each is looked for once a `negative_ttl`."""
        unknown = cycle([passkey[::-1] for passkey in self.passkeys[:10]])
        return self._varied(lambda each: replace(each, passkey=next(unknown)))

    def scrapes(self) -> Workload:
        """Return a scrape of one torrent in the place of each announce."""
        return self._varied(lambda each: replace(each, query=each.query.partition("&")[0]))

    def _varied(self, change: Callable[[Announce], Announce]) -> Workload:
        return replace(self, announces=[change(each) for each in self.announces])

    def write(self, path: Path) -> None:
        """Write one announce a line, passkey and query, for `announce.lua`."""
        path.write_text("".join(f"{announce.passkey} {announce.query}\n" for announce in self.announces))


def make_workload(users: int, torrents: int, swarm: int, seed: int = 1) -> Workload:
    """Put `swarm` different users, half of them seeders, into each torrent: one announce for each of these peers.

    A peer keeps its port and peer id, as a client does, so that announces refresh the swarm and do not churn it.
    """
    if not 2 <= swarm <= users <= MAX_USERS or torrents < 1:
        raise SystemExit(f"a benchmark needs 2 <= swarm <= users <= {MAX_USERS:,} and at least one torrent")
    source = random.Random(seed)
    passkeys = [source.randbytes(16).hex() for _ in range(users)]
    keys = [source.randbytes(4).hex().upper() for _ in range(users)]
    info_hashes = [source.randbytes(20) for _ in range(torrents)]
    announces = []
    for info_hash in info_hashes:
        for place, user in enumerate(source.sample(range(users), swarm)):
            peer_id = CLIENT.encode() + bytes(source.choices(UNRESERVED, k=12))
            announces.append(
                Announce(
                    passkeys[user],
                    f"info_hash={_escape(info_hash)}&peer_id={_escape(peer_id)}&port={FIRST_PORT + user}"
                    f"&uploaded={COUNTER}&{_progress(seeder=place % 2 == 0)}&corrupt=0&key={keys[user]}"
                    f"&numwant={NUMWANT}&compact=1&no_peer_id=1&supportcrypto=1&redundant=0",
                )
            )
    source.shuffle(announces)
    return Workload(passkeys, info_hashes, announces)


def merged(workloads: Iterable[Workload]) -> Workload:
    """Return one with the users, torrents and announces of all."""
    merge = Workload([], [], [])
    for each in workloads:
        merge.passkeys.extend(each.passkeys)
        merge.info_hashes.extend(each.info_hashes)
        merge.announces.extend(each.announces)
    return merge


def _progress(*, seeder: bool) -> str:
    return "downloaded=0&left=0" if seeder else f"downloaded={COUNTER}&left=734003200"


def _escape(raw: bytes) -> str:
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02x}" for byte in raw)
