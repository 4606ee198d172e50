# The C types of tracker.py.
cimport cython

from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals
from mika.ledger.credit cimport Ledger
from mika.swarm.swarm cimport Swarm
from mika.swarm.swarms cimport Swarms
from mika.wire._request_cy cimport AnnounceRequest
from mika.wire._response_cy cimport AnnounceResponse


cdef class Tracker:
    cdef public object facts
    cdef public object ruleset
    cdef public Swarms swarms
    cdef public Ledger ledger
    cdef public object journal
    cdef public object random
    cdef public object config
    cdef public object keys
    cdef public object torrent_keys
    cdef public object select
    cdef public object measure
    cdef public long long interval
    cdef public long long min_interval
    cdef public long long jitter

    @cython.locals(users=dict, torrents=dict, swarm=Swarm, peer=Peer, credit=Totals)
    cpdef announce(self, AnnounceRequest request, now)

    @cython.locals(credit=Totals)
    cdef _stop(self, AnnounceRequest request, user, torrent, Swarm swarm, Peer peer, now)

    @cython.locals(numwant=cython.longlong)
    cdef AnnounceResponse _answer(self, AnnounceRequest request, user, torrent, Swarm swarm, Peer peer)

    cdef AnnounceResponse _figures(self, AnnounceRequest request, torrent, Swarm swarm)


@cython.locals(account=Totals)
cdef _enter(user, torrent, Totals credit)
