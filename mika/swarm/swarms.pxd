# The C types of swarms.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.swarm.swarm cimport Swarm
from mika.wire._request_cy cimport AnnounceRequest


cdef class Swarms:
    cdef public long long peer_ttl
    cdef public long long counters_ttl
    cdef public object listable
    cdef public bint believe_claims
    cdef public Py_ssize_t peer_count
    cdef public object presence
    cdef public object _changed
    cdef dict _swarms
    cdef dict _of_user
    cdef readonly dict _due
    cdef list _seconds

    cpdef get(self, bytes info_hash)

    cpdef refresh(self, Swarm swarm, Peer peer, AnnounceRequest request, unsigned int now)
