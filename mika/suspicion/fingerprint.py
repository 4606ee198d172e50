"""Clients that are not what they say: the peer id against the parameters, escapes, key and headers beside it.

Pure; `follow.py` gives it the first announces of clients. What it finds is that a request was not written by the client
that its peer id names, which is a fact that a person can check, and not yet a fraud.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mika.suspicion.clients import NAMES, OTHERS, Client, client_of, sums_up
from mika.suspicion.finding import Finding
from mika.suspicion.writing import Writing, letters_of
from mika.wire.client import client_name

KIND = "client"

ANONYMOUS = ("", "curl/7.81.0")
"""What clients that hide themselves call themselves: libtorrent in its anonymous mode."""

BROWSER = frozenset(("referer", "cookie", "accept-charset", "accept-language", "origin", "upgrade-insecure-requests"))
"""Headers of browsers, and of programs made with their libraries; no proxy adds them."""

FEW = 2
"""So many of a client's users may be odd alike before it is asked how many are not."""

MANY = 3
"""An oddity is a user's own if at least so many times as many users of that client are without it."""

MOST = 200_000
"""Users who are remembered, in all clients together."""

LETTERS = frozenset((string.ascii_letters + string.digits).encode())
"""What nobody has to escape."""

SHOWN = 60
"""Characters of a User-Agent that are shown."""


class Oddity(NamedTuple):
    """Something that the named client does not do: `mark` names it, `sure` if no proxy on the way could do it."""

    mark: str
    score: int
    words: str
    sure: bool = True


class Fingerprints:
    """Judges what clients write, and remembers how many users of each client write so.

    What many do is not theirs: then a proxy rewrites requests, or there is a version that is not known here.
    """

    def __init__(self) -> None:
        self._users: dict[str, set[int]] = {}
        self._odd: dict[tuple[str, str], set[int]] = {}

    def take(self, user_id: int, writing: Writing) -> Finding | None:
        """Judge a request."""
        client = client_of(writing.peer_id)
        if client is None:
            return None
        if sum(map(len, self._users.values())) > MOST:
            self._users.clear()
            self._odd.clear()
        users = self._users.setdefault(client.name, set())
        users.add(user_id)
        own = []
        for oddity in oddities(client, writing):
            odd = self._odd.setdefault((client.name, oddity.mark), set())
            odd.add(user_id)
            if (len(odd) <= FEW and oddity.sure) or len(users) - len(odd) >= MANY * len(odd):
                own.append(oddity)
        return finding_of(user_id, client, writing, own) if own else None


def finding_of(user_id: int, client: Client, writing: Writing, found: list[Oddity]) -> Finding:
    """Return what is kept of a request and what is odd about it."""
    score = min(95, max(each.score for each in found) + 5 * (len(found) - 1))
    name = client_name(writing.peer_id) or client.name
    begin = writing.peer_id[:7].decode("ascii", "replace")
    evidence = f"Says to be {name} (peer id {begin}...), which does not write such an announce: "
    return Finding(KIND, user_id, b"", score, evidence + "; ".join(each.words for each in found) + ".")


def oddities(client: Client, writing: Writing) -> Iterator[Oddity]:
    """Yield what the client that is named does not do."""
    yield from _parameters(client, writing)
    yield from _peer_id(client, writing)
    yield from _escapes(client, writing)
    yield from _agent(client, writing)
    browser = sorted(BROWSER.intersection(writing.headers) - ({"accept-language"} if client.plain is None else set()))
    if browser:
        yield Oddity("headers", 70, f"it sends the headers {', '.join(browser)}, as browsers do", sure=False)
    if "text/html" in writing.headers.get("accept", ""):
        yield Oddity("accept", 70, "it asks for text/html, as programs in Java do", sure=False)


def _parameters(client: Client, writing: Writing) -> Iterator[Oddity]:
    names = [name for name in writing.names if name in NAMES]
    if not client.names.fullmatch(" ".join(names)):
        yield Oddity("parameters", 80, f"its parameters are {', '.join(names)}, in this order")
    elif writing.key and not client.key.fullmatch(writing.key):
        yield Oddity("key", 65, "its key has another form")


def _peer_id(client: Client, writing: Writing) -> Iterator[Oddity]:
    tail = writing.peer_id[7:]
    if not client.tail.fullmatch(tail):
        yield Oddity("tail", 75, "the rest of its peer id has another form")
    elif client.name == "Transmission" and not sums_up(tail[1:]):
        yield Oddity("sum", 85, "the last character of its peer id is not the check of those before it")


def _escapes(client: Client, writing: Writing) -> Iterator[Oddity]:
    letters = letters_of(writing.escaped)
    if not client.digits.fullmatch(letters.digits):
        yield Oddity("digits", 70, "the hex digits of its escapes are of the other case", sure=False)
    if client.plain is None:
        return
    safe = LETTERS.union(client.plain)
    needless, bare = safe.intersection(letters.escaped), set(letters.plain) - safe
    if needless:
        yield Oddity("escaped", 70, f"it escapes {_shown(needless)} in hash or peer id", sure=False)
    if bare:
        yield Oddity("bare", 70, f"it does not escape {_shown(bare)} in hash or peer id", sure=False)


def _shown(found: Iterable[int]) -> str:
    return " ".join(chr(byte) if 32 < byte < 127 else f"%{byte:02X}" for byte in sorted(found))


def _agent(client: Client, writing: Writing) -> Iterator[Oddity]:
    agent = writing.agent
    if not client.agent or agent in ANONYMOUS:
        return
    shown = re.sub(r"[^ -~]", "?", agent[:SHOWN])
    if not agent.lower().startswith(client.agent.lower()):
        other = OTHERS.search(agent)
        yield Oddity("agent", 85 if other else 50, f'its User-Agent is "{shown}"')
    elif client.agent == "qBittorrent" and not _is_version(agent, writing.peer_id):
        yield Oddity("version", 65, f'its User-Agent is "{shown}", of another version')


def _is_version(agent: str, peer_id: bytes) -> bool:
    """Say whether qBittorrent's two versions are the same; what reads otherwise is not compared."""
    said = re.fullmatch(r"qBittorrent/(\d+)\.(\d+)\.(\d+)(?:\.\d+)?", agent)
    return said is None or [int(chr(byte), 36) for byte in peer_id[3:6]] == [int(each) for each in said.groups()]
