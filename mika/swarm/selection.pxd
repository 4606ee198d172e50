# The C types of selection.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.swarm._side_cy cimport Side
from mika.swarm.swarm cimport Swarm

@cython.locals(seeders=Side, leechers=Side, own=list, chosen=bytes, missing=Py_ssize_t)
cpdef bytes select_peers(Swarm swarm, Peer peer, Py_ssize_t width, Py_ssize_t count, random)

cpdef list others_of(Swarm swarm, Peer peer)

@cython.locals(size=int, slot=int, start=int, before=int, after=int, slots=list)
cpdef bytes take(Side side, Py_ssize_t count, Peer peer, list own, random)

@cython.locals(size=int, width=int, start=int, take=int, slot=int, place=int, chosen=bytes)
cpdef bytes window(Side side, Py_ssize_t count, list own, random)

@cython.locals(size=int, start=int, step=int, slot=int, chosen=list)
cdef bytes _filtered(Side side, Py_ssize_t count, Peer peer, random)
