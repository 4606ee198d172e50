# The C types of _totals_cy.py.
cimport cython


@cython.final
@cython.no_gc
cdef class Totals:
    cdef public long long uploaded
    cdef public long long downloaded
    cdef public long long uploaded_real
    cdef public long long downloaded_real
    cdef public long long bonus
    cdef public long long seed_seconds
    cdef public long long announces
    cdef public long long completed

    @cython.locals(
        uploaded=cython.longlong,
        downloaded=cython.longlong,
        uploaded_real=cython.longlong,
        downloaded_real=cython.longlong,
        bonus=cython.longlong,
    )
    cpdef add(self, Totals other)


@cython.locals(totals=Totals)
cpdef Totals worth_of(
    long long uploaded,
    long long downloaded,
    long long uploaded_real,
    long long downloaded_real,
    long long bonus,
    long long seed_seconds,
)
