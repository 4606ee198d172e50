# The C types of swarm.py.
cimport cython

from mika cimport _peer_cy
from mika._peer_cy cimport Peer
from mika.swarm._peers_cy cimport Peers
from mika.swarm._side_cy cimport Side
from mika.wire._request_cy cimport AnnounceRequest


cdef bint leeches(Peer peer) except -1


@cython.final
cdef class Swarm:
    cdef public Peers peers  # what announces look at comes first, so that it is in one line of the cache
    cdef public Side seeders4
    cdef public Side leechers4
    cdef public int complete
    cdef public int incomplete
    cdef public bint gone
    cdef public Side seeders6
    cdef public Side leechers6
    cdef public bytes info_hash
    cdef public object presence
    cdef public int paused
    cdef public unsigned int due
    cdef public unsigned int soonest

    @cython.locals(seeder=cython.bint, paused=cython.bint, endpoint=bytes)
    cpdef refresh(self, Peer peer, AnnounceRequest request, unsigned int now, listable)

    cpdef place(self, Peer peer, bytes endpoint, listable)

    cpdef unlist(self, Peer peer, int family)

    @cython.locals(family=cython.int, listed=list)
    cdef _reclassify(self, Peer peer, bint seeder, bint paused, int crypto)

    cdef Side _side(self, Peer peer, int family)

    cdef _count(self, Peer peer, int by)
