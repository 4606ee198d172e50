# The C types of swarms.py.
cimport cython

from mika cimport _peer_cy
from mika._peer_cy cimport Peer
from mika.model cimport Torrent
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
    cdef readonly dict _due
    cdef list _seconds

    cpdef get(self, bytes info_hash)

    @cython.locals(swarm=Swarm)
    cpdef Swarm of(self, Torrent torrent)

    @cython.locals(swarm=Swarm, peer=Peer)
    cpdef join(self, bytes info_hash, user_id, bytes peer_id, unsigned int now)

    cpdef refresh(self, Swarm swarm, Peer peer, AnnounceRequest request, unsigned int now)

    cpdef remove(self, Swarm swarm, Peer peer)

    cpdef silence(self, Swarm swarm, Peer peer)

    @cython.locals(swarm=Swarm)
    cpdef restore(self, bytes info_hash, Peer peer)

    @cython.locals(swarm=Swarm, peer=Peer, peers=list, bucket=dict, changed=Py_ssize_t)
    cpdef expire(self, long long now, Py_ssize_t most=*)

    @cython.locals(second="long long", soonest="long long", due=list, soon=list, peer=Peer)
    cdef list _due_among(self, Swarm swarm, list peers, long long now)

    @cython.locals(silent=cython.bint)
    cdef bint _judge(self, Swarm swarm, Peer peer, long long now) except -1

    cdef list _next_part(self, Swarm swarm, long long second, Py_ssize_t most)

    cdef long long _next(self, Peer peer) except -1

    cdef _look_by(self, Swarm swarm, long long second)

    cdef _look_at(self, Swarm swarm, long long second)

    cdef dict _bucket(self, long long second)
