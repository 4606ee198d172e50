"""Peer as it is compiled: C fields instead of objects, 112 bytes for most. `_peer_cy.py` says what each field is.

A test compares both. What only some peers have is in an object of its own, which is made when the first of it is set.
"""

cimport cython
from libc.string cimport memcmp, memcpy, memset
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from mika._place_cy cimport Place
from mika._place_cy import NOWHERE

LEFT_UNKNOWN = 2**64 - 1

cdef Place nowhere = NOWHERE


@cython.final
@cython.no_gc
cdef class Rest:
    def __cinit__(self):
        self.key = b""
        self.endpoint6 = b""
        self.place = nowhere
        self.slot6 = -1


NOTHING = Rest()


cdef inline Rest rest_of(Peer peer):
    """What a peer has of it; not to be changed."""
    return <Rest>peer.rest if type(peer.rest) is Rest else NOTHING


cdef Rest own_rest(Peer peer):
    """What a peer has of it, to be changed."""
    cdef Rest rest
    if type(peer.rest) is Rest:
        return <Rest>peer.rest
    rest = Rest()
    if peer.rest is not None:
        rest.place = peer.rest
    peer.rest = rest
    return rest


@cython.final
@cython.no_gc  # no field of it refers back to it
cdef class Peer:
    __slots__ = (
        "active",
        "crypto",
        "downloaded",
        "endpoint4",
        "endpoint6",
        "first_seen",
        "key",
        "last_seen",
        "left",
        "paused",
        "peer_id",
        "place",
        "priority",
        "seeder",
        "seen4",
        "seen6",
        "slot4",
        "slot6",
        "speed_down",
        "speed_up",
        "uploaded",
        "user_id",
        "waiting",
    )

    def __init__(self, long long user_id, bytes peer_id not None, unsigned int now):
        self.user_id = user_id
        self.peer_id = peer_id
        self.left = <unsigned long long>-1
        self.slot4 = -1
        self.first_seen = now
        self.last_seen = now

    @property
    def peer_id(self):
        return PyBytes_FromStringAndSize(<char *>self.id, 20)

    @peer_id.setter
    def peer_id(self, bytes peer_id not None):
        if PyBytes_GET_SIZE(peer_id) != 20:
            raise ValueError("a peer id is 20 bytes")
        memcpy(self.id, PyBytes_AS_STRING(peer_id), 20)

    @property
    def key(self):
        cdef Py_ssize_t length = 0
        if rest_of(self).key:
            return rest_of(self).key
        while length < 8 and self.short_key[length]:
            length += 1
        return PyBytes_FromStringAndSize(<char *>self.short_key, length)

    @key.setter
    def key(self, bytes key not None):
        set_key(self, key)

    @property
    def endpoint4(self):
        return PyBytes_FromStringAndSize(<char *>self.at4, 6) if self.has4 else b""

    @endpoint4.setter
    def endpoint4(self, bytes endpoint not None):
        self.has4 = PyBytes_GET_SIZE(endpoint) == 6
        if self.has4:
            memcpy(self.at4, PyBytes_AS_STRING(endpoint), 6)
        elif endpoint:
            raise ValueError("an IPv4 endpoint is 6 bytes")

    @property
    def endpoint6(self):
        return rest_of(self).endpoint6

    @endpoint6.setter
    def endpoint6(self, bytes endpoint not None):
        if endpoint != rest_of(self).endpoint6:
            own_rest(self).endpoint6 = endpoint

    @property
    def slot6(self):
        return rest_of(self).slot6

    @slot6.setter
    def slot6(self, int slot):
        if slot != rest_of(self).slot6:
            own_rest(self).slot6 = slot

    @property
    def seen6(self):
        return rest_of(self).seen6

    @seen6.setter
    def seen6(self, unsigned int now):
        if now != rest_of(self).seen6:
            own_rest(self).seen6 = now

    @property
    def speed_up(self):
        return rest_of(self).speed_up

    @speed_up.setter
    def speed_up(self, unsigned long long speed):
        if speed != rest_of(self).speed_up:
            own_rest(self).speed_up = speed

    @property
    def speed_down(self):
        return rest_of(self).speed_down

    @speed_down.setter
    def speed_down(self, unsigned long long speed):
        if speed != rest_of(self).speed_down:
            own_rest(self).speed_down = speed

    @property
    def priority(self):
        return rest_of(self).priority

    @priority.setter
    def priority(self, unsigned int priority):
        if priority != rest_of(self).priority:
            own_rest(self).priority = priority

    @property
    def place(self):
        return get_place(self)

    @place.setter
    def place(self, Place place not None):
        if type(self.rest) is Rest:
            (<Rest>self.rest).place = place
        else:
            self.rest = None if place == nowhere else place

    @property
    def country(self):
        return get_place(self).country

    @property
    def asn(self):
        return get_place(self).asn

    @property
    def location(self):
        return get_place(self).location

    @location.setter
    def location(self, location):
        if location != get_place(self).location:
            self.place = Place(get_place(self).country, get_place(self).asn, location)


    def __reduce__(self):
        """Be copied as other objects are."""
        return Peer, (self.user_id, self.peer_id, 0), {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, dict state):
        for name, value in state.items():
            setattr(self, name, value)


cdef int get_slot6(Peer peer) noexcept:
    return (<Rest>peer.rest).slot6 if type(peer.rest) is Rest else -1


cdef set_slot6(Peer peer, int slot):
    if slot != get_slot6(peer):
        own_rest(peer).slot6 = slot


cdef Place get_place(Peer peer):
    if peer.rest is None:
        return nowhere
    return (<Rest>peer.rest).place if type(peer.rest) is Rest else <Place>peer.rest


cpdef bint is_at(Peer peer, bytes endpoint) except -1:
    """See the other `is_at`."""
    if PyBytes_GET_SIZE(endpoint) == 6:
        return peer.slot4 >= 0 and peer.has4 and not memcmp(peer.at4, PyBytes_AS_STRING(endpoint), 6)
    return rest_of(peer).slot6 >= 0 and rest_of(peer).endpoint6 == endpoint


cpdef unsigned int quiet_since(Peer peer) noexcept:
    """See the other `quiet_since`."""
    cdef unsigned int since = peer.last_seen
    if peer.has4 and peer.seen4 < since:
        since = peer.seen4
    if type(peer.rest) is Rest and (<Rest>peer.rest).endpoint6 and (<Rest>peer.rest).seen6 < since:
        since = (<Rest>peer.rest).seen6
    return since


cpdef set_key(Peer peer, bytes key):
    """See the other `set_key`."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(key)
    cdef const char *text = PyBytes_AS_STRING(key)
    if length == 8 and not memcmp(peer.short_key, text, 8) and text[7]:
        return  # as nearly always
    if length <= 8 and b"\0" not in key:
        memset(peer.short_key, 0, 8)
        memcpy(peer.short_key, text, length)
        if rest_of(peer).key:
            own_rest(peer).key = b""
    else:
        memset(peer.short_key, 0, 8)
        own_rest(peer).key = key
