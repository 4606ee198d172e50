"""Places of peers as one column type for every SQL database, and the functions that measure between them.

A place is (degrees north, degrees east). It travels as WKB: byte order, type, then degrees east and north as doubles;
PostGIS keeps it as geography, MySQL and MariaDB as POINT, SQLite as those 21 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import asin, cos, degrees, pi, radians, sin
from typing import Any

from sqlalchemy import Boolean, Double, Function, LargeBinary, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from mika.store.globe import EARTH_RADIUS, Place, distance

_WKB = struct.Struct("<BIdd")
_MARGIN = 0.001  # degrees: what is on the edge of a rectangle is not in it


def wkb(place: Place | None) -> bytes | None:
    """Return a place as WKB."""
    return None if place is None else _WKB.pack(1, 1, place[1], place[0])


def from_wkb(data: bytes | None) -> Place | None:
    """Return the place whose WKB this is."""
    if data is None:
        return None
    _, _, east, north = _WKB.unpack(data)
    return north, east


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
    """Whether a place is in a circle on the sphere; rectangles around it are there for databases that index those."""

    inherit_cache = True

    def __init__(self, column: Any, place: Place, metres: float) -> None:
        boxes = [literal(box) for box in _boxes(place, metres)]
        super().__init__(
            "within_m", column, literal(place, Point()), literal(metres, Double()), *boxes, type_=Boolean()
        )


def _boxes(place: Place, metres: float) -> list[str]:
    """Return rectangles of degrees, as text (WKT), that hold a circle: two where it crosses the 180th meridian."""
    angle = metres / EARTH_RADIUS
    high = degrees(angle) + _MARGIN
    south, north = max(place[0] - high, -90 - _MARGIN), min(place[0] + high, 90 + _MARGIN)
    if place[0] + high >= 90 or place[0] - high <= -90 or angle >= pi / 2:  # a pole is in it
        sides = [(-180 - _MARGIN, 180 + _MARGIN)]
    else:
        wide = degrees(asin(min(1.0, sin(angle) / cos(radians(place[0]))))) + _MARGIN
        west, east = place[1] - wide, place[1] + wide
        sides = [(max(west, -180 - _MARGIN), min(east, 180 + _MARGIN))]
        if west < -180:
            sides.append((west + 360, 180 + _MARGIN))
        elif east > 180:
            sides.append((-180 - _MARGIN, east - 360))
    return [
        f"POLYGON(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"
        for west, east in sides
    ]


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
    one, other, metres, *_ = element.clauses
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
    one, other, metres = (compiler.process(each, **options) for each in list(element.clauses)[:3])
    return f"ST_DWithin({one}, {other}, {metres}, false)"


# MySQL and MariaDB index a column of places only where none is NULL: an unknown one is south of every other, at more
# than 90 degrees. The distance is written out, because ST_Distance_Sphere is not in MariaDB before 10.5, and because
# it fails at 180 degrees west.


@compiles(Point, "mysql")
def _mysql_column(element: Any, compiler: Any, **options: Any) -> str:
    del element, compiler, options
    return "POINT NOT NULL"


@compiles(FromWkb, "mysql")
def _mysql_from_wkb(element: Any, compiler: Any, **options: Any) -> str:
    return f"ST_GeomFromWKB({compiler.process(element.clauses, **options)})"


@compiles(ToWkb, "mysql")
def _mysql_to_wkb(element: Any, compiler: Any, **options: Any) -> str:
    place = compiler.process(element.clauses, **options)
    return f"(CASE WHEN ST_Y({place}) >= -90 THEN ST_AsWKB({place}) END)"


@compiles(Distance, "mysql")
def _mysql_distance(element: Any, compiler: Any, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    north = f"pow(sin(radians(ST_Y({other}) - ST_Y({one})) / 2), 2)"
    east = f"pow(sin(radians(ST_X({other}) - ST_X({one})) / 2), 2)"
    half = f"{north} + cos(radians(ST_Y({one}))) * cos(radians(ST_Y({other}))) * {east}"
    metres = f"{2 * EARTH_RADIUS} * asin(least(1, sqrt({half})))"
    return f"(CASE WHEN ST_Y({one}) >= -90 THEN {metres} END)"


@compiles(Within, "mysql")
def _within_by_mysql(element: Any, compiler: Any, **options: Any) -> str:
    column, middle, metres, *boxes = element.clauses
    place = compiler.process(column, **options)
    texts = (compiler.process(box, **options) for box in boxes)
    near = " OR ".join(f"MBRContains(ST_GeomFromText({text}), {place})" for text in texts)
    return f"(({near}) AND {compiler.process(Distance(column, middle) <= metres, **options)})"
