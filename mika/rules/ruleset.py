"""The order of the checks, by the configuration: a rule that is off is not asked. `tracker.py` has announces judged."""

from __future__ import annotations

from collections.abc import Callable

from mika._peer_cy import Peer
from mika.config import Tracker
from mika.model import Role, Torrent, User, role_of
from mika.rules.checks import (
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
from mika.wire._request_cy import AnnounceRequest


class Ruleset:
    """Every rule of the site; the first that refuses is the answer."""

    def __init__(
        self, config: Tracker, prefixes: Callable[[], tuple[bytes, ...]], roles: dict[int, Role], swarms: Swarms
    ) -> None:
        """`prefixes` answers the peer id prefixes on the whitelist as it is now; `roles` are the live ones."""
        self._ipv4 = config.ipv4
        self._ipv6 = config.ipv6
        self._whitelist = config.whitelist
        self._prefixes = prefixes
        self._keys = config.torrent_keys == "required"
        self._peers = config.peers_per_user_torrent
        self._addresses = config.addresses_per_user
        self._roles = roles
        self._presence = swarms.presence
        self.slots = Slots(roles, swarms)
        if config.addresses_per_user:
            swarms.count_addresses()

    def judge(
        self, request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        """Ask each rule in turn."""
        role = role_of(user, self._roles)
        refused = user_is_enabled(request, user, role) or torrent_is_served(torrent)
        if refused is None and not (self._ipv4 and self._ipv6):
            refused = family_is_served(request, self._ipv4, self._ipv6)
        if refused is None and self._whitelist:
            refused = client_is_listed(request, self._prefixes())
        if refused is None and self._keys:
            refused = key_is_of_the_torrent(request, user)
        if refused is None and swarm is not None and (peer is None or not peer.active):
            refused = peers_are_few(request, user, role, swarm, self._peers)
        if refused is None and self._addresses:
            refused = addresses_are_few(request, user, peer, self._presence, self._addresses)
        return refused
