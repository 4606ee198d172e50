# The C types of window.py.
cimport cython

from mika.suspicion.course cimport Seen
from mika.suspicion.sighting cimport Sighting
from mika.suspicion.uploads cimport Uploads


cdef class Window:
    cdef public long long flowed
    cdef public long long moved
    cdef public long long opened
    cdef public object received
    cdef public dict seen
    cdef public bint settled
    cdef public long long since
    cdef public dict uploads

    cpdef Seen before(self, Sighting sighting)
    @cython.locals(uploads=Uploads)
    cpdef Uploads due(self, Sighting sighting, size)
    cpdef add(self, Sighting sighting, Seen before)
    @cython.locals(uploads=Uploads)
    cdef _upload(self, Sighting sighting, Seen before)
    @cython.locals(uploads=Uploads)
    cpdef bint is_claim(self, Sighting sighting, size) except -1
    cdef _receive(self, Sighting sighting, Seen before)
