# The C types of _ahead_cy.pyx.
from mika.model cimport Torrent, User
from mika.swarm.swarm cimport Swarm

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define fetch(place) __builtin_prefetch(place, 1)
    #else
    #define fetch(place) ((void)(place))
    #endif
    """
    void fetch(const void *) noexcept

cdef enum:
    LINE = 64  # bytes of the cache that come together


cpdef void fetch_ahead(User user, Torrent torrent, Swarm swarm) noexcept
