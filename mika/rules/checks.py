"""One small function a rule: may this announce go ahead? Each answers a Refusal or None; `ruleset.py` has their order.

All look at the same: the request, whose it is, the torrent, and the peer and its swarm if they are known already. A
`stopped` is never judged: it always succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mika.model import Peer, Role, Torrent, User, role_of
from mika.rules import refusal
from mika.rules.refusal import Refusal
from mika.swarm.ghosts import is_ghost
from mika.swarm.presence import Presence, network_of
from mika.swarm.swarm import Swarm
from mika.wire.request import PAUSED, AnnounceRequest

Check = Callable[[AnnounceRequest, User, Torrent, Peer | None, Swarm | None], Refusal | None]


def user_is_enabled(roles: Mapping[int, Role]) -> Check:
    """Refuse a user whose account, or right to do what this announce is for, was taken away, or the role's right."""

    def check(
        request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        if not user.enabled:
            return refusal.USER_DISABLED
        role = role_of(user, roles)
        if request.left == 0 or request.event is PAUSED:  # a partial seed downloads nothing (BEP 21)
            return None if user.upload_enabled and role.upload_enabled else refusal.UPLOAD_DISABLED
        return None if user.download_enabled and role.download_enabled else refusal.DOWNLOAD_DISABLED

    return check


def key_is_of_the_torrent(
    request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
) -> Refusal | None:
    """Refuse a passkey where each torrent has a key of its own; that a key fits was seen when its user was found."""
    return refusal.KEY_NEEDED if request.passkey == user.passkey else None


def torrent_is_served(
    request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
) -> Refusal | None:
    """Refuse a torrent that was deleted, or is disabled, with the reason that is kept."""
    if torrent.deleted:
        return refusal.TORRENT_DELETED.because(torrent.reason)
    return None if torrent.enabled else refusal.TORRENT_DISABLED.because(torrent.reason)


def family_is_served(*, ipv4: bool, ipv6: bool) -> Check:
    """Refuse a family that the operator turned off, when a proxy or a dual-stack socket lets it in."""

    def check(
        request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        return None if (ipv4 if len(request.endpoint) == 6 else ipv6) else refusal.FAMILY_DISABLED

    return check


def client_is_listed(prefixes: Callable[[], tuple[bytes, ...]]) -> Check:
    """Refuse a client whose peer id starts with none of the prefixes on the whitelist."""

    def check(
        request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        return None if request.peer_id.startswith(prefixes()) else refusal.CLIENT_REFUSED

    return check


def peers_are_few(limit: int, roles: Mapping[int, Role]) -> Check:
    """Refuse one client more than a user may have in one swarm, by the role or the `limit` of all; the others go on."""

    def check(
        request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        if swarm is None or (peer is not None and peer.active):
            return None
        present = sum(not is_ghost(each, request) for each in swarm.active_of(user.id))
        own = role_of(user, roles).peers_per_user_torrent
        most = limit if own is None else own
        return None if present < most else refusal.too_many_peers(most, present)

    return check


def addresses_are_few(limit: int, presence: Presence) -> Check:
    """Refuse one address more than a user may announce from at a time, in each family; those in use go on."""

    def check(
        request: AnnounceRequest, user: User, torrent: Torrent, peer: Peer | None, swarm: Swarm | None
    ) -> Refusal | None:
        network = network_of(request.endpoint)
        if len(request.endpoint) == 6:
            addresses, old = presence.addresses4, b"" if peer is None else peer.endpoint4
        else:
            addresses, old = presence.addresses6, b"" if peer is None else peer.endpoint6
        if addresses.count(user.id, network):
            return None
        present = addresses.keys(user.id)
        moves = 1 if old and addresses.count(user.id, network_of(old)) == 1 else 0  # the old one goes with it
        return None if present - moves < limit else refusal.too_many_addresses(limit, present)

    return check
