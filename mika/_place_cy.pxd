# The C types of _place_cy.py.
cimport cython


@cython.final
cdef class Place:
    cdef readonly str country
    cdef readonly unsigned int asn
    cdef readonly unsigned int code
    cdef readonly tuple location
    cdef readonly double x
    cdef readonly double y
    cdef readonly double z
