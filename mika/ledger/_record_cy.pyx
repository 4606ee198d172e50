"""Records byte by byte, out of the C fields of a peer: the same as those of `record.py`, where a test compares them.

Numbers are little-endian, without gaps. A record stands behind its checksum of four bytes.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy, memset

from mika._peer_cy cimport Peer, Rest
from mika._totals_cy cimport Totals

ctypedef unsigned char *Out

cdef enum:
    CHECKSUM = 4
    SIZE = 180


cpdef bytes pack_record(bytes info_hash, Peer peer, Totals credit, bint gone):
    """See the other `pack_record`."""
    if PyBytes_GET_SIZE(info_hash) != 20:
        raise ValueError("an info hash has another length")
    cdef bytes record = PyBytes_FromStringAndSize(NULL, SIZE)
    cdef Out out = <Out>PyBytes_AS_STRING(record) - CHECKSUM  # where things are in a frame
    out[4] = 2 if gone else 1
    out[5] = credit.announces | credit.completed << 1 | peer.seeder << 2 | peer.paused << 3 | peer.active << 4
    out[6] = peer.crypto
    put_8(out + 8, peer.user_id)
    put_8(out + 16, credit.uploaded)
    put_8(out + 24, credit.downloaded)
    put_8(out + 32, credit.uploaded_real)
    put_8(out + 40, credit.downloaded_real)
    put_8(out + 48, credit.bonus)
    put_4(out + 56, credit.seed_seconds)
    memcpy(out + 60, PyBytes_AS_STRING(info_hash), 20)
    memcpy(out + 80, peer.id, 20)
    put_8(out + 100, peer.uploaded)
    put_8(out + 108, peer.downloaded)
    put_8(out + 116, peer.left)
    put_4(out + 124, peer.seen4)
    put_4(out + 132, peer.first_seen)
    put_4(out + 136, peer.last_seen)
    memset(out + 140, 0, 44)
    if peer.has4:
        out[5] |= 32
        memcpy(out + 140, peer.at4, 6)
    if type(peer.rest) is Rest:
        write_rest(out, peer, <Rest>peer.rest)
    else:
        put_4(out + 128, 0)
        write_short_key(out, peer)
    return record


cdef void write_short_key(Out out, Peer peer) noexcept:
    cdef int length = 0
    while length < 8 and peer.short_key[length]:
        out[164 + length] = peer.short_key[length]
        length += 1
    out[7] = length


cdef write_rest(Out out, Peer peer, Rest rest):
    """Write what few peers have: IPv6, and a key that is not short."""
    put_4(out + 128, rest.seen6)
    if rest.endpoint6:
        out[5] |= 64
        memcpy(out + 146, PyBytes_AS_STRING(rest.endpoint6), min(PyBytes_GET_SIZE(rest.endpoint6), 18))
    if rest.key:
        out[7] = PyBytes_GET_SIZE(rest.key)
        memcpy(out + 164, PyBytes_AS_STRING(rest.key), min(PyBytes_GET_SIZE(rest.key), 20))
    else:
        write_short_key(out, peer)


cpdef put_frame(unsigned char[::1] room, Py_ssize_t at, unsigned int checksum, bytes record):
    """See the other `put_frame`."""
    if PyBytes_GET_SIZE(record) != SIZE or not 0 <= at <= room.shape[0] - CHECKSUM - SIZE:
        raise ValueError("a record has another length, or no room")
    put_4(&room[at], checksum)
    memcpy(&room[at] + CHECKSUM, PyBytes_AS_STRING(record), SIZE)


cdef inline void put_8(Out out, unsigned long long value) noexcept:
    cdef int index
    for index in range(8):
        out[index] = value >> 8 * index & 255


cdef inline void put_4(Out out, unsigned int value) noexcept:
    cdef int index
    for index in range(4):
        out[index] = value >> 8 * index & 255
