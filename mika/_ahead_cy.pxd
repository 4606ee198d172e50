# The C types of _ahead_cy.pyx.
from mika.model cimport Torrent, User
from mika.swarm.swarm cimport Swarm


cpdef void fetch_ahead(User user, Torrent torrent, Swarm swarm) noexcept
