# The C types of sighting.py. Bytes are Python's own numbers: what clients say may be past 63 bits.
cimport cython


@cython.final
@cython.no_gc
cdef class Sighting:
    cdef public long long user_id
    cdef public bytes info_hash
    cdef public bytes peer_id
    cdef public object uploaded
    cdef public object downloaded
    cdef public object earlier
    cdef public object left
    cdef public long long seen
    cdef public bint announced
    cdef public bint gone
    cdef public long long seeded
