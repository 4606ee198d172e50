# The C types of _peers_cy.py.
cimport cython

from mika._peer_cy cimport Peer


@cython.final
cdef class Peers:
    cdef Py_ssize_t _count
    cdef dict _of

    @cython.locals(mine=list, peer=Peer)
    cpdef Peer find(self, long long user_id, bytes peer_id)

    cpdef list of(self, user_id)
    cpdef add(self, Peer peer)
    cpdef remove(self, Peer peer)
