"""What writes the record of an announce: as plain Python that of `record.py`, compiled that of `_record_cy.pyx`."""

from __future__ import annotations

from mika.ledger.record import pack_record, put_frame

__all__ = ["pack_record", "put_frame"]
