# The C types of model.py: what an announce looks at. The other nouns are as Python has them.
cimport cython

from mika._totals_cy cimport Totals as C_Totals  # by another name: what is cimported is no name of the module


cdef class Role:
    cdef public long long id
    cdef public str name
    cdef public long long priority
    cdef public long long multiplier_up
    cdef public long long multiplier_down
    cdef public bint download_enabled
    cdef public bint upload_enabled
    cdef public object download_slots
    cdef public object peers_per_user_torrent


cdef class User:  # what announces look at comes first, so that it is in two lines of the cache
    cdef public long long id
    cdef public str name
    cdef public str passkey
    cdef public object role
    cdef public C_Totals totals
    cdef public object freeleech
    cdef public long long multiplier_up
    cdef public long long multiplier_down
    cdef public bint enabled
    cdef public bint download_enabled
    cdef public bint upload_enabled
    cdef public str remote_id
    cdef public long long created_at
    cdef public long long updated_at
    cdef public long long revision
    cdef public object void_keys
    cdef public C_Totals written


cdef class History:
    cdef public long long user_id
    cdef public bytes info_hash
    cdef public C_Totals totals
    cdef public unsigned long long left
    cdef public long long first_seen
    cdef public long long last_seen
    cdef public long long completed_at
    cdef public object debt


cdef class WithSwarm:  # not a field of the dataclass
    cdef public object swarm


cdef class Torrent(WithSwarm):
    cdef public bytes info_hash
    cdef public bytes info_hash_v2
    cdef public str name
    cdef public long long size
    cdef public bint enabled
    cdef public bint deleted
    cdef public str reason
    cdef public long long multiplier_up
    cdef public long long multiplier_down
    cdef public long long created_at
    cdef public long long updated_at
    cdef public long long revision
    cdef public C_Totals totals
    cdef public C_Totals written
    cdef public set completers


@cython.locals(role=Role)
cpdef Role role_of(User user, dict roles)
