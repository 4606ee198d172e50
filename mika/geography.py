"""Addresses to places: which country and network (AS) a peer is in, and where on the globe, by MMDB databases.

`tap.py` makes it, `swarm/presence.py` asks for a peer that has a new address. Databases of MaxMind, DB-IP, IPinfo and
others can be read, and one file may be all of it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

import maxminddb
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from mika.errors import ConfigError
from mika.interfaces import IGeography
from mika.jobs import Periodic
from mika.model import NOWHERE, Peer, Place

LOOK_INTERVAL = 60.0
"""Seconds between two looks whether a database is another one."""


class _Stamp(NamedTuple):
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified: int


class Database:
    """One MMDB file, read from a copy: who overwrites the file itself must not pull it from under a lookup."""

    def __init__(self, key: str, path: Path) -> None:
        """`key` is the configuration key that names the file."""
        self.key = key
        self.path = path
        self._stamp: _Stamp | None = None
        self._reader: Any = None

    def changed(self) -> bool:
        """Say whether the file is another one than was opened. One that is gone is not: what was read of it stays."""
        with contextlib.suppress(OSError):
            return self._stamp_of(self.path.stat()) != self._stamp
        return False

    def open(self) -> None:
        """Read the file anew; `ConfigError` if it cannot be used, and then what was read before stays."""
        try:
            with tempfile.NamedTemporaryFile(prefix="mika-", suffix=".mmdb") as copy, self.path.open("rb") as file:
                stamp = self._stamp_of(os.fstat(file.fileno()))
                shutil.copyfileobj(file, copy, 1 << 20)
                copy.flush()
                reader = maxminddb.open_database(copy.name)  # the copy stays, without a name, while it is read
        except OSError as problem:
            raise ConfigError(f"{self.key}: {self.path}: {problem.strerror or problem}") from None
        except (maxminddb.InvalidDatabaseError, ValueError):
            raise ConfigError(f"{self.key}: {self.path}: this is not an MMDB database, or not all of it") from None
        self._stamp, self._reader = stamp, reader

    def get(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> dict[str, Any]:
        """Return what is known of an address, empty if nothing is."""
        try:
            found = self._reader.get(address)
        except ValueError:  # an IPv6 address in a database of IPv4, or a record that is damaged
            return {}
        return found if isinstance(found, dict) else {}

    @staticmethod
    def _stamp_of(status: os.stat_result) -> _Stamp:
        return _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


@implementer(IGeography)
class Geography:
    """Where addresses are, by one or two databases; what the first does not say, the second may."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self.databases = databases
        # A client has the same address in every swarm: it is looked up for the first of them.
        self.place_of = lru_cache(maxsize=65536)(self._place_of)

    def open(self) -> None:
        """Open all of them; `ConfigError` names the one that cannot be used."""
        for database in self.databases:
            database.open()

    def forget(self) -> None:
        """Look addresses up anew: a database is another one."""
        self.place_of.cache_clear()

    def _place_of(self, address: bytes) -> Place:
        """See `IGeography.place_of`."""
        value = ipaddress.ip_address(address)
        place = NOWHERE
        for database in self.databases:
            found = read_place(database.get(value))
            place = Place(place.country or found.country, place.asn or found.asn, place.location or found.location)
        return place

    def locate(self, peer: Peer) -> None:
        """Say of a peer where it is: by its IPv4 address, of which more is known, else by its IPv6 address."""
        place = NOWHERE
        for endpoint in (peer.endpoint4, peer.endpoint6):
            if endpoint and place == NOWHERE:
                place = self.place_of(endpoint[:-2])
        peer.place = place


def read_place(record: dict[str, Any]) -> Place:
    """Read what a record of any of the known databases says; what it does not say, or not rightly, is not known."""
    country = next((each for each in _countries(record) if isinstance(each, str) and len(each) == 2), "")
    return Place(intern(country.upper()) if country.isascii() and country.isalpha() else "", _asn(record), _at(record))


def _countries(record: dict[str, Any]) -> Iterator[Any]:
    """Name everything that may be a country's code: where it is used, then where it is registered."""
    for field in ("country", "registered_country"):
        value = record.get(field)
        yield value.get("iso_code") if isinstance(value, dict) else value
    yield record.get("country_code")


def _asn(record: dict[str, Any]) -> int:
    for field in ("autonomous_system_number", "asn"):
        text = str(record.get(field, "")).removeprefix("AS")
        if text.isascii() and text.isdigit() and int(text) < 2**32:
            return int(text)
    return 0


def _at(record: dict[str, Any]) -> tuple[float, float] | None:
    inner = record.get("location")
    for fields, north_name, east_name in (
        (inner if isinstance(inner, dict) else {}, "latitude", "longitude"),
        (record, "latitude", "longitude"),
        (record, "lat", "lng"),
    ):
        try:
            north, east = float(fields[north_name]), float(fields[east_name])
        except (KeyError, TypeError, ValueError):
            continue
        if math.isfinite(north) and math.isfinite(east) and abs(north) <= 90 and abs(east) <= 180:
            return north, east
    return None


class GeographyService(Periodic):
    """Opens the databases, before the peers are loaded, and again when their files are others.

    Peers that are known keep the place that they had until their address changes.
    """

    def __init__(self, geography: Geography, reactor: Any) -> None:
        super().__init__(reactor, LOOK_INTERVAL)
        self._geography = geography
        self._reactor = reactor
        self._troubles: dict[str, str] = {}

    def startService(self) -> None:  # noqa: N802 - Twisted's name
        """Fail with `ConfigError` if one cannot be used."""
        self._geography.open()
        super().startService()

    async def work(self) -> None:
        """Read what changed, in a thread; what cannot be read is said once, and the old one stays in use."""
        for database in self._geography.databases:
            if database.changed():
                try:
                    await self._in_thread(database)
                except ConfigError as problem:
                    if self._troubles.get(database.key) != str(problem):
                        self.log.error("{problem}; the one before stays in use", problem=problem)
                    self._troubles[database.key] = str(problem)
                else:
                    self._troubles.pop(database.key, None)
                    self._geography.forget()
                    self.log.info("{key}: {path} was read anew", key=database.key, path=str(database.path))

    def _in_thread(self, database: Database) -> Deferred[None]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), database.open)


def databases_of(city: str, asn: str) -> list[Database]:
    """Return the databases of a configuration, not yet open; an empty path is none."""
    paths = (("geography.city", city), ("geography.asn", asn))
    return [Database(key, Path(path)) for key, path in paths if path]
