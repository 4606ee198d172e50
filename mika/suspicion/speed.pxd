# The C types of speed.py.
cimport cython

from mika.suspicion.sighting cimport Sighting


@cython.locals(seconds=cython.longlong)
cpdef judge_speed(Sighting sighting, long long since, fastest)
