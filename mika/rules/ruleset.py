"""The order of the checks, built from the configuration: a rule that is off is not asked."""

from __future__ import annotations

from collections.abc import Callable

from mika.config import Tracker
from mika.model import Peer, Torrent, User
from mika.rules.checks import (
    Check,
    client_is_listed,
    family_is_served,
    peers_are_few,
    torrent_is_served,
    user_is_enabled,
)
from mika.rules.refusal import Refusal
from mika.swarm.swarm import Swarm
from mika.wire.request import AnnounceRequest


class Ruleset:
    """Every rule of the site; the first that refuses is the answer."""

    def __init__(self, config: Tracker, prefixes: Callable[[], tuple[bytes, ...]]) -> None:
        """`prefixes` answers the peer id prefixes on the whitelist as it is now."""
        checks: list[Check] = [user_is_enabled, torrent_is_served]
        if not (config.ipv4 and config.ipv6):
            checks.append(family_is_served(ipv4=config.ipv4, ipv6=config.ipv6))
        if config.whitelist:
            checks.append(client_is_listed(prefixes))
        checks.append(peers_are_few(config.peers_per_user_torrent))
        self.checks = tuple(checks)

    def judge(
        self, request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        """Ask each rule in turn."""
        for check in self.checks:
            refusal = check(request, user, torrent, peer, swarm)
            if refusal is not None:
                return refusal
        return None
