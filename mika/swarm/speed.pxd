# The C types of speed.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.wire._request_cy cimport AnnounceRequest


@cython.locals(seconds="long long", first=cython.bint)
cpdef measure(Peer peer, AnnounceRequest request, long long now)
