# What _record_cy.pyx has for other compiled modules.
from mika._peer_cy cimport Peer
from mika._totals_cy cimport Totals

cpdef write_record(bytearray frame, bytes info_hash, Peer peer, Totals credit, bint gone)
cpdef write_checksum(bytearray frame, unsigned int checksum)
