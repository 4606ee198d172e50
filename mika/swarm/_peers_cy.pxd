# The C types of _peers_cy.pyx.
cimport cython

from mika._peer_cy cimport Peer

ctypedef size_t Cell  # the address of a peer, and in the bits that are 0 in each, the mark of its user; 0: nobody


@cython.final
cdef class Peers:
    cdef Cell *_cells
    cdef unsigned int _count
    cdef unsigned int _bits
    cdef unsigned int _walked

    cdef inline Py_ssize_t _home(self, long long user_id) noexcept
    cdef inline Py_ssize_t _next(self, long long user_id, Py_ssize_t cell) noexcept
    cdef _resize(self, unsigned int bits)
    cpdef Peer find(self, long long user_id, bytes peer_id)
    cpdef list of(self, long long user_id)
    cpdef bint is_alone(self, Peer peer) except -1
    cpdef add(self, Peer peer)
    cpdef remove(self, Peer peer)
    cpdef bint is_walking(self)
    cpdef list walk(self, Py_ssize_t most)
