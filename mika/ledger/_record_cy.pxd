# The C types of _record_cy.py.
cimport cython

from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals


cdef Py_ssize_t FRAME
cdef int PEER
cdef int GONE

@cython.locals(out="unsigned char *", flags=cython.longlong)
cpdef write_record(bytearray frame, bytes info_hash, Peer peer, Totals credit, bint gone)

cpdef write_checksum(bytearray frame, unsigned int checksum)

@cython.locals(index=cython.int)
cdef void put_8(unsigned char *out, Py_ssize_t at, unsigned long long value) noexcept

@cython.locals(index=cython.int)
cdef void put_4(unsigned char *out, Py_ssize_t at, unsigned int value) noexcept

@cython.locals(text="const unsigned char *", length=Py_ssize_t, index=Py_ssize_t)
cdef int put_bytes(unsigned char *out, Py_ssize_t at, bytes value, Py_ssize_t room) except -1
