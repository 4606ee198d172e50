# The C types of _side_cy.pyx.
cimport cython
from cpython.object cimport PyObject

from mika._peer_cy cimport Peer

cdef enum:  # as in wire/request.py, where Python has them
    CRYPTO_SUPPORTED = 1
    CRYPTO_REQUIRED = 2


@cython.final
cdef class Side:
    cdef PyObject **_peers
    cdef unsigned char *_compact
    cdef readonly int size
    cdef int _room
    cdef readonly int width
    cdef readonly bint seeding
    cdef readonly int requiring
    cdef readonly int plain

    cdef _resize(self, int room)
    cdef inline int _slot(self, Peer peer) noexcept
    cdef inline _set_slot(self, Peer peer, int slot)
    cpdef add(self, Peer peer, bytes endpoint)
    cpdef remove(self, Peer peer)
    cpdef int slot_of(self, Peer peer) except -2
    cpdef Peer at(self, int slot)
    cpdef bytes cut(self, int start, int count)
    cpdef bytes gather(self, list slots)
