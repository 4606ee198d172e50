# The C types of lines.py.
cimport cython

from mika.suspicion.sighting cimport Sighting


cdef class _Line:
    cdef public long long lines
    cdef public long long looked
    cdef public long long opened
    cdef public object size
    cdef public set torrents


cdef class Lines:
    cdef object _lines_of
    cdef dict _of_user

    @cython.locals(line=_Line, seconds=cython.longlong)
    cpdef add(self, Sighting sighting, long long since, fastest)
