# The C types of _request_cy.py.
cimport cython


@cython.final
@cython.no_gc  # no field of it refers back to it
cdef class AnnounceRequest:
    cdef public str passkey
    cdef public bytes info_hash
    cdef public bytes peer_id
    cdef public bytes endpoint
    cdef public unsigned long long uploaded
    cdef public unsigned long long downloaded
    cdef public unsigned long long left
    cdef public object event
    cdef public long long numwant
    cdef public bytes key
    cdef public unsigned char crypto
    cdef public tuple claims
