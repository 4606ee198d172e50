"""The best of a sample, compiled. `_best_cy.py` says what each does, `weights.py` what each weight prefers.

The arithmetics are theirs, step by step, so that both modes choose the same; a test compares them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.math cimport frexp, sqrt
from libc.string cimport memcpy

from mika._peer_cy cimport Peer, get_place, get_priority, get_speed_up
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
        return self.worth(asker, other, size)

    cdef double worth(self, Peer asker, Peer other, double size) noexcept:
        cdef double sum = 0.0
        if self._place:
            sum += self._place * place(get_place(asker), get_place(other))
        if self._progress:
            sum += self._progress * progress(asker, other, size)
        if self._speed:
            sum += self._speed * speed(get_speed_up(other))
        if self._priority:
            sum += self._priority * min(1.0, get_priority(other) / 100.0)
        if self._seed_time and other.seeder:
            sum += self._seed_time * min(1.0, (<double>other.last_seen - <double>other.first_seen) / WEEK)
        return sum


cdef inline double place(Place asker, Place other) noexcept:
    cdef double x, y, z
    if asker.asn and asker.asn == other.asn:
        return 1.0
    if asker.country is other.country and asker.country:
        return 0.75
    if asker.location is None or other.location is None:
        return 0.25
    x, y, z = asker.x - other.x, asker.y - other.y, asker.z - other.z
    return max(0.0, 0.5 - 0.25 * sqrt(x * x + y * y + z * z))


cdef inline double progress(Peer asker, Peer other, double size) noexcept:
    cdef double have, has
    if asker.seeder or other.seeder:
        return 0.5
    have, has = done(asker, size), done(other, size)
    return have + has - 2 * have * has


cdef inline double done(Peer peer, double size) noexcept:
    if size == 0:
        size = <double>peer.downloaded + <double>peer.left
    return max(0.0, 1 - <double>peer.left / (size if size else 1.0))


cdef inline double speed(unsigned long long up) noexcept:
    cdef int exponent
    cdef double part = frexp(1.0 + <double>up / 16384.0, &exponent)
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
        cdef int step, slot, found = 0, lucky, most, equal, index
        cdef long long offset
        cdef double least, bytes_in_all = size
        cdef Weighted weighted
        cdef bytes chosen
        cdef char *out
        if looked_at > MOST or not 0 <= start < here:
            raise ValueError("a sample is of 2,000 peers at most")
        for step in range(looked_at):
            offset = start + <long long>step * here // looked_at
            slot = offset - here if offset >= here else offset
            if fits(asker, <Peer>side._peers[slot]):
                slots[found] = slot
                found += 1
        if found <= count:
            return None
        lucky = (count * self._at_random + 99) // 100
        most = count - lucky
        if most:
            if type(self._score) is Weighted:
                weighted = <Weighted>self._score
                for index in range(lucky, found):
                    worths[index] = weighted.worth(asker, <Peer>side._peers[slots[index]], bytes_in_all)
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
