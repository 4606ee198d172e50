"""Where one user is, as it is compiled: an array of pointers. `_member_cy.py` says what each method does."""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF


@cython.final
cdef class Member:
    def __dealloc__(self):
        cdef unsigned int place
        for place in range(self._count):
            Py_DECREF(<object>self._swarms[place])
        PyMem_Free(self._swarms)

    def __len__(self):
        return self._count

    @property
    def swarms(self):
        return [<object>self._swarms[place] for place in range(self._count)]

    cpdef enter(self, swarm):
        if self._count == self._room:
            self._resize(self._count + max(2, self._count >> 3))
        Py_INCREF(swarm)
        self._swarms[self._count] = <PyObject *>swarm
        self._count += 1

    cpdef leave(self, swarm):
        cdef unsigned int place = 0
        while place < self._count and self._swarms[place] != <PyObject *>swarm:
            place += 1  # pointers alone are looked at: a thousand in a microsecond
        if place == self._count:
            raise ValueError(swarm)
        self._count -= 1
        self._swarms[place] = self._swarms[self._count]
        Py_DECREF(swarm)
        if self._room > 2 * self._count + 2:
            self._resize(self._count + (self._count >> 3))

    cdef _resize(self, unsigned int room):
        cdef void *swarms = PyMem_Realloc(self._swarms, room * sizeof(PyObject *))
        if swarms == NULL:
            raise MemoryError()
        self._swarms = <PyObject **>swarms
        self._room = room
