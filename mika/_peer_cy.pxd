# The layout of _peer_cy.pyx: a peer of IPv4 takes 112 bytes, what few peers have is kept apart.
cimport cython

from mika._place_cy cimport Place

cdef extern from "stdbool.h":
    ctypedef bint bool  # one byte, and in Python True or False


@cython.final
cdef class Rest:
    """What few peers have: IPv6, a key that is not short text, speeds. A place alone stands where this would."""

    cdef bytes key
    cdef bytes endpoint6
    cdef Place place
    cdef unsigned long long speed_up
    cdef unsigned long long speed_down
    cdef unsigned int priority
    cdef int slot6
    cdef unsigned int seen6


@cython.final
cdef class Peer:
    cdef object rest  # a Rest, a Place, or None
    cdef public long long user_id
    cdef public unsigned long long uploaded
    cdef public unsigned long long downloaded
    cdef public unsigned long long left
    cdef public int slot4
    cdef public unsigned int seen4
    cdef public unsigned int first_seen
    cdef public unsigned int last_seen
    cdef unsigned char id[20]
    cdef unsigned char short_key[8]  # ends at the first zero
    cdef unsigned char at4[6]
    cdef bool has4
    cdef public unsigned char crypto
    cdef public bool seeder
    cdef public bool paused
    cdef public bool active
    cdef public bool waiting


cdef Rest NOTHING  # what a peer has of it that has nothing; not to be changed

cdef Place get_place(Peer peer)
cdef int get_slot6(Peer peer) noexcept
cdef set_slot6(Peer peer, int slot)
cpdef bint is_at(Peer peer, bytes endpoint) except -1
cpdef unsigned int quiet_since(Peer peer) noexcept
cpdef set_key(Peer peer, bytes key)
