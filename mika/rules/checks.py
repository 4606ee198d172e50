"""One small function a rule: may this announce go ahead? Each answers a Refusal or None; `ruleset.py` has their order.

They look at the request, whose it is and that user's role, the torrent, and the peer and its swarm if they are known
already. A `stopped` is never judged: it always succeeds.
"""

from __future__ import annotations

from mika._peer_cy import Peer
from mika.model import Role, Torrent, User
from mika.rules import refusal
from mika.rules.refusal import Refusal
from mika.swarm.ghosts import is_ghost
from mika.swarm.presence import Presence, network_of
from mika.swarm.swarm import Swarm
from mika.wire._request_cy import AnnounceRequest
from mika.wire.request import PAUSED


def user_is_enabled(request: AnnounceRequest, user: User, role: Role) -> Refusal | None:
    """Refuse a user whose account, or right to do what this announce is for, was taken away, or the role's right."""
    if not user.enabled:
        return refusal.USER_DISABLED
    if request.left == 0 or request.event is PAUSED:  # a partial seed downloads nothing (BEP 21)
        return None if user.upload_enabled and role.upload_enabled else refusal.UPLOAD_DISABLED
    return None if user.download_enabled and role.download_enabled else refusal.DOWNLOAD_DISABLED


def key_is_of_the_torrent(request: AnnounceRequest, user: User) -> Refusal | None:
    """Refuse a passkey where each torrent has a key of its own; that a key fits was seen when its user was found."""
    return refusal.KEY_NEEDED if request.passkey == user.passkey else None


def torrent_is_served(torrent: Torrent) -> Refusal | None:
    """Refuse a torrent that was deleted, or is disabled, with the reason that is kept."""
    if torrent.deleted:
        return refusal.TORRENT_DELETED.because(torrent.reason)
    return None if torrent.enabled else refusal.TORRENT_DISABLED.because(torrent.reason)


def family_is_served(request: AnnounceRequest, ipv4: bool, ipv6: bool) -> Refusal | None:
    """Refuse a family that the operator turned off, when a proxy or a dual-stack socket lets it in."""
    return None if (ipv4 if len(request.endpoint) == 6 else ipv6) else refusal.FAMILY_DISABLED


def client_is_listed(request: AnnounceRequest, prefixes: tuple[bytes, ...]) -> Refusal | None:
    """Refuse a client whose peer id starts with none of the prefixes on the whitelist."""
    return None if request.peer_id.startswith(prefixes) else refusal.CLIENT_REFUSED


def peers_are_few(request: AnnounceRequest, user: User, role: Role, swarm: Swarm, limit: int) -> Refusal | None:
    """Refuse one client more than a user may have in one swarm, by the role or the `limit` of all.

    It is asked of clients that are not in the swarm yet, or fell silent; the others go on.
    """
    present = len([each for each in swarm.active_of(user.id) if not is_ghost(each, request)])
    own = role.peers_per_user_torrent
    most = limit if own is None else own
    return None if present < most else refusal.too_many_peers(most, present)


def addresses_are_few(
    request: AnnounceRequest, user: User, peer: Peer | None, presence: Presence, limit: int
) -> Refusal | None:
    """Refuse one address more than a user may announce from at a time, in each family; those in use go on."""
    endpoint, old = request.endpoint, b""
    if peer is not None:
        old = peer.endpoint4 if len(endpoint) == 6 else peer.endpoint6
        if old == endpoint and peer.active:
            return None  # as nearly always: it is counted
    addresses = presence.addresses4 if len(endpoint) == 6 else presence.addresses6
    if addresses.count(user.id, network_of(endpoint)):
        return None
    present = addresses.keys(user.id)
    moves = 1 if old and addresses.count(user.id, network_of(old)) == 1 else 0  # the old one goes with it
    return None if present - moves < limit else refusal.too_many_addresses(limit, present)
