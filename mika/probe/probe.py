"""The test of a tracker from outside, step after step: over each family that its name resolves to, as a client would.

`probe` is called by `mika check`. A handful of requests a family, at most; who was let in stops again.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from statistics import median
from urllib.parse import quote_from_bytes

from mika.probe.answers import judge_address, judge_announce, judge_refusal, judge_scrape, read_body
from mika.probe.exchange import Answer, Connection
from mika.probe.finding import Finding, Level, note, ok, wrong
from mika.probe.network import FAMILIES, Peer, certificate, connect, look_up, secure
from mika.probe.target import Target

MOST_ADDRESSES = 4
"""Of one family that are connected to; the rest of a large site is the same server."""

SLOW = 2.0
"""Seconds of an announce that are worth a note: clients wait for ten or more, and members for every start."""

CLOCK = 30.0
"""Seconds that two clocks may differ by before it is said."""


@dataclass(frozen=True, slots=True)
class Client:
    """What the test says it is. `exists`: the torrent is one that the tracker has, and not an invented one.

    `timeout` is seconds for each step; `ca` is a file of authorities to trust, empty for the system's.
    """

    info_hash: bytes
    peer_id: bytes
    exists: bool = False
    port: int = 6881
    timeout: float = 10.0
    ca: str = ""

    def parameters(self, event: str) -> dict[str, object]:
        """Return what an announce says beside the info hash: a leecher with nothing yet, who wants compact peers."""
        said: dict[str, object] = {"peer_id": quote_from_bytes(self.peer_id, safe=""), "port": self.port}
        said |= {"uploaded": 0, "downloaded": 0, "left": 1, "compact": 1, "numwant": 50}
        return said | ({"event": event} if event else {})


def probe(target: Target, client: Client) -> Iterator[Finding]:
    """Yield what is found as it is found, without the secrets of the URL. `OSError` if `client.ca` cannot be read."""
    known = {family: look_up(target.host, target.port, family) for family in FAMILIES}
    yield from _names(target, known)
    answered = faulty = False
    for family, peers in known.items():
        over = _Family(target, client, family)
        for finding in over.test(peers) if peers else ():
            faulty = faulty or finding.level is Level.WRONG
            yield replace(finding, words=target.hide(finding.words), family=family)
        answered = answered or over.answered
    if any(known.values()) and not answered and not faulty:
        yield wrong("connect", "nothing could be tested from here", "test from a machine that can reach the tracker")


def _names(target: Target, known: dict[str, list[Peer]]) -> Iterator[Finding]:
    if not any(known.values()):
        yield wrong("dns", f"{target.host} has no address", "see whether the name is right, and is in the DNS")
        return
    for family, peers in known.items():
        if peers:
            yield ok("dns", ", ".join(peer.ip for peer in peers)).at(family)
    literal = any(peer.ip == target.host for peers in known.values() for peer in peers)
    if not known["IPv4"] and not literal:
        yield note("dns", "no address: members without IPv6 cannot announce", "add an A record").at("IPv4")
    if not known["IPv6"] and not literal:
        yield note("dns", "no address: members announce over IPv4 only").at("IPv6")


class _Family:
    """The test over one family."""

    def __init__(self, target: Target, client: Client, family: str) -> None:
        self._target, self._client, self._family = target, client, family
        self._verified = True
        self._waits: list[float] = []
        self.answered = False

    def test(self, peers: list[Peer]) -> Iterator[Finding]:
        """Connect to every address, and do the rest with the first that takes it."""
        chosen = None
        for peer in peers[:MOST_ADDRESSES]:
            begun = time.monotonic()
            sock = connect(peer, self._client.timeout)
            if isinstance(sock, Finding):
                yield sock
                continue
            sock.close()
            wait = time.monotonic() - begun
            yield replace(ok("connect", f"{peer.ip} in {_ms(wait)}"), figures={"milliseconds": round(wait * 1000, 1)})
            chosen = chosen or peer
        if chosen is None:
            return
        if self._target.secure and not (yield from self._test_tls(chosen)):
            return
        yield from self._test_requests(chosen)

    def _test_tls(self, peer: Peer) -> Generator[Finding, None, bool]:
        """Look at TLS and the certificate; without a good one, the rest is tested all the same."""
        sock = self._socket(peer)
        if isinstance(sock, Finding) and sock.step == "certificate":
            yield sock
            self._verified = False
            sock = self._socket(peer)
        if not isinstance(sock, ssl.SSLSocket):
            if isinstance(sock, Finding):
                yield sock
            return False
        with sock:
            yield ok("tls", f"{sock.version()}, {(sock.cipher() or ('?',))[0]}")
            if self._verified:
                yield certificate(sock, datetime.now(UTC))
        return True

    def _test_requests(self, peer: Peer) -> Iterator[Finding]:
        """Announce, scrape, and announce again for the time that it takes; leave at the last if we were let in."""
        connection = self._open(peer)
        if isinstance(connection, Finding):
            yield connection
            return
        with connection:
            answer = self._announce(connection, "started")
            if isinstance(answer, Finding):
                yield answer
                return
            self.answered = True
            reading = read_body("announce", answer.status, answer.headers, answer.body)
            yield from reading.findings
            if reading.values is None:
                return
            if reading.refused:
                yield judge_refusal(reading.values, exists=self._client.exists)
            else:
                yield from judge_announce(reading.values, self._family)
            address = judge_address(reading.values, connection.own, peer.ip, self._family)
            yield from [address] if address else []
            yield from _clock(answer, time.time())
            yield from self._scrape(connection, peer, kept=answer.kept)
        yield from self._latency(peer, "" if reading.refused else "stopped")

    def _scrape(self, connection: Connection, peer: Peer, *, kept: bool) -> Iterator[Finding]:
        """Scrape where BEP 48 says, over the connection of the announce if that was kept: both are seen by it."""
        path = self._target.scrape(self._client.info_hash)
        if path is None:
            advice = "give out announce URLs that end in /announce: clients know where to scrape from nothing else"
            yield note("scrape", "not for clients: what follows the last slash does not begin with announce", advice)
            path = self._target.announce(self._client.info_hash, self._client.parameters(""))
        answer = connection.get("scrape", path) if kept else None
        if isinstance(answer, Answer):
            yield ok("keep-alive", "a connection serves several requests")
        elif answer:
            yield note("keep-alive", "the connection is said to stay open, and is closed", "say Connection: close then")
        else:
            yield note("keep-alive", "each request needs a connection of its own", "this is usual, and costs some time")
        if self._target.scrape_path is None:
            return
        if not isinstance(answer, Answer):
            again = self._open(peer)
            if isinstance(again, Finding):
                yield again
                return
            with again:
                answer = again.get("scrape", path)
        if isinstance(answer, Finding):
            yield answer
            return
        yield from self._judge_scrape(answer)

    def _judge_scrape(self, answer: Answer) -> Iterator[Finding]:
        if answer.status == 404:
            yield note("scrape", "not served (HTTP status 404)", "clients then show no figures of stopped torrents")
            return
        reading = read_body("scrape", answer.status, answer.headers, answer.body)
        yield from reading.findings
        if reading.values is not None:
            yield judge_scrape(reading.values, self._client.info_hash, exists=self._client.exists)

    def _latency(self, peer: Peer, last: str) -> Iterator[Finding]:
        """Announce twice more, with a connection each, as clients do; say how long all announces took."""
        for event in ("", last):
            connection = self._open(peer)
            if isinstance(connection, Finding):
                yield connection
                continue
            with connection:
                answer = self._announce(connection, event)
            if isinstance(answer, Finding):
                yield answer
        wait = median(self._waits)
        words = f"an announce is answered in {_ms(wait)}, the median of {len(self._waits)}"
        slow = wait > SLOW
        found = note("latency", words, "see what the tracker waits for") if slow else ok("latency", words)
        yield replace(found, figures={"milliseconds": round(wait * 1000, 1)})

    def _socket(self, peer: Peer) -> socket.socket | Finding:
        sock = connect(peer, self._client.timeout)
        if isinstance(sock, Finding) or not self._target.secure:
            return sock
        return secure(sock, self._target.host, self._client.ca, verified=self._verified)

    def _open(self, peer: Peer) -> Connection | Finding:
        sock = self._socket(peer)
        return sock if isinstance(sock, Finding) else Connection(self._target, sock, self._client.timeout)

    def _announce(self, connection: Connection, event: str) -> Answer | Finding:
        path = self._target.announce(self._client.info_hash, self._client.parameters(event))
        answer = connection.get("announce", path)
        if isinstance(answer, Answer):
            self._waits.append(answer.seconds)
        return answer


def _clock(answer: Answer, now: float) -> Iterator[Finding]:
    """Compare the clock of whoever answered with ours, if it says its time at all."""
    try:
        away = parsedate_to_datetime(answer.headers.get("date", "")).timestamp() - now
    except ValueError:
        return
    if abs(away) > CLOCK:
        words = f"its clock is {abs(away):.0f} s {'ahead of' if away > 0 else 'behind'} ours"
        yield note("clock", words, "set the one that is wrong by NTP: certificates and seed times depend on it")
    else:
        yield ok("clock", "agrees with ours")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
