# The C types of speed.py.
from mika.suspicion.sighting cimport Sighting


cpdef judge_speed(Sighting sighting, since, fastest)
