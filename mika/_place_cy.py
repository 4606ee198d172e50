"""Place: where an address is. `geography.py` finds it, peers have it; `model.py` has it among the nouns."""

from __future__ import annotations

from math import cos, radians, sin


class Place:
    """Where an address is: two capitals (ISO 3166-1), the number of its network (AS), degrees north and east.

    `code` is the country as a number, 0 if it is not known. `x`, `y` and `z` are the same spot on a globe
    whose radius is 1, all 0 if it is not known: distances are compared by them.
    """

    __slots__ = ("asn", "code", "country", "location", "x", "y", "z")

    def __init__(self, country: str = "", asn: int = 0, location: tuple[float, float] | None = None) -> None:
        self.country = country
        self.code = int.from_bytes(country.encode()[:2], "big")
        self.asn = asn
        self.location = location
        self.x = self.y = self.z = 0.0
        if location is not None:
            north, east = radians(location[0]), radians(location[1])
            self.x, self.y, self.z = cos(north) * cos(east), cos(north) * sin(east), sin(north)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and _facts(self) == _facts(other)

    def __hash__(self) -> int:
        return hash(_facts(self))

    def __repr__(self) -> str:
        return "Place({!r}, {!r}, {!r})".format(*_facts(self))


def _facts(place: Place) -> tuple[str, int, tuple[float, float] | None]:
    return place.country, place.asn, place.location


NOWHERE = Place()
"""Where an address is of which nothing is known."""
