"""What an announce will look at comes to the cache ahead, compiled, and nothing else happens."""

from __future__ import annotations

from builders import INFO_HASH, NOW, PEER_ID

from mika import _ahead_cy
from mika._ahead_cy import FETCHES, fetch_ahead
from mika.compiled import runs_compiled
from mika.model import Torrent, Totals, User
from mika.swarm.presence import Presence
from mika.swarm.swarm import Swarm
from mika.swarm.swarms import Swarms


def test_it_is_done_where_it_is_compiled():
    """In plain Python the tracker does not even call it."""
    assert runs_compiled(_ahead_cy) == FETCHES


def test_it_changes_nothing():
    """Neither where a swarm has nobody, and no arrays, nor where it has somebody."""
    user, torrent = User(7, "member", "passkey-7"), Torrent(INFO_HASH, totals=Totals(uploaded=3))
    empty = Swarm(INFO_HASH, Presence())
    swarm, peer = Swarms(60, 60, lambda _: True, lambda *_: None).join(INFO_HASH, 7, PEER_ID, NOW)
    for each in (empty, swarm):
        fetch_ahead(user, torrent, each)
    assert (user.totals, torrent.totals) == (Totals(), Totals(uploaded=3))
    assert (len(empty.peers), list(swarm.peers)) == (0, [peer])
