# The C types of ordinary.py.
cimport cython

from mika.counts cimport Traffic
from mika.tracker cimport Tracker
from mika.wire._request_cy cimport AnnounceRequest


cdef class OrdinaryAnnounces:
    cdef Tracker tracker
    cdef object site
    cdef Traffic traffic

    @cython.locals(ordinary=tuple, request=AnnounceRequest)
    cpdef answer(self, bytes data, Py_ssize_t position, bytes address, now)
