"""Python's small objects in pages of 2 MiB, as it is compiled. `_arenas_cy.py` says what it is for.

Python calls `lend` and `take_back` while it holds its interpreter lock, so that they need none of their own.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

cdef extern from "Python.h":
    ctypedef struct PyObjectArenaAllocator:
        void *ctx
        void *(*alloc)(void *ctx, size_t size) noexcept
        void (*free)(void *ctx, void *ptr, size_t size) noexcept

    void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator)
    void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator)

cdef extern from *:
    """
    #include <sys/mman.h>
    #ifdef MADV_HUGEPAGE
    #define HAS_HUGE_PAGES 1
    #else
    #define HAS_HUGE_PAGES 0
    #define MADV_HUGEPAGE 0
    #endif
    """
    int HAS_HUGE_PAGES
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, MADV_HUGEPAGE, MADV_DONTNEED
    void *MAP_FAILED
    void *mmap(void *, size_t, int, int, int, long) noexcept nogil
    int munmap(void *, size_t) noexcept nogil
    int madvise(void *, size_t, int) noexcept nogil

cdef enum:
    ARENA = 1 << 20  # what Python takes at a time
    PAGE = 1 << 21
    ARENAS = 64  # as many as there are bits to say which are lent
    BLOCK = ARENAS * ARENA

cdef struct Block:
    char *start
    uint64_t lent
    Block *next

cdef Block *blocks = NULL
cdef PyObjectArenaAllocator before


cdef Block *new_block() noexcept:
    """A block that begins where a page does, NULL if there is no room; none of it is memory yet."""
    cdef Block *block = <Block *>calloc(1, sizeof(Block))
    cdef char *found
    cdef size_t ahead
    if block == NULL:
        return NULL
    found = <char *>mmap(NULL, BLOCK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if <void *>found == MAP_FAILED:
        free(block)
        return NULL
    ahead = (PAGE - <uintptr_t>found % PAGE) % PAGE
    if ahead:
        munmap(found, ahead)
    munmap(found + ahead + BLOCK, PAGE - ahead)
    block.start = found + ahead
    madvise(block.start, BLOCK, MADV_HUGEPAGE)
    return block


cdef void *lend(void *ctx, size_t size) noexcept:
    """The first arena that is free in the oldest block that has one, so that the newest are the first to be empty."""
    global blocks
    cdef Block **place = &blocks
    cdef int arena = 0
    if size != ARENA:
        return before.alloc(before.ctx, size)
    while place[0] != NULL and place[0].lent == <uint64_t>-1:
        place = &place[0].next
    if place[0] == NULL:
        place[0] = new_block()
        if place[0] == NULL:
            return before.alloc(before.ctx, size)
    while place[0].lent >> arena & 1:
        arena += 1
    place[0].lent |= <uint64_t>1 << arena
    return place[0].start + arena * <size_t>ARENA


cdef void take_back(void *ctx, void *arena, size_t size) noexcept:
    """Let the system have the memory of an arena, and a block of which nothing is lent any more."""
    cdef Block **place = &blocks
    cdef Block *block
    while place[0] != NULL and not place[0].start <= <char *>arena < place[0].start + BLOCK:
        place = &place[0].next
    block = place[0]
    if block == NULL:  # it is not one of ours
        before.free(before.ctx, arena, size)
        return
    madvise(arena, size, MADV_DONTNEED)
    block.lent &= ~(<uint64_t>1 << (<char *>arena - block.start) // ARENA)
    if not block.lent:
        place[0] = block.next
        munmap(block.start, BLOCK)
        free(block)


cpdef bint use_huge_pages() noexcept:
    """See the other `use_huge_pages`."""
    global before
    cdef PyObjectArenaAllocator now
    if HAS_HUGE_PAGES:
        PyObject_GetArenaAllocator(&now)
        if now.alloc != lend:
            before = now
            now.ctx = NULL
            now.alloc = lend
            now.free = take_back
            PyObject_SetArenaAllocator(&now)
    return HAS_HUGE_PAGES
