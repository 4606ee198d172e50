"""The best of a sample, compiled. `_best_cy.py` says what each does, `weights.py` what each weight prefers.

The arithmetics are theirs, step by step, so that both modes choose the same; a test compares them.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.math cimport INFINITY, sqrt
from libc.string cimport memcpy

from mika._peer_cy cimport NOTHING, Peer, Rest, get_place
from mika._place_cy cimport Place
from mika.swarm._side_cy cimport CRYPTO_REQUIRED, CRYPTO_SUPPORTED, Side

cdef enum:
    MOST = 2000  # as many as the configuration lets a client ask for

cdef double WEEK = 7 * 86400


@cython.final
cdef class Weighted:
    def __init__(self, weights):
        self._place, self._progress, self._speed, self._priority, self._seed_time = weights

    def __call__(self, Peer asker not None, Peer other not None, size):
        cdef Asker about = self._asker(asker, size)
        return self._worth(&about, <PyObject *>other)

    cdef Asker _asker(self, Peer peer, double size):
        """What is the same whoever is compared with the one who asks."""
        cdef Asker asker
        cdef Place here = get_place(peer)
        asker.country = here.code
        asker.asn = here.asn
        asker.located = here.location is not None
        asker.x, asker.y, asker.z = here.x, here.y, here.z
        asker.seeder = peer.seeder
        asker.size = size
        asker.has = done(peer.left, peer.downloaded, size)
        return asker

    @cython.nonecheck(False)  # nothing is None here, and this is asked a hundred times an announce
    cdef double _worth(self, const Asker *asker, PyObject *candidate) noexcept:
        cdef double worth = 0.0, has
        cdef PyObject *own = <PyObject *>(<Peer>candidate).rest
        cdef PyObject *rest = own if type(<object>own) is Rest else <PyObject *>NOTHING
        if self._place:
            worth += self._place * place(
                asker, own if type(<object>own) is Place else <PyObject *>(<Rest>rest).place
            )
        if self._progress:
            if asker.seeder or (<Peer>candidate).seeder:
                worth += self._progress * 0.5
            else:
                has = done((<Peer>candidate).left, (<Peer>candidate).downloaded, asker.size)
                worth += self._progress * (asker.has + has - 2 * asker.has * has)
        if self._speed:
            worth += self._speed * speed((<Rest>rest).speed_up)
        if self._priority:
            worth += self._priority * min(1.0, (<Rest>rest).priority / 100.0)
        if self._seed_time and (<Peer>candidate).seeder:
            worth += self._seed_time * min(
                1.0, (<double>(<Peer>candidate).last_seen - <double>(<Peer>candidate).first_seen) / WEEK
            )
        return worth


@cython.nonecheck(False)
cdef inline double place(const Asker *asker, PyObject *there) noexcept:
    cdef double x, y, z
    if asker.asn and asker.asn == (<Place>there).asn:
        return 1.0
    if asker.country and asker.country == (<Place>there).code:
        return 0.75
    if not asker.located or (<Place>there).location is None:
        return 0.25
    x, y, z = asker.x - (<Place>there).x, asker.y - (<Place>there).y, asker.z - (<Place>there).z
    return max(0.0, 0.5 - 0.25 * sqrt(x * x + y * y + z * z))


cdef inline double done(unsigned long long left, unsigned long long downloaded, double size) noexcept:
    if size == 0:
        size = <double>downloaded + <double>left
    return max(0.0, 1 - <double>left / (size if size else 1.0))


cdef inline double speed(unsigned long long up) noexcept:
    """`frexp` by hand: a double from 1 on is 1 and its lower 52 bits, times two to the power of those before them."""
    cdef double value = 1.0 + <double>up / 16384.0
    cdef unsigned long long bits
    cdef double part
    memcpy(&bits, &value, 8)
    cdef int exponent = <int>(bits >> 52) - 1022
    bits = (bits & <unsigned long long>0xFFFFFFFFFFFFF) | (<unsigned long long>1022 << 52)
    memcpy(&part, &bits, 8)
    return min(1.0, (exponent - 2 + 2 * part) / 10)


@cython.final
cdef class Best:
    def __init__(self, score, int sample, int at_random):
        self._score = score
        self._sample = sample
        self._at_random = at_random

    @cython.cdivision(True)
    cpdef choose(self, Side side, Peer asker, int count, int start, size):
        cdef double worths[MOST]
        cdef int slots[MOST]
        cdef int here = side.size, looked_at = min(here, max(self._sample, count))
        cdef int step, slot = start, over = 0, found = 0, lucky, most, equal, index
        cdef int stride, remainder
        cdef Asker about
        cdef double least, bytes_in_all = size
        cdef Weighted weighted
        cdef char room[(MOST + 1) * 18]
        cdef char *out = room
        cdef int width = side.width, taken
        if not 0 < looked_at <= MOST or not 0 <= start < here:
            raise ValueError("a sample is of 2,000 peers at most")
        stride, remainder = here // looked_at, here % looked_at
        for step in range(looked_at):
            slots[found] = slot
            found += may_meet(asker, side._peers[slot])
            slot += stride  # start + step * here // looked_at, without a division each
            over += remainder
            if over >= looked_at:
                over -= looked_at
                slot += 1
            if slot >= here:
                slot -= here
        if found <= count:
            return None
        lucky = (count * self._at_random + 99) // 100
        most = count - lucky
        if most:
            if type(self._score) is Weighted:
                weighted = <Weighted>self._score
                about = weighted._asker(asker, bytes_in_all)
                for index in range(lucky, found):
                    worths[index] = weighted._worth(&about, side._peers[slots[index]])
            else:
                for index in range(lucky, found):
                    least = self._score(asker, <Peer>side._peers[slots[index]], size)
                    worths[index] = least if least == least else -INFINITY
        for index in range(lucky):
            put(out, side, slots[index])
            out += width
        if most:
            least = largest(worths + lucky, found - lucky, most)
            equal = most
            for index in range(lucky, found):
                equal -= worths[index] > least
            for index in range(lucky, found):  # each is written, and the next over it if it is not taken
                put(out, side, slots[index])
                taken = worths[index] > least or (worths[index] == least and equal > 0)
                equal -= worths[index] == least
                out += width * taken
        return PyBytes_FromStringAndSize(room, count * width)


cdef inline void put(char *out, Side side, int slot) noexcept:
    """Copy an endpoint: two known widths are two moves each, and no call."""
    if side.width == 6:
        memcpy(out, side._compact + slot * 6, 6)
    else:
        memcpy(out, side._compact + slot * 18, 18)


cdef double largest(const double *values, int count, int place) noexcept:
    """The largest but `place` - 1 of some numbers: quickselect without a branch that a processor would have to guess."""
    cdef double copy[MOST]
    cdef double pivot, held
    cdef int low = 0, high = count, wanted = place - 1, index, more, same
    memcpy(copy, values, count * sizeof(double))
    while True:
        pivot = copy[(low + high) >> 1]
        more = low
        for index in range(low, high):
            held = copy[index]
            copy[index] = copy[more]
            copy[more] = held
            more += held > pivot
        if wanted < more:
            high = more
            continue
        same = more
        for index in range(more, high):
            held = copy[index]
            copy[index] = copy[same]
            copy[same] = held
            same += held == pivot
        if wanted < same:
            return pivot
        low = same


cdef inline bint may_meet(Peer asker, PyObject *candidate) noexcept:
    """`fits`, of a candidate that is held by nobody meanwhile."""
    cdef unsigned char crypto = (<Peer>candidate).crypto
    if (<Peer>candidate).user_id == asker.user_id or (asker.crypto & CRYPTO_REQUIRED and not crypto & CRYPTO_SUPPORTED):
        return False
    return asker.crypto & CRYPTO_SUPPORTED != 0 or not crypto & CRYPTO_REQUIRED


cpdef bint fits(Peer asker, Peer other) except -1:
    return may_meet(asker, <PyObject *>other)
