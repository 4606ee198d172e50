# The C types of course.py. Bytes are Python's own numbers: what clients say may be past 64 bits when it is added up.
cimport cython

from mika.suspicion.sighting cimport Sighting


@cython.final
@cython.no_gc
cdef class Band:
    cdef public Py_ssize_t count
    cdef public double low
    cdef public double high

    cpdef Py_ssize_t add(self, double value, double tolerance) except -1


@cython.final
@cython.no_gc
cdef class Course:
    cdef public Py_ssize_t falls
    cdef public object hidden
    cdef public object fell
    cdef public object said
    cdef public Band share
    cdef public Band pace

    cpdef add(self, Sighting sighting, Seen before, size)
    cpdef bint is_constant(self) except -1
    @cython.locals(fell=object)
    cdef _missing(self, Sighting sighting, Seen before, size)
    @cython.locals(seconds=cython.longlong)
    cdef _move(self, Sighting sighting, Seen before)
    cdef _judge_share(self, Sighting sighting)


@cython.final
@cython.no_gc
cdef class Seen:
    cdef public long long at
    cdef public object left
    cdef public object received
    cdef public Course course
