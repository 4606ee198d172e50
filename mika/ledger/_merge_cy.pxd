# The C types of _merge_cy.py.
cimport cython

from mika._totals_cy cimport Totals, worth_of
from mika.model cimport History

ctypedef const unsigned char *Text

@cython.locals(text=Text, at=Py_ssize_t, row=Totals)
cpdef add_users(dict rows, bytes frames)

@cython.locals(text=Text, at=Py_ssize_t, row=Totals, info_hash=bytes)
cpdef add_torrents(dict rows, set completers, bytes frames)

@cython.locals(text=Text, at=Py_ssize_t)
cpdef add_peers(dict rows, bytes frames)

@cython.locals(text=Text, at=Py_ssize_t, key=tuple, row=History, last_seen=cython.longlong)
cpdef add_history(dict rows, owes, bytes frames)

@cython.locals(totals=Totals)
cdef Totals worth(Text text, Py_ssize_t at)

@cython.locals(value=cython.longlong, index=cython.int)
cdef long long get_8(Text text, Py_ssize_t at) noexcept

@cython.locals(value=cython.longlong, index=cython.int)
cdef long long get_4(Text text, Py_ssize_t at) noexcept
