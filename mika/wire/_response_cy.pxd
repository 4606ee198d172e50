# The C types of _response_cy.py.
cimport cython

ctypedef const unsigned char *Text
ctypedef unsigned char *Room

cdef bytearray _scratch


@cython.final
@cython.no_gc  # no field of it refers back to it
cdef class AnnounceResponse:
    cdef public bytes external_ip
    cdef public bytes peers
    cdef public bytes warning
    cdef public unsigned long long interval
    cdef public unsigned long long min_interval
    cdef public unsigned long long complete
    cdef public unsigned long long incomplete
    cdef public unsigned long long downloaded


@cython.locals(response=AnnounceResponse)
cpdef AnnounceResponse response_of(
    bytes external_ip,
    unsigned long long interval,
    unsigned long long min_interval,
    unsigned long long complete,
    unsigned long long incomplete,
    unsigned long long downloaded,
)

@cython.locals(out=Room, at=Py_ssize_t, external_ip=bytes, peers=bytes, warning=bytes)
cpdef bytes format_announce(AnnounceResponse response)

@cython.locals(out=Room, at=Py_ssize_t)
cpdef bytes format_answer(bytes body, headers)

@cython.locals(index=Py_ssize_t)
cdef Py_ssize_t put(Room out, Py_ssize_t at, Text text, Py_ssize_t length) noexcept

@cython.locals(length=Py_ssize_t)
cdef Py_ssize_t put_string(Room out, Py_ssize_t at, bytes text) except -1

@cython.locals(digits=Py_ssize_t, rest="unsigned long long", end=Py_ssize_t, place=Py_ssize_t)
cdef Py_ssize_t put_number(Room out, Py_ssize_t at, unsigned long long value) noexcept
