# The C types of credit.py.
cimport cython

from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals, worth_of
from mika.model cimport Role, Torrent, User, role_of
from mika.wire._request_cy cimport AnnounceRequest

ctypedef unsigned long long Count

cdef Count INT64_MAX
cdef double _SURE
cdef double _FEW
cdef Count _COUNT
cdef long long _MULTIPLIER
cdef long long UNIT_MULTIPLIER


cdef class Ledger:
    cdef public dict _roles
    cdef object _rates
    cdef long long _per_hour
    cdef long long _scarcity
    cdef long long _seed_limit
    cdef long long _room
    cdef long long _since
    cdef long long _until
    cdef long long _up
    cdef long long _down
    cdef double _per_second
    cdef double _per_byte
    cdef double _per_second_of_age

    @cython.locals(
        uploaded=Count, downloaded=Count, credited_up=Count, credited_down=Count, role=Role, up=cython.longlong,
        down=cython.longlong, seconds=cython.longlong, bonus=cython.longlong, share=cython.longlong,
        points=cython.longlong, age=cython.longlong,
    )
    cpdef Totals credit(
        self, User user, Torrent torrent, Peer peer, AnnounceRequest request, long long seeders, long long now
    )
    @cython.locals(rate=double, worth=double, about=double, whole=cython.longlong)
    cpdef long long points(self, long long seconds, long long seeders, long long size, long long age=*) except? -1


@cython.locals(exact=object)
cpdef Count multiplied(Count count, long long multiplier)
