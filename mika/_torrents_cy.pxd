# The C types of _torrents_cy.pyx.
cimport cython

from cpython.object cimport PyObject

from mika.model cimport Torrent

cdef struct Cell:  # 32 bytes: two in a line of the cache, and none in two lines
    unsigned char key[20]
    unsigned int scattered
    PyObject *torrent  # NULL: nobody's


@cython.final
cdef class Torrents(dict):
    cdef Cell *_cells
    cdef void *_memory  # in which the cells begin where a line does
    cdef size_t _mask

    cdef inline Cell *_cell(self, bytes info_hash, unsigned int scattered) noexcept
    cdef _set(self, bytes info_hash, Torrent torrent)
    cdef _remove(self, bytes info_hash)
    cdef _resize(self, size_t size)
    cpdef Torrent find(self, bytes info_hash)
    cpdef fetch_ahead(self, bytes info_hash)
