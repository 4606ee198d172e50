# The C types of tail.py.
cimport cython

from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals
from mika.ledger._record_cy cimport pack_record, put_frame

cdef Py_ssize_t FRAME


@cython.final
cdef class Tail:
    cdef public long long last
    cdef public bint full
    cdef public Py_ssize_t at
    cdef public Py_ssize_t end
    cdef object _turn
    cdef unsigned char[::1] _room

    @cython.locals(at=Py_ssize_t, number=cython.longlong, record=bytes)
    cpdef append(self, bytes info_hash, Peer peer, Totals credit, bint gone)
