"""One passkey on many networks at once: an account that several people use, or a torrent file that got about."""

from __future__ import annotations

from collections.abc import Iterable

from mika.model import Peer
from mika.suspicion.finding import Finding
from mika.swarm.presence import network_of

KIND = "networks"

Networks = dict[int, tuple[set[bytes], set[bytes]]]
"""By user: the IPv4 addresses and the IPv6 networks of their active peers."""


def add_networks(found: Networks, peers: Iterable[Peer]) -> None:
    """Add where the active peers of a swarm are; public peers are accounts of their own."""
    for peer in peers:
        if peer.active and peer.user_id >= 0:
            mine = found.get(peer.user_id)
            if mine is None:
                mine = found[peer.user_id] = set(), set()
            if peer.endpoint4:
                mine[0].add(network_of(peer.endpoint4))
            if peer.endpoint6:
                mine[1].add(network_of(peer.endpoint6))


def judge_networks(found: Networks, most: int) -> list[Finding]:
    """Return who is on more than `most` networks of one family at once; a dual-stack line counts once."""
    findings = []
    for user_id, (four, six) in sorted(found.items()):
        count = max(len(four), len(six))
        if count > most:
            evidence = (
                f"Has peers at {len(four)} IPv4 addresses and in {len(six)} IPv6 networks (/64) at the same time; "
                f"more than {most} of one kind are more than one person is expected to use."
            )
            findings.append(Finding(KIND, user_id, b"", min(95, 60 + 5 * (count - most)), evidence))
    return findings
