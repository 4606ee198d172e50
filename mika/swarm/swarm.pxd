# The C types of swarm.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.swarm._peers_cy cimport Peers
from mika.wire._request_cy cimport AnnounceRequest


@cython.final
cdef class Side:
    cdef public Py_ssize_t width
    cdef public bint seeding
    cdef public str slot_name
    cdef public bytearray compact
    cdef public list peers
    cdef public Py_ssize_t requiring
    cdef public Py_ssize_t plain


@cython.final
cdef class Swarm:
    cdef public bytes info_hash
    cdef public object presence
    cdef public Peers peers
    cdef public Py_ssize_t complete
    cdef public Py_ssize_t incomplete
    cdef public Py_ssize_t paused
    cdef public Side seeders4
    cdef public Side leechers4
    cdef public Side seeders6
    cdef public Side leechers6

    @cython.locals(seeder=cython.bint, paused=cython.bint, endpoint=bytes)
    cpdef refresh(self, Peer peer, AnnounceRequest request, unsigned int now, listable)
