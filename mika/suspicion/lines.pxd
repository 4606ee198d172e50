# The C types of lines.py.
cimport cython

from mika.suspicion.sighting cimport Sighting


cdef class _Line:
    cdef public object lines
    cdef public object looked
    cdef public object opened
    cdef public object size
    cdef public set torrents


cdef class Lines:
    cdef object _lines_of
    cdef dict _of_user

    @cython.locals(line=_Line)
    cpdef add(self, Sighting sighting, since, fastest)
