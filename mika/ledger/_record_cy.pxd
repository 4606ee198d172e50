# What _record_cy.pyx has for other compiled modules.
from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals

cpdef bytes pack_record(bytes info_hash, Peer peer, Totals credit, bint gone)
cpdef put_frame(unsigned char[::1] room, Py_ssize_t at, unsigned int checksum, bytes record)
