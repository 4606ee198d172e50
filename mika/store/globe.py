"""How far two places are apart: the globe that all stores measure on, and the sum for those that do it themselves."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

Place = tuple[float, float]
"""Degrees north and east."""

EARTH_RADIUS = 6371008.7714
"""Metres, the mean radius of WGS 84, which PostGIS uses for a sphere: so that every store finds the same peers."""


def distance(one: Place, other: Place) -> float:
    """Return the metres between two places on the sphere, by the haversine formula."""
    north1, east1, north2, east2 = map(radians, (*one, *other))
    half = sin((north2 - north1) / 2) ** 2 + cos(north1) * cos(north2) * sin((east2 - east1) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))
