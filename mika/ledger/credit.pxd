# The C types of credit.py.
cimport cython

from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals
from mika.wire._request_cy cimport AnnounceRequest


cdef class Ledger:
    cdef public object _roles
    cdef object _rates
    cdef object _since
    cdef object _until
    cdef object _up
    cdef object _down

    @cython.locals(uploaded="unsigned long long", downloaded="unsigned long long")
    cpdef Totals credit(self, user, torrent, Peer peer, AnnounceRequest request, seeders, now)
