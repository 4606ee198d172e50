# The C types of ruleset.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.model cimport Role, Torrent, User, role_of
from mika.rules.checks cimport (
    addresses_are_few,
    client_is_listed,
    family_is_served,
    key_is_of_the_torrent,
    peers_are_few,
    torrent_is_served,
    user_is_enabled,
)
from mika.rules.slots cimport Slots
from mika.swarm.swarm cimport Swarm
from mika.wire._request_cy cimport AnnounceRequest


cdef class Ruleset:
    cdef bint _ipv4
    cdef bint _ipv6
    cdef bint _whitelist
    cdef object _prefixes
    cdef bint _keys
    cdef Py_ssize_t _peers
    cdef Py_ssize_t _addresses
    cdef dict _roles
    cdef object _presence
    cdef readonly Slots slots

    @cython.locals(role=Role)
    cpdef judge(self, AnnounceRequest request, User user, Torrent torrent, Peer peer, Swarm swarm)
