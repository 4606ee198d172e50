"""A side of a swarm as it is compiled: two arrays in C. `_side_cy.py` says what each method does."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

from mika._peer_cy cimport Peer, get_slot6, set_slot6

cdef class Side:
    def __init__(self, int width, *, bint seeding):
        self.width = width
        self.seeding = seeding

    def __dealloc__(self):
        cdef int slot
        for slot in range(self.size):
            Py_DECREF(<Peer>self._peers[slot])
        PyMem_Free(self._peers)
        PyMem_Free(self._compact)

    def __len__(self):
        return self.size

    @property
    def peers(self):
        return [<Peer>self._peers[slot] for slot in range(self.size)]

    @property
    def compact(self):
        return self.cut(0, self.size)

    cdef inline int _slot(self, Peer peer) noexcept:
        return peer.slot4 if self.width == 6 else get_slot6(peer)

    cdef inline _set_slot(self, Peer peer, int slot):
        if self.width == 6:
            peer.slot4 = slot
        else:
            set_slot6(peer, slot)

    cpdef add(self, Peer peer, bytes endpoint):
        if PyBytes_GET_SIZE(endpoint) != self.width:
            raise ValueError("an endpoint of the other family")
        if self.size == self._room:
            self._resize(self.size + max(4, self.size >> 3))
        self._set_slot(peer, self.size)
        memcpy(self._compact + self.size * self.width, PyBytes_AS_STRING(endpoint), self.width)
        Py_INCREF(peer)
        self._peers[self.size] = <PyObject *>peer
        self.size += 1
        self.requiring += peer.crypto & CRYPTO_REQUIRED != 0
        self.plain += peer.crypto & CRYPTO_SUPPORTED == 0

    cpdef remove(self, Peer peer):
        cdef int slot = self._slot(peer), last = self.size - 1
        if not 0 <= slot <= last or self._peers[slot] != <PyObject *>peer:
            raise IndexError(slot)
        if slot != last:
            self._peers[slot] = self._peers[last]
            memcpy(self._compact + slot * self.width, self._compact + last * self.width, self.width)
            self._set_slot(<Peer>self._peers[slot], slot)
        self._set_slot(peer, -1)
        self.size = last
        self.requiring -= peer.crypto & CRYPTO_REQUIRED != 0
        self.plain -= peer.crypto & CRYPTO_SUPPORTED == 0
        Py_DECREF(peer)
        if self._room > 2 * last + 4:
            self._resize(last + (last >> 3))

    cpdef int slot_of(self, Peer peer) except -2:
        return self._slot(peer) if peer.seeder == self.seeding else -1

    cpdef Peer at(self, int slot):
        if not 0 <= slot < self.size:
            raise IndexError(slot)
        return <Peer>self._peers[slot]

    cpdef bytes cut(self, int start, int count):
        cdef int width = self.width, straight = min(count, self.size - start)
        if not 0 <= start <= self.size or not 0 <= count <= self.size:
            raise IndexError(start)
        cdef bytes chosen = PyBytes_FromStringAndSize(NULL, count * width)
        cdef char *out = PyBytes_AS_STRING(chosen)
        if straight:
            memcpy(out, self._compact + start * width, straight * width)
        if count > straight:
            memcpy(out + straight * width, self._compact, (count - straight) * width)
        return chosen

    cpdef bytes gather(self, list slots):
        cdef int width = self.width, slot
        cdef bytes chosen = PyBytes_FromStringAndSize(NULL, len(slots) * width)
        cdef char *out = PyBytes_AS_STRING(chosen)
        for slot in slots:
            if not 0 <= slot < self.size:
                raise IndexError(slot)
            memcpy(out, self._compact + slot * width, width)
            out += width
        return chosen

    cdef _resize(self, int room):
        cdef void *peers = PyMem_Realloc(self._peers, room * sizeof(PyObject *))
        if peers == NULL:
            raise MemoryError()
        self._peers = <PyObject **>peers
        cdef void *compact = PyMem_Realloc(self._compact, room * self.width)
        if compact == NULL:
            raise MemoryError()
        self._compact = <unsigned char *>compact
        self._room = room
