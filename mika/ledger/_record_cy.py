"""What writes the record of an announce: as plain Python that of `record.py`, compiled that of `_record_cy.pyx`."""

from __future__ import annotations

from mika.ledger.record import write_checksum, write_record

__all__ = ["write_checksum", "write_record"]
