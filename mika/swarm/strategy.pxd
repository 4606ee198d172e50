# The C types of strategy.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.swarm._best_cy cimport Best
from mika.swarm._side_cy cimport Side
from mika.swarm.swarm cimport Swarm


cdef class BestOfSample:
    cdef Best _best
    cdef object _size_of

    @cython.locals(seeders=Side, leechers=Side, chosen=bytes, missing=int)
    cpdef bytes select(self, Swarm swarm, Peer peer, int width, int count, random)

    @cython.locals(start=int)
    cdef bytes _best_of(self, Swarm swarm, Side side, int count, Peer peer, random)
