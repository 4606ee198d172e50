"""The peers of one swarm as they are compiled: one table of pointers. `_peers_cy.py` says what each method does.

A peer is in the first free cell behind the one that its user's number says, so that the peers of a user stand together.
A cell that becomes free is filled by who would be there but for the one that left. It is marked with three bits of the
user, so that who looks for one hardly ever has to wait for the memory of the others on the way.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcmp
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

cdef enum:
    SMALLEST = 2
    MARK = 7  # Python's allocators give out multiples of 8 at least


cdef inline unsigned long long scattered(long long user_id) noexcept:
    """A number in the upper bits of which every bit of the user's counts."""
    return <unsigned long long>user_id * <unsigned long long>0x9E3779B97F4A7C15


cdef inline Cell mark_of(long long user_id) noexcept:
    return <Cell>(scattered(user_id) >> 32) & MARK


cdef inline PyObject *peer_in(Cell cell) noexcept:
    return <PyObject *>(cell & ~<Cell>MARK)


cdef inline Cell cell_of(Peer peer) noexcept:
    return <Cell><PyObject *>peer | mark_of(peer.user_id)


cdef class Peers:
    def __dealloc__(self):
        cdef Py_ssize_t cell
        if self._cells != NULL:
            for cell in range(<Py_ssize_t>1 << self._bits):
                if self._cells[cell]:
                    Py_DECREF(<Peer>peer_in(self._cells[cell]))
            PyMem_Free(self._cells)

    def __len__(self):
        return self._count

    def __iter__(self):
        cdef Py_ssize_t cell
        cdef list found = []
        if self._cells != NULL:
            for cell in range(<Py_ssize_t>1 << self._bits):
                if self._cells[cell]:
                    found.append(<Peer>peer_in(self._cells[cell]))
        return iter(found)

    cdef inline Py_ssize_t _home(self, long long user_id) noexcept:
        """The cell at which to begin."""
        return <Py_ssize_t>(scattered(user_id) >> (64 - self._bits))

    cdef inline Py_ssize_t _next(self, long long user_id, Py_ssize_t cell) noexcept:
        """The first cell from this one on in which a peer of the user is; -1 if there is none before a free one."""
        cdef Py_ssize_t mask = (<Py_ssize_t>1 << self._bits) - 1
        cdef Cell here, mark = mark_of(user_id)
        while True:
            here = self._cells[cell & mask]
            if not here:
                return -1
            if here & MARK == mark and (<Peer>peer_in(here)).user_id == user_id:
                return cell & mask
            cell += 1

    cpdef Peer find(self, long long user_id, bytes peer_id):
        cdef Py_ssize_t cell
        cdef PyObject *here
        if self._cells == NULL or PyBytes_GET_SIZE(peer_id) != 20:
            return None
        cell = self._next(user_id, self._home(user_id))
        while cell >= 0:
            here = peer_in(self._cells[cell])
            if not memcmp((<Peer>here).id, PyBytes_AS_STRING(peer_id), 20):
                return <Peer>here
            cell = self._next(user_id, cell + 1)
        return None

    cpdef list of(self, long long user_id):
        cdef Py_ssize_t cell
        cdef list found = []
        if self._cells != NULL:
            cell = self._next(user_id, self._home(user_id))
            while cell >= 0:
                found.append(<Peer>peer_in(self._cells[cell]))
                cell = self._next(user_id, cell + 1)
        return found

    cpdef bint is_alone(self, Peer peer) except -1:
        cdef Py_ssize_t cell = self._next(peer.user_id, self._home(peer.user_id))
        if cell >= 0 and peer_in(self._cells[cell]) == <PyObject *>peer:
            cell = self._next(peer.user_id, cell + 1)
        return cell < 0

    cpdef add(self, Peer peer):
        cdef Py_ssize_t mask, cell
        if self._cells == NULL:
            self._resize(SMALLEST)
        elif 4 * (self._count + 1) > 3 * (<Py_ssize_t>1 << self._bits):
            self._resize(self._bits + 1)
        mask = (<Py_ssize_t>1 << self._bits) - 1
        cell = self._home(peer.user_id)
        while self._cells[cell]:
            cell = (cell + 1) & mask
        Py_INCREF(peer)
        self._cells[cell] = cell_of(peer)
        self._count += 1

    cpdef remove(self, Peer peer):
        cdef Py_ssize_t mask = (<Py_ssize_t>1 << self._bits) - 1
        cdef Py_ssize_t hole, cell, home
        if self._cells == NULL:
            raise KeyError(peer.user_id)
        hole = self._home(peer.user_id)
        while peer_in(self._cells[hole]) != <PyObject *>peer:
            if not self._cells[hole]:
                raise KeyError(peer.user_id)
            hole = (hole + 1) & mask
        cell = hole
        while True:
            cell = (cell + 1) & mask
            if not self._cells[cell]:
                break
            home = self._home((<Peer>peer_in(self._cells[cell])).user_id)
            if ((cell - home) & mask) >= ((cell - hole) & mask):  # its home is not behind the hole
                if cell < hole and self._walked:
                    self._walked = mask + 1  # it goes round the end, to where a walk has been: that begins again
                self._cells[hole] = self._cells[cell]
                hole = cell
        self._cells[hole] = 0
        self._count -= 1
        Py_DECREF(peer)
        if self._bits > SMALLEST and 8 * self._count < <Py_ssize_t>1 << self._bits:
            self._resize(self._bits - 1)

    cpdef bint is_walking(self):
        return self._walked > 0

    cpdef list walk(self, Py_ssize_t most):
        cdef list found = []
        if self._cells == NULL:
            return found
        if self._walked == 0:
            self._walked = 1 << self._bits
        while self._walked and most:
            self._walked -= 1
            if self._cells[self._walked]:
                found.append(<Peer>peer_in(self._cells[self._walked]))
                most -= 1
        return found

    cdef _resize(self, unsigned int bits):
        cdef Cell *old = self._cells
        cdef Py_ssize_t size = 0 if old == NULL else <Py_ssize_t>1 << self._bits
        cdef Py_ssize_t mask, cell, place
        cdef Cell *new = <Cell *>PyMem_Calloc(<size_t>1 << bits, sizeof(Cell))
        if new == NULL:
            raise MemoryError()
        self._cells = new
        self._bits = bits
        mask = (<Py_ssize_t>1 << bits) - 1
        for cell in range(size):
            if old[cell]:
                place = self._home((<Peer>peer_in(old[cell])).user_id)
                while new[place]:
                    place = (place + 1) & mask
                new[place] = old[cell]
        PyMem_Free(old)
        if self._walked:
            self._walked = 1 << bits  # a walk that is on its way begins again
