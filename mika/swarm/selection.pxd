# The C types of selection.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.swarm.swarm cimport Side, Swarm

@cython.locals(seeders=Side, leechers=Side, own=list, chosen=bytes, missing=Py_ssize_t)
cpdef bytes select_peers(Swarm swarm, Peer peer, Py_ssize_t width, Py_ssize_t count, random)

@cython.locals(slot=Py_ssize_t, slots=list)
cpdef bytes take(Side side, Py_ssize_t count, Peer peer, list own, random)

@cython.locals(
    size=Py_ssize_t, width=Py_ssize_t, start=Py_ssize_t, take=Py_ssize_t, slot=Py_ssize_t, place=Py_ssize_t, chosen=bytes
)
cpdef bytes window(Side side, Py_ssize_t count, list own, random)

@cython.locals(width=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t)
cdef bytes _ring(Side side, Py_ssize_t start, Py_ssize_t count)
