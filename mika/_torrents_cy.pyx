"""The torrents by their hashes as they are compiled: beside the dictionary, a table of hashes and pointers.

To find a key, a dictionary looks at three places in memory, one after the other: where the key is, what its hash is,
and the key itself. Here all of it stands in one cell, which is asked for before it is needed. All else is the
dictionary's. A hash is in the first free cell behind the one that Python's own hash of it says, which nobody outside
can foresee; a cell that becomes free is filled by who would be there but for the one that left.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport uintptr_t
from libc.string cimport memcmp, memcpy

from mika._ahead_cy cimport LINE, fetch

cdef enum:
    SMALLEST = 8
    KEY = 20

NOT_GIVEN = object()


cdef inline unsigned int scattered_of(bytes info_hash) except? 0:
    return <unsigned int>hash(info_hash)


cdef class Torrents(dict):
    def __init__(self):
        super().__init__()

    def __dealloc__(self):
        cdef size_t place
        if self._memory != NULL:
            for place in range(self._mask + 1):
                Py_XDECREF(self._cells[place].torrent)
            PyMem_Free(self._memory)

    def __setitem__(self, bytes info_hash not None, Torrent torrent not None):
        if PyBytes_GET_SIZE(info_hash) != KEY:
            raise ValueError("an info hash is 20 bytes")
        self._set(info_hash, torrent)
        super().__setitem__(info_hash, torrent)

    def __delitem__(self, info_hash):
        super().__delitem__(info_hash)
        self._remove(info_hash)

    def pop(self, info_hash, default=NOT_GIVEN):
        if info_hash in self:
            self._remove(info_hash)
        return super().pop(info_hash) if default is NOT_GIVEN else super().pop(info_hash, default)

    def update(self, others):
        for info_hash, torrent in dict(others).items():
            self[info_hash] = torrent

    def __ior__(self, others):
        self.update(others)
        return self

    def clear(self):
        while self:
            self.popitem()

    def popitem(self):
        info_hash, torrent = super().popitem()
        self._remove(info_hash)
        return info_hash, torrent

    def setdefault(self, info_hash, torrent):
        if info_hash not in self:
            self[info_hash] = torrent
        return self[info_hash]

    cpdef Torrent find(self, bytes info_hash):
        cdef Cell *cell
        if self._memory == NULL or info_hash is None or PyBytes_GET_SIZE(info_hash) != KEY:
            return None
        cell = self._cell(info_hash, scattered_of(info_hash))
        return None if cell.torrent == NULL else <Torrent>cell.torrent

    cpdef fetch_ahead(self, bytes info_hash):
        if self._memory != NULL:
            fetch(&self._cells[scattered_of(info_hash) & self._mask])

    cdef inline Cell *_cell(self, bytes info_hash, unsigned int scattered) noexcept:
        """The cell in which a hash is, or the one in which it is to be; there is one that is free."""
        cdef size_t place = scattered & self._mask
        while self._cells[place].torrent != NULL and (
            self._cells[place].scattered != scattered
            or memcmp(self._cells[place].key, PyBytes_AS_STRING(info_hash), KEY)
        ):
            place = (place + 1) & self._mask
        return &self._cells[place]

    cdef _set(self, bytes info_hash, Torrent torrent):
        cdef unsigned int scattered = scattered_of(info_hash)
        cdef Cell *cell
        if self._memory == NULL:
            self._resize(SMALLEST)
        elif 3 * (self._mask + 1) < 4 * (<size_t>len(self) + 1):
            self._resize(2 * (self._mask + 1))
        cell = self._cell(info_hash, scattered)
        Py_INCREF(torrent)
        if cell.torrent != NULL:
            Py_DECREF(<Torrent>cell.torrent)
        else:
            cell.scattered = scattered
            memcpy(cell.key, PyBytes_AS_STRING(info_hash), KEY)
        cell.torrent = <PyObject *>torrent

    cdef _remove(self, bytes info_hash):
        cdef Cell *found = self._cell(info_hash, scattered_of(info_hash))
        cdef size_t hole = found - self._cells, place = hole, home
        cdef PyObject *torrent = found.torrent
        while True:
            place = (place + 1) & self._mask
            if self._cells[place].torrent == NULL:
                break
            home = self._cells[place].scattered & self._mask
            if ((place - home) & self._mask) >= ((place - hole) & self._mask):  # its home is not behind the hole
                self._cells[hole] = self._cells[place]
                hole = place
        self._cells[hole].torrent = NULL
        Py_XDECREF(torrent)

    cdef _resize(self, size_t size):
        cdef Cell *old = self._cells
        cdef void *old_memory = self._memory
        cdef size_t had = 0 if old_memory == NULL else self._mask + 1
        cdef size_t place, there
        self._memory = PyMem_Calloc(size * sizeof(Cell) + LINE, 1)
        if self._memory == NULL:
            self._memory = old_memory
            raise MemoryError
        self._cells = <Cell *>((<uintptr_t>self._memory + LINE - 1) // LINE * LINE)
        self._mask = size - 1
        for place in range(had):
            if old[place].torrent != NULL:
                there = old[place].scattered & self._mask
                while self._cells[there].torrent != NULL:
                    there = (there + 1) & self._mask
                self._cells[there] = old[place]
        PyMem_Free(old_memory)
