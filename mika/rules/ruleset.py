"""The order of the checks, built from the configuration: a rule that is off is not asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mika.config import Tracker
from mika.model import Peer, Role, Torrent, User
from mika.rules.checks import (
    Check,
    addresses_are_few,
    client_is_listed,
    family_is_served,
    key_is_of_the_torrent,
    peers_are_few,
    torrent_is_served,
    user_is_enabled,
)
from mika.rules.refusal import Refusal
from mika.rules.slots import Slots
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms
from mika.wire.request import AnnounceRequest


class Ruleset:
    """Every rule of the site; the first that refuses is the answer."""

    def __init__(
        self, config: Tracker, prefixes: Callable[[], tuple[bytes, ...]], roles: Mapping[int, Role], swarms: Swarms
    ) -> None:
        """`prefixes` answers the peer id prefixes on the whitelist as it is now; `roles` are the live ones."""
        checks: list[Check] = [user_is_enabled(roles), torrent_is_served]
        if not (config.ipv4 and config.ipv6):
            checks.append(family_is_served(ipv4=config.ipv4, ipv6=config.ipv6))
        if config.whitelist:
            checks.append(client_is_listed(prefixes))
        if config.torrent_keys == "required":
            checks.append(key_is_of_the_torrent)
        checks.append(peers_are_few(config.peers_per_user_torrent, roles))
        if config.addresses_per_user:
            swarms.count_addresses()
            checks.append(addresses_are_few(config.addresses_per_user, swarms.presence))
        self.checks = tuple(checks)
        self.slots = Slots(roles, swarms)

    def judge(
        self, request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        """Ask each rule in turn."""
        for check in self.checks:
            refusal = check(request, user, torrent, peer, swarm)
            if refusal is not None:
                return refusal
        return None
