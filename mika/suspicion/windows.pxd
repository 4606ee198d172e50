# The C types of windows.py.
cimport cython

from mika.suspicion.course cimport Course, Seen
from mika.suspicion.lines cimport Lines
from mika.suspicion.sighting cimport Sighting
from mika.suspicion.speed cimport judge_speed
from mika.suspicion.uploads cimport Uploads
from mika.suspicion.window cimport Window


cdef class Windows:
    cdef object _left
    cdef object _size
    cdef dict _open
    cdef Py_ssize_t _peers
    cdef long long _begun
    cdef Lines _lines
    cdef object _paces
    cdef object _takings
    cdef object _away
    cdef public object claims
    cdef public Py_ssize_t overflows

    @cython.locals(window=Window, before=Seen, before_it=cython.longlong)
    cpdef list take(self, Sighting sighting, fastest)
    @cython.locals(course=Course)
    cdef _alone(self, Sighting sighting, Seen before, size, fastest, list found)
    cdef _balance(self, Window window, Sighting sighting, Seen before, size, list found)
    @cython.locals(uploads=Uploads)
    cdef _judge(self, Window window, Sighting sighting, size, list found)


cdef _keep(judged, list found)
