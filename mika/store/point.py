"""Places of peers as one column type for every SQL database, and the distance between two places.

A place is (degrees north, degrees east). It travels as WKB: byte order, type, then degrees east and north as doubles;
PostGIS keeps it as geography, MySQL and MariaDB as POINT, SQLite as those 21 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt
from typing import Any

from sqlalchemy import Boolean, Double, Function, LargeBinary, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

Place = tuple[float, float]

EARTH_RADIUS = 6371008.7714
"""Metres, the mean radius of WGS 84, which PostGIS uses for a sphere: so that every store finds the same peers."""

_WKB = struct.Struct("<BIdd")


def wkb(place: Place | None) -> bytes | None:
    """Return a place as WKB."""
    return None if place is None else _WKB.pack(1, 1, place[1], place[0])


def from_wkb(data: bytes | None) -> Place | None:
    """Return the place whose WKB this is."""
    if data is None:
        return None
    _, _, east, north = _WKB.unpack(data)
    return north, east


def distance(one: Place, other: Place) -> float:
    """Return the metres between two places on the sphere, by the haversine formula."""
    north1, east1, north2, east2 = map(radians, (*one, *other))
    half = sin((north2 - north1) / 2) ** 2 + cos(north1) * cos(north2) * sin((east2 - east1) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


def distance_m(one: bytes | None, other: bytes | None) -> float | None:
    """Return the metres between two places in WKB: SQLite calls it, as a function of this name."""
    here, there = from_wkb(one), from_wkb(other)
    return None if here is None or there is None else distance(here, there)


class FromWkb(Function[Any]):
    """A place out of its WKB."""

    inherit_cache = True

    def __init__(self, value: Any) -> None:
        super().__init__("from_wkb", value, type_=Point())


class ToWkb(Function[Any]):
    """The WKB of a place."""

    inherit_cache = True

    def __init__(self, value: Any, kind: Point) -> None:
        super().__init__("to_wkb", value, type_=kind)


class Distance(Function[Any]):
    """The metres between two places on the sphere."""

    inherit_cache = True

    def __init__(self, one: Any, other: Any) -> None:
        super().__init__("distance_m", one, other, type_=Double())


class Within(Function[bool]):
    """Whether two places are no more than so many metres apart on the sphere."""

    inherit_cache = True

    def __init__(self, one: Any, other: Any, metres: float) -> None:
        super().__init__("within_m", one, other, literal(metres, Double()), type_=Boolean())


class Point(UserDefinedType[Place]):
    """A column of places; None is none."""

    cache_ok = True

    def bind_processor(self, dialect: Any) -> Callable[[Place | None], bytes | None]:
        """Hand WKB to the driver."""
        del dialect
        return wkb

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[bytes | None], Place | None]:
        """Take WKB from the driver."""
        del dialect, coltype
        return lambda data: from_wkb(None if data is None else bytes(data))

    def bind_expression(self, bindvalue: Any) -> Any:
        """Let the database make its own form of a place."""
        return FromWkb(bindvalue)

    def column_expression(self, colexpr: Any) -> Any:
        """Let the database give WKB back."""
        return ToWkb(colexpr, self)


@compiles(Point)
def _column(element: Any, compiler: Any, **options: Any) -> str:
    del element
    return str(compiler.process(LargeBinary(), **options))


@compiles(FromWkb)
@compiles(ToWkb)
def _as_it_is(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options)).removeprefix("(").removesuffix(")")


@compiles(Within)
def _by_distance(element: Any, compiler: Any, **options: Any) -> str:
    one, other, metres = element.clauses
    return str(compiler.process(Distance(one, other) <= metres, **options))


# ---- PostGIS. Its sphere, not its spheroid: so that every store finds the same peers.


@compiles(Point, "postgresql")
def _geography(element: Any, compiler: Any, **options: Any) -> str:
    del element, compiler, options
    return "geography(Point,4326)"


@compiles(FromWkb, "postgresql")
def _geography_from_wkb(element: Any, compiler: Any, **options: Any) -> str:
    return f"ST_GeogFromWKB({compiler.process(element.clauses, **options).strip('()')})"


@compiles(ToWkb, "postgresql")
def _geography_to_wkb(element: Any, compiler: Any, **options: Any) -> str:
    return f"ST_AsBinary({compiler.process(element.clauses, **options).strip('()')}, 'NDR')"


@compiles(Distance, "postgresql")
def _distance_by_postgis(element: Any, compiler: Any, **options: Any) -> str:
    one, other = (compiler.process(each, **options) for each in element.clauses)
    return f"ST_Distance({one}, {other}, false)"


@compiles(Within, "postgresql")
def _within_by_postgis(element: Any, compiler: Any, **options: Any) -> str:
    one, other, metres = (compiler.process(each, **options) for each in element.clauses)
    return f"ST_DWithin({one}, {other}, {metres}, false)"
