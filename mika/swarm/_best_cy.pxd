# The C types of _best_cy.pyx.
cimport cython
from cpython.object cimport PyObject

from mika._peer_cy cimport Peer
from mika.swarm._side_cy cimport Side


cdef struct Asker:
    unsigned int country
    unsigned int asn
    bint located
    double x
    double y
    double z
    bint seeder
    double size
    double has


@cython.final
cdef class Weighted:
    cdef double _place
    cdef double _progress
    cdef double _speed
    cdef double _priority
    cdef double _seed_time

    cdef Asker _asker(self, Peer peer, double size)
    cdef double _worth(self, const Asker *asker, PyObject *candidate) noexcept


@cython.final
cdef class Best:
    cdef object _score
    cdef int _sample
    cdef int _at_random

    cpdef choose(self, Side side, Peer asker, int count, int start, size)


cpdef bint fits(Peer asker, Peer other) except -1
