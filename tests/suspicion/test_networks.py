"""One passkey on many networks at once, as a table."""

from __future__ import annotations

import pytest

from mika.model import Peer
from mika.suspicion.networks import Networks, add_networks, judge_networks


def peer(user_id: int, four: str = "", six: str = "", *, active: bool = True) -> Peer:
    """Return a peer with endpoints by their hex digits, padded."""
    made = Peer(user_id, b"\1" * 20, 0)
    made.active = active
    made.endpoint4 = bytes.fromhex(four.ljust(12, "0")) if four else b""
    made.endpoint6 = bytes.fromhex(six.ljust(36, "0")) if six else b""
    return made


@pytest.mark.parametrize(
    ("peers", "score"),
    [
        ([peer(1, f"0a00000{n}") for n in range(3)], None),
        ([peer(1, f"0a00000{n}") for n in range(4)], 65),
        ([peer(1, f"0a00000{n}") for n in range(6)], 75),
        ([peer(1, f"0a0000{n:02x}") for n in range(60)], 95),
        ([peer(1, "0a000001", f"20010db800000000{n:020x}") for n in range(6)], None),
        ([peer(1, "0a000001", f"20010db8000000{n:02x}") for n in range(6)], 75),
        ([peer(1, f"0a00000{n}", f"20010db8000000{n:02x}") for n in range(3)], None),
        ([peer(1, f"0a000001{n:04x}") for n in range(6)], None),
        ([peer(1, f"0a00000{n}", active=n < 3) for n in range(6)], None),
        ([peer(-1, f"0a00000{n}") for n in range(6)], None),
        ([peer(n, f"0a00000{n}") for n in range(1, 7)], None),
    ],
)
def test_networks_are_judged(peers, score):
    """More than three: addresses of IPv4, or networks of IPv6; ports, silent peers and other accounts do not count."""
    found: Networks = {}
    for each in peers:
        add_networks(found, [each])
    findings = judge_networks(found, 3)
    assert [each.score for each in findings] == ([] if score is None else [score])
    for each in findings:
        assert (each.kind, each.user_id, each.info_hash) == ("networks", 1, b"")


def test_evidence_has_the_figures():
    """Of both families."""
    found: Networks = {}
    add_networks(found, [peer(1, f"0a00000{n}", "20010db8") for n in range(4)])
    assert judge_networks(found, 3)[0].evidence.startswith(
        "Has peers at 4 IPv4 addresses and in 1 IPv6 networks (/64) at the same time; more than 3 of one kind"
    )
