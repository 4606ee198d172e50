# The C types of uploads.py. Bytes are Python's own numbers: what clients say may be past 64 bits when it is added up.
cimport cython


@cython.final
@cython.no_gc
cdef class Uploads:
    cdef public object base
    cdef public long long begun
    cdef public bint claimed
    cdef public long long judged
    cdef public object largest
    cdef public object reached
    cdef public object size
    cdef public Py_ssize_t times
    cdef public long long told
    cdef public object total

    cpdef add(self, size, long long since, base, long long told, received)
    cpdef excess(self, size, received, others_left)
    cpdef bint is_steady(self, excess) except -1
    cpdef bint is_odd(self, excess, size) except -1
    cpdef bint is_claim(self, size) except -1
