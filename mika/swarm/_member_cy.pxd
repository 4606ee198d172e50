# The layout of _member_cy.pyx.
cimport cython
from cpython.object cimport PyObject


@cython.final
cdef class Member:
    cdef PyObject **_swarms
    cdef unsigned int _count
    cdef unsigned int _room
    cdef public unsigned int leeching

    cdef _resize(self, unsigned int room)
    cpdef enter(self, swarm)
    cpdef leave(self, swarm)
