# The C types of _shortcut_cy.py, and what it calls of the kernel.
cimport cython
from libc.errno cimport EAGAIN, EINTR, errno

from mika.ordinary cimport OrdinaryAnnounces

cdef extern from "<sys/socket.h>" nogil:
    enum: SOCK_NONBLOCK
    enum: SOCK_CLOEXEC
    enum: MSG_MORE
    enum: MSG_NOSIGNAL
    int accept4(int, void *, unsigned int *, int)
    Py_ssize_t recv(int, unsigned char *, size_t, int)
    Py_ssize_t send(int, const char *, size_t, int)

cdef extern from "<unistd.h>" nogil:
    int close(int)

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        epoll_data_t data
    int epoll_wait(int, epoll_event *, int, int)

cdef unsigned char _place[128]  # a `sockaddr_storage`
cdef unsigned int _length[1]
cdef unsigned char _room[8192]
cdef epoll_event _ready[64]


@cython.final
@cython.freelist(64)
cdef class Line:
    cdef public int descriptor
    cdef public bytes address
    cdef public double since
    cdef public double patience
    cdef public object kept


cdef class CompiledShortcut:
    cdef object factory
    cdef OrdinaryAnnounces ordinary
    cdef object kept
    cdef dict lines
    cdef int epoll
    cdef object second
    cdef bint proxied

    @cython.locals(now=cython.double)
    cdef double look(self) except -1

    @cython.locals(
        listening=cython.int, place="void *", done=Py_ssize_t, descriptor=cython.int, size=Py_ssize_t,
        now=cython.double, line=Line,
    )
    cpdef accept(self, port)

    @cython.locals(count=cython.int, index=cython.int, now=cython.double)
    cpdef read_ready(self)

    cpdef bint read_one(self, Line line) except -1

    @cython.locals(size=Py_ssize_t)
    cdef bint read(self, Line line, double now) except -1

    @cython.locals(
        answered=tuple, answer=bytes, end=Py_ssize_t, size=Py_ssize_t, sent=Py_ssize_t, ends=cython.bint,
    )
    cdef serve(self, Line line, bytes data, double now)


cdef bint may_come() noexcept


@cython.locals(place="unsigned char *", index=cython.int)
cdef bytes address_of()
