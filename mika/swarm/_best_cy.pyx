"""The best of a sample, compiled. `_best_cy.py` says what each does, `weights.py` what each weight prefers.

The arithmetics are theirs, step by step, so that both modes choose the same; a test compares them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.math cimport sqrt
from libc.string cimport memcpy

from mika._peer_cy cimport NOTHING, Peer, Rest, get_place
from mika._place_cy cimport Place
from mika.swarm._side_cy cimport Side

cdef enum:
    CRYPTO_SUPPORTED = 1
    CRYPTO_REQUIRED = 2
    MOST = 2000  # as many as the configuration lets a client ask for

cdef double WEEK = 7 * 86400


@cython.final
cdef class Weighted:
    def __init__(self, weights):
        self._place, self._progress, self._speed, self._priority, self._seed_time = weights

    def __call__(self, Peer asker not None, Peer other not None, size):
        return self._worth(self._asker(asker, size), other)

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
        asker.has = done(peer, size)
        return asker

    @cython.nonecheck(False)  # a peer always has what is asked of it here, and this is asked a hundred times an announce
    cdef double _worth(self, Asker asker, Peer other) noexcept:
        cdef double worth = 0.0, has
        cdef Rest rest = <Rest>other.rest if type(other.rest) is Rest else NOTHING
        if self._place:
            worth += self._place * place(asker, <Place>other.rest if type(other.rest) is Place else rest.place)
        if self._progress:
            if asker.seeder or other.seeder:
                worth += self._progress * 0.5
            else:
                has = done(other, asker.size)
                worth += self._progress * (asker.has + has - 2 * asker.has * has)
        if self._speed:
            worth += self._speed * speed(rest.speed_up)
        if self._priority:
            worth += self._priority * min(1.0, rest.priority / 100.0)
        if self._seed_time and other.seeder:
            worth += self._seed_time * min(1.0, (<double>other.last_seen - <double>other.first_seen) / WEEK)
        return worth


@cython.nonecheck(False)
cdef inline double place(Asker asker, Place other) noexcept:
    cdef double x, y, z
    if asker.asn and asker.asn == other.asn:
        return 1.0
    if asker.country and asker.country == other.code:
        return 0.75
    if not asker.located or other.location is None:
        return 0.25
    x, y, z = asker.x - other.x, asker.y - other.y, asker.z - other.z
    return max(0.0, 0.5 - 0.25 * sqrt(x * x + y * y + z * z))


cdef inline double done(Peer peer, double size) noexcept:
    if size == 0:
        size = <double>peer.downloaded + <double>peer.left
    return max(0.0, 1 - <double>peer.left / (size if size else 1.0))


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
        cdef bytes chosen
        cdef char *out
        if not 0 < looked_at <= MOST or not 0 <= start < here:
            raise ValueError("a sample is of 2,000 peers at most")
        stride, remainder = here // looked_at, here % looked_at
        for step in range(looked_at):
            if fits(asker, <Peer>side._peers[slot]):
                slots[found] = slot
                found += 1
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
                    worths[index] = weighted._worth(about, <Peer>side._peers[slots[index]])
            else:
                for index in range(lucky, found):
                    worths[index] = self._score(asker, <Peer>side._peers[slots[index]], size)
        chosen = PyBytes_FromStringAndSize(NULL, count * side.width)
        out = PyBytes_AS_STRING(chosen)
        for index in range(lucky):
            out = put(out, side, slots[index])
        if most:
            least = largest(worths + lucky, found - lucky, most)
            equal = most
            for index in range(lucky, found):
                equal -= worths[index] > least
            for index in range(lucky, found):
                if worths[index] > least:
                    out = put(out, side, slots[index])
                elif worths[index] == least and equal:
                    out = put(out, side, slots[index])
                    equal -= 1
        return chosen


cdef inline char *put(char *out, Side side, int slot) noexcept:
    memcpy(out, side._compact + slot * side.width, side.width)
    return out + side.width


cdef double largest(const double *values, int count, int place) noexcept:
    """The largest but `place` - 1 of some numbers: quickselect, on a copy."""
    cdef double copy[MOST]
    cdef double pivot, held
    cdef int low = 0, high = count - 1, left, right, wanted = place - 1
    memcpy(copy, values, count * sizeof(double))
    while low < high:
        pivot = copy[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while copy[left] > pivot:
                left += 1
            while copy[right] < pivot:
                right -= 1
            if left <= right:
                held = copy[left]
                copy[left] = copy[right]
                copy[right] = held
                left += 1
                right -= 1
        if wanted <= right:
            high = right
        elif wanted >= left:
            low = left
        else:
            break
    return copy[wanted]


cpdef bint fits(Peer asker, Peer other) noexcept:
    if other.user_id == asker.user_id or (asker.crypto & CRYPTO_REQUIRED and not other.crypto & CRYPTO_SUPPORTED):
        return False
    return asker.crypto & CRYPTO_SUPPORTED != 0 or not other.crypto & CRYPTO_REQUIRED
