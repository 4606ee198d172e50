# The C types of checks.py.
from mika._peer_cy cimport Peer
from mika.model cimport Role, Torrent, User
from mika.swarm.swarm cimport Swarm
from mika.wire._request_cy cimport AnnounceRequest

cpdef user_is_enabled(AnnounceRequest request, User user, Role role)

cpdef key_is_of_the_torrent(AnnounceRequest request, User user)

cpdef torrent_is_served(Torrent torrent)

cpdef family_is_served(AnnounceRequest request, bint ipv4, bint ipv6)

cpdef client_is_listed(AnnounceRequest request, tuple prefixes)

cpdef peers_are_few(AnnounceRequest request, User user, Role role, Swarm swarm, Py_ssize_t limit)

cpdef addresses_are_few(AnnounceRequest request, User user, Peer peer, presence, Py_ssize_t limit)
