# The C types of _ordinary_cy.py.
cimport cython

from mika.wire._request_cy cimport AnnounceRequest

ctypedef const unsigned char *Text

cdef int _needed
cdef Py_ssize_t _max_line
cdef Py_ssize_t _max_key
cdef object NO_EVENT
cdef dict _events
cdef bytes HEX
cdef dict _known
cdef bytearray _scratch

@cython.locals(
    text=Text, size=Py_ssize_t, first=Py_ssize_t, slash=Py_ssize_t, query=Py_ssize_t, version=Py_ssize_t,
    end=Py_ssize_t, passkey=bytes, block=bytes, request=AnnounceRequest,
)
cpdef scan_ordinary(bytes data, Py_ssize_t start, bytes address)

@cython.locals(
    text=Text, size=Py_ssize_t, name=Py_ssize_t, length=Py_ssize_t, value=Py_ssize_t, found=cython.int, what=cython.int
)
cdef Py_ssize_t scan_parameters(AnnounceRequest request, bytes data, Py_ssize_t at, bytes address) except -2

@cython.locals(text=Text, port=Py_ssize_t, count=cython.longlong)
cdef int take(
    AnnounceRequest request, bytes data, Py_ssize_t name, Py_ssize_t length, Py_ssize_t value, Py_ssize_t end,
    bytes address,
) except -2

@cython.locals(text=Text)
cdef int take_further(
    AnnounceRequest request, bytes data, Py_ssize_t name, Py_ssize_t length, Py_ssize_t value, Py_ssize_t end
) except -2

cdef bint is_uncommon(Text text, Py_ssize_t at, Py_ssize_t length, Py_ssize_t size) noexcept

@cython.locals(index=Py_ssize_t)
cdef bint begins(Text text, Py_ssize_t at, Py_ssize_t size, Text word, Py_ssize_t length) noexcept

cdef Py_ssize_t word_end(Text text, Py_ssize_t at, Py_ssize_t size) noexcept

@cython.locals(value=cython.longlong)
cdef long long number(Text text, Py_ssize_t at, Py_ssize_t end, Py_ssize_t most) noexcept

@cython.locals(digits=Text, out="unsigned char *", count=Py_ssize_t, byte="unsigned char")
cdef bytes unescaped(Text text, Py_ssize_t at, Py_ssize_t end)

@cython.locals(place=Text, out="unsigned char *", size=Py_ssize_t, index=Py_ssize_t)
cdef bytes endpoint_of(bytes address, Py_ssize_t port)
