# The C types of _arenas_cy.pyx.
cpdef bint use_huge_pages() noexcept
