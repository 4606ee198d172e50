"""Place: where an address is. `geography.py` finds it, peers have it; `model.py` has it among the nouns."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where an address is: two capitals (ISO 3166-1), the number of its network (AS), degrees north and east."""

    country: str = ""
    asn: int = 0
    location: tuple[float, float] | None = None


NOWHERE = Place()
"""Where an address is of which nothing is known."""
