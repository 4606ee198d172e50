"""The answers of a tracker to an announce and a scrape into findings (BEP 3, 7, 23, 24, 31, 48). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from mika.probe.finding import Finding, note, ok, wrong
from mika.probe.meaning import TORRENT, meaning
from mika.wire.bencoding import BadBencodingError, read_bencoded

Dictionary = Mapping[bytes, Any]
Address = IPv4Address | IPv6Address

COMPACT = {"IPv4": (b"peers", 6), "IPv6": (b"peers6", 18)}
"""Key and bytes of a peer."""

STATUSES = {
    401: "it asks for a name and a password, which clients do not have",
    403: "it refuses this test: what protects it from browsers and robots would refuse clients, too",
    404: "there is no tracker at this path",
    429: "it is asked too often",
    502: "the proxy in front reaches no tracker",
    503: "the tracker, or the proxy in front, is closed or overloaded",
    504: "the proxy in front waits for the tracker in vain",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer holds: `values` are `None` where it is none; `refused` if it is a failure."""

    findings: tuple[Finding, ...]
    values: Dictionary | None = None
    refused: bool = False


def read_body(step: str, status: int, headers: Mapping[str, str], body: bytes) -> Reading:
    """Read the dictionary that every answer of a tracker is, or say what has come instead."""
    if 300 <= status < 400:
        advice = (
            "give out the URL that it leads to: not every client follows, and the passkey passes by one more server"
        )
        return Reading((wrong(step, f"it sends clients elsewhere (HTTP status {status})", advice),))
    if headers.get("content-encoding", "identity") != "identity":
        advice = "switch compression off in the proxy: some clients do not unpack what they have not asked for"
        return Reading((wrong(step, "the answer is packed though nobody asked for it", advice),))
    try:
        values, strict = read_bencoded(body)
    except BadBencodingError as error:
        return Reading((_not_bencoded(step, status, body, error),))
    if not isinstance(values, dict):
        return Reading(
            (wrong(step, "the answer is bencoded, and no dictionary", "see whether a tracker answers here"),)
        )
    findings = []
    if status != 200:
        advice = "answer with status 200: many clients show the number and not the reason"
        findings.append(note(step, f"it answers in the words of a tracker, with HTTP status {status}", advice))
    if not strict:
        advice = "strict clients refuse that: sort the keys, name each once"
        findings.append(wrong(step, "the answer is not strictly bencoded", advice))
    if "transfer-encoding" in headers:
        findings.append(note(step, "the answer is chunked", "send a Content-Length: some clients know nothing else"))
    return Reading(tuple(findings), values, b"failure reason" in values)


def _not_bencoded(step: str, status: int, body: bytes, error: BadBencodingError) -> Finding:
    if status != 200:
        words = STATUSES.get(status, "it answers, and not as a tracker does")
        return wrong(step, f"{words} (HTTP status {status})", "see whether the URL is right, and the log of the server")
    if not body:
        return wrong(step, "the answer is empty", "see the log of the tracker, or of its proxy")
    if body.lstrip()[:1] == b"<":
        return wrong(step, "a web page answers instead of a tracker", "see whether the URL is that of the tracker")
    return wrong(step, f"the answer is not a tracker's: {error}", "see whether the URL is that of the tracker")


def text(value: Any) -> str:
    """Write what a tracker says in words, whatever it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def judge_refusal(values: Dictionary, *, exists: bool) -> Finding:
    """Say what a failure means; `exists`: the torrent was named as one that is there."""
    reason = text(values[b"failure reason"])
    found = meaning(text(values.get(b"failure code", "")), reason)
    said = f"{reason!r}"
    if found is TORRENT and exists:
        return wrong("announce", f"it does not serve this torrent: {said}", "add the torrent, or test with another")
    return Finding("announce", found.level, f"{found.words}: {said}", found.advice)


def judge_announce(values: Dictionary, family: str) -> list[Finding]:
    """Look through an answer that is no failure."""
    interval, least = values.get(b"interval"), values.get(b"min interval", 0)
    findings = []
    if not _is_count(interval) or interval == 0:
        findings.append(wrong("announce", "there is no interval", "clients would guess when to come back: send one"))
    elif not _is_count(least) or least > interval:
        findings.append(wrong("announce", f"interval is {interval} s and min interval {least}", "mend the settings"))
    else:
        findings.append(ok("announce", f"it serves the torrent; clients come back every {interval} s"))
    odd = [text(key) for key in (b"complete", b"incomplete") if not _is_count(values.get(key, 0))]
    if odd:
        findings.append(wrong("announce", f"{' and '.join(odd)} is no number", "mend the tracker"))
    if b"warning message" in values:
        findings.append(note("announce", f"it warns: {text(values[b'warning message'])!r}"))
    return [*findings, *_judge_peers(values, family)]


def _judge_peers(values: Dictionary, family: str) -> list[Finding]:
    key, size = COMPACT[family]
    peers = values.get(key)
    name = text(key)
    if b"peers" not in values:
        return [wrong("peers", 'there is no "peers"', "some clients fail without it, also where it is empty")]
    if peers is None:
        return [ok("peers", "none over this family")]
    if isinstance(peers, list):
        return [note("peers", f"{len(peers)}, written out though compact ones were asked for", "send them compact")]
    if not isinstance(peers, bytes) or len(peers) % size:
        return [
            wrong("peers", f'"{name}" is not made of {size} bytes a peer', "mend the tracker: clients drop them all")
        ]
    addresses = [ip_address(peers[at : at + size - 2]) for at in range(0, len(peers), size)]
    idle = sum(not any(peers[at + size - 2 : at + size]) for at in range(0, len(peers), size))
    if idle:
        return [wrong("peers", f"{idle} of {len(addresses)} have port 0", "leave them out: nobody can connect there")]
    hidden = sum(not address.is_global for address in addresses)
    if hidden:
        words = f"{hidden} of {len(addresses)} cannot be reached over the internet"
        return [note("peers", words, "see whether it knows its own proxy, and whether it lists private addresses")]
    return [ok("peers", f"{len(addresses)}, compact")]


def judge_address(values: Dictionary, own: str, tracker: str, family: str) -> Finding | None:
    """Compare the address that a client is seen at (BEP 24) with its own; `None` if the answer does not say it."""
    seen = _address(values.get(b"external ip"))
    if b"external ip" not in values:
        return None
    if seen is None:
        return wrong("address", '"external ip" is neither 4 nor 16 bytes', "mend the tracker")
    mine, its = ip_address(own.partition("%")[0]), ip_address(tracker.partition("%")[0])
    if seen.version != mine.version:
        return wrong(
            "address", f"we come over {family} and are seen as {seen}", "see what the proxy in front passes on"
        )
    if seen == mine:
        return ok("address", f"we are seen as {seen}, which we are")
    if seen == its or (its.is_global and not seen.is_global):
        return wrong(
            "address",
            f"we are seen as {seen}, which is a proxy in front of the tracker and would be handed to every peer",
            "name the proxy in the tracker's trusted_proxies, and have it send X-Forwarded-For",
        )
    return note(
        "address", f"we are {mine} and seen as {seen}", "that is so behind NAT; with an address of one's own, it is not"
    )


def judge_scrape(values: Dictionary, info_hash: bytes, *, exists: bool) -> Finding:
    """Look through the answer to a scrape of one torrent."""
    if b"failure reason" in values:
        words = f"it is refused: {text(values[b'failure reason'])!r}"
        return note("scrape", words, "clients then show no figures of torrents that are stopped")
    files = values.get(b"files")
    if not isinstance(files, dict):
        return wrong("scrape", 'there is no "files"', "mend the tracker (BEP 48)")
    figures = files.get(info_hash)
    if figures is None:
        if exists:
            return wrong("scrape", "the torrent is left out", "key it by the 20 bytes that were asked for")
        return ok("scrape", "it answers, and leaves out a torrent that is not there")
    names = (b"complete", b"downloaded", b"incomplete")
    if not isinstance(figures, dict) or not all(_is_count(figures.get(name)) for name in names):
        return wrong("scrape", "complete, downloaded or incomplete is missing", "mend the tracker (BEP 48)")
    return ok("scrape", f"it answers: {figures[b'complete']} seed, {figures[b'incomplete']} leech")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _address(value: Any) -> Address | None:
    if not isinstance(value, bytes) or len(value) not in (4, 16):
        return None
    address = ip_address(value)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
