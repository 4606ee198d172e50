# The C types of tracker.py.
cimport cython

from mika._ahead_cy cimport fetch_ahead
from mika._peer_cy cimport Peer
from mika._torrents_cy cimport Torrents
from mika._totals_cy cimport Totals, worth_of
from mika.ledger.credit cimport Ledger
from mika.ledger.tail cimport Tail
from mika.model cimport Torrent, User
from mika.rules.ruleset cimport Ruleset
from mika.swarm.selection cimport select_peers
from mika.swarm.swarm cimport Swarm
from mika.swarm.swarms cimport Swarms
from mika.wire._request_cy cimport AnnounceRequest
from mika.wire._response_cy cimport AnnounceResponse, response_of


cdef bint FETCHES


cdef class Tracker:
    cdef public object facts
    cdef public dict users
    cdef public Torrents torrents
    cdef public Ruleset ruleset
    cdef public Swarms swarms
    cdef public Ledger ledger
    cdef public Tail journal
    cdef public object random
    cdef public object config
    cdef public object keys
    cdef public object torrent_keys
    cdef public object select
    cdef bint is_random
    cdef public object measure
    cdef public long long interval
    cdef public long long min_interval
    cdef public long long jitter
    cdef public long long numwant
    cdef public long long numwant_max

    @cython.locals(user=User, torrent=Torrent, swarm=Swarm, peer=Peer, credit=Totals)
    cpdef announce(self, AnnounceRequest request, long long now)

    @cython.locals(credit=Totals)
    cdef _stop(self, AnnounceRequest request, User user, Torrent torrent, Swarm swarm, Peer peer, long long now)

    @cython.locals(numwant=cython.longlong, width=Py_ssize_t)
    cdef AnnounceResponse _answer(self, AnnounceRequest request, User user, Torrent torrent, Swarm swarm, Peer peer)

    @cython.locals(chance=cython.double)
    cdef AnnounceResponse _figures(self, AnnounceRequest request, Torrent torrent, Swarm swarm)


cdef _enter(User user, Torrent torrent, Totals credit)
