# The C types of counts.py.


cdef class Traffic:
    cdef public unsigned long long announces4
    cdef public unsigned long long announces6
    cdef public unsigned long long scrapes4
    cdef public unsigned long long scrapes6
    cdef public unsigned long long lookups
    cdef public unsigned long long cut_off
    cdef public object refusals
    cdef public object malformed
