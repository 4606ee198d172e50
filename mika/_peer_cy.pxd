# The C types of _peer_cy.py.
cimport cython


@cython.final
@cython.no_gc  # no field of it refers back to it
cdef class Peer:
    cdef public long long user_id
    cdef public bytes peer_id
    cdef public bytes key
    cdef public unsigned long long uploaded
    cdef public unsigned long long downloaded
    cdef public unsigned long long left
    cdef public bytes endpoint4
    cdef public bytes endpoint6
    cdef public object location
    cdef public str country
    cdef public unsigned long long speed_up
    cdef public unsigned long long speed_down
    cdef public unsigned int asn
    cdef public int slot4
    cdef public int slot6
    cdef public unsigned int seen4
    cdef public unsigned int seen6
    cdef public unsigned int first_seen
    cdef public unsigned int last_seen
    cdef public unsigned int due
    cdef public unsigned char crypto
    cdef public bint seeder
    cdef public bint paused
    cdef public bint active
    cdef public bint waiting
