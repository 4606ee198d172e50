# The C types of slots.py.
cimport cython

from mika._peer_cy cimport Peer
from mika.model cimport Role, User, role_of
from mika.swarm.swarm cimport Swarm
from mika.swarm.swarms cimport Swarms


cdef class Slots:
    cdef dict _roles
    cdef Swarms _swarms

    @cython.locals(role=Role)
    cpdef ration(self, User user, Swarm swarm, Peer peer)
